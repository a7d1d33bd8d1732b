"""Live reload: whether changes make asterisk reload."""

from confd_schemas.system.configuration_live_reload import configuration_live_reload

from ...models.system.tenant import Infos
from ...plugin import DAO, EventType, Notifier, SingletonService

__all__ = ["LiveReload"]


class LiveReload(SingletonService):
    spec = configuration_live_reload
    dao = DAO(Infos, configuration_live_reload)
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
