"""The services of a user: do not disturb, and the filter of incoming calls."""

from confd_schemas.user_services import user_services

from ..core.notifier import Notifier
from ..core.singleton import PartsService
from ..models import SERVICES
from .users.dao import dao
from .users.switches import switched

__all__ = ["UserServices"]


class UserServices(PartsService):
    spec = user_services
    parent = dao
    shown = "services"
    notifier = Notifier({name: switched("service", name) for name in SERVICES})
