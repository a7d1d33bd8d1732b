"""Call permissions: which numbers users and groups may call."""

from confd_schemas.call_permissions import callpermissions

from ..core.dao import DAO
from ..core.notifier import Notifier
from ..core.resource import ResourceService
from ..core.validation import Unique, Validator
from ..models import CallPermission

__all__ = ["CallPermissions", "dao"]

dao = DAO(CallPermission, callpermissions)


class CallPermissions(ResourceService):
    spec = callpermissions
    dao = dao
    validator = Validator(change=[Unique("name", label="CallPermission", within="tenant_uuid")])
    notifier = Notifier.resource("call_permission", "config.callpermission")
