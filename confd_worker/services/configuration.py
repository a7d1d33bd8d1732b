"""Live reload: whether changes make asterisk reload."""

from confd_schemas.configuration import live_reload

from ..core.dao import DAO
from ..core.notifier import EventType, Notifier
from ..core.singleton import SingletonService
from ..models import Infos

__all__ = ["LiveReload"]


class LiveReload(SingletonService):
    spec = live_reload
    dao = DAO(Infos, live_reload)
    notifier = Notifier(
        {
            "edited": EventType(
                "live_reload_edited",
                "config.live_reload.edited",
                lambda infos: {"live_reload_enabled": infos.live_reload_enabled},
                tenant=False,
            )
        }
    )
