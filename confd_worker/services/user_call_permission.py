"""Call permissions of a user."""

from confd_schemas.user_call_permission import user_call_permission

from ..core.association import AssociationService
from ..core.notifier import Notifier
from ..core.validation import SameTenant, Validator
from . import call_permissions
from .users.dao import dao as users_dao

__all__ = ["UserCallPermissions"]


class UserCallPermissions(AssociationService):
    spec = user_call_permission
    left, right, relation = users_dao, call_permissions.dao, "call_permissions"
    validator = Validator(associate=[SameTenant("user", "call_permission")])
    notifier = Notifier.association(
        "user_call_permission",
        "config.users.{0.uuid}.callpermissions",
        lambda user, permission: {"user_uuid": user.uuid, "call_permission_id": permission.id},
        users=lambda user, permission: [user.uuid],
    )
