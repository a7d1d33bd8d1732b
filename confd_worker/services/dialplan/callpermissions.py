"""Call permissions: which numbers users and groups may call."""

from typing import ClassVar

from confd_schemas.dialplan.callpermissions import callpermissions

from ...models.dialplan.call_permission import CallPermission
from ...plugin import DAO, AssociationService, Example, Notifier, Owner, ResourceService, SameTenant, Unique, Validator

__all__ = ["CallPermissions", "CallPermissionsService", "dao"]

dao = DAO(CallPermission, callpermissions)


class CallPermissions(ResourceService):
    spec = callpermissions
    dao = dao
    validator = Validator(change=[Unique("name", label="CallPermission", within="tenant_uuid")])
    notifier = Notifier.resource("call_permission", "config.callpermission")
    example = Example({"name": "permission {n}"}, {"description": "changed"})


class CallPermissionsService(AssociationService):
    """The call permissions of an item.

    Attributes:
        owner: what such items are.
    """

    right, relation = dao, "call_permissions"
    owner: ClassVar[Owner]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        owner = cls.owner
        cls.left = owner.dao
        cls.validator = Validator(associate=[SameTenant(owner.name, "call_permission")])
        cls.notifier = Notifier.association(
            f"{owner.name}_call_permission",
            f"{owner.routing_key}.{{0.{owner.key}}}.callpermissions",
            lambda item, permission: {**owner.told(item), "call_permission_id": permission.id},
            users=owner.users,
        )
