"""The services of a user: do not disturb, and the filter of incoming calls."""

from confd_schemas.users.user_services import user_services

from ...models.users.user import SERVICES
from ...plugin import Notifier, PartsService
from .dao import dao
from .switches import switched

__all__ = ["UserServices"]


class UserServices(PartsService):
    spec = user_services
    parent = dao
    shown = "services"
    notifier = Notifier({name: switched("service", name) for name in SERVICES})
