"""Call permissions of a user."""

from confd_schemas.users.user_callpermissions import user_callpermissions

from ..dialplan.callpermissions import CallPermissionsService
from .dao import user

__all__ = ["UserCallPermissions"]


class UserCallPermissions(CallPermissionsService):
    spec, owner = user_callpermissions, user
