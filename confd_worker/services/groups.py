"""Groups: users and numbers that are called together."""

from typing import Any
from uuid import uuid4

from confd_schemas.groups import groups, groups_callpermissions, groups_extensions, groups_fallbacks, groups_schedules

from ..core import errors
from ..core.association import AssociationService
from ..core.dao import DAO, of_resource
from ..core.notifier import EventType, Notifier
from ..core.resource import ResourceService
from ..core.validation import Refers, SameTenant, Validator
from ..core.work import Work
from ..models import Extension, Group, Tenant
from . import call_permissions, extensions, schedules
from .fallbacks import FallbacksService

__all__ = ["GroupCallPermissions", "GroupExtensions", "GroupFallbacks", "GroupSchedules", "Groups", "dao", "identity"]

_DIGITS = 18


class _Groups(DAO):
    def not_found(self, key: Any, **more: Any) -> errors.NotFound:
        """The error for an id or a uuid that is not there."""
        text = str(key)
        # No id has more digits, and a longer number would not go through JSON.
        told = {"id": int(text)} if text.isdecimal() and len(text) <= _DIGITS else {"uuid": text}
        return errors.NotFound(self.spec.label, metadata={**told, **more})


dao = _Groups(Group, groups)


def identity(group: Group) -> dict[str, Any]:
    """What events of its associations tell of a group."""
    return {"group_id": group.id, "group_uuid": group.uuid}


def _no_queue(work: Work, group: Group) -> None:
    queues = of_resource("queues")
    if queues is not None and queues.find(work, all_tenants=True, name=group.name) is not None:
        raise errors.AlreadyExists("Queue", metadata={"name": group.name})


class Groups(ResourceService):
    spec = groups
    dao = dao
    validator = Validator(
        create=[_no_queue],
        change=[Refers("music_on_hold", "moh", "MOH", by="name", ignore=["", "default"])],
    )
    notifier = Notifier.resource(
        "group",
        "config.groups",
        lambda group: {"id": group.id, "uuid": group.uuid},
        reload=["module reload app_queue.so"],
    )

    def place(self, item: Group) -> None:
        super().place(item)
        item.uuid = uuid4()
        item.name = f"grp-{Tenant.slug_of(self.work.session, item.tenant_uuid)}-{item.uuid}"


def _associated(group: Group, extension: Extension) -> errors.ServiceError:
    return errors.Associated("Group", "Extension", metadata={"group_id": group.id, "extension_id": extension.id})


def _without_extension(work: Work, group: Group, extension: Extension) -> None:
    if group.extensions:
        raise _associated(group, group.extensions[0])


def _on_no_group(work: Work, group: Group, extension: Any) -> None:
    if extension.group is not None:
        raise _associated(extension.group, extension)


class GroupExtensions(AssociationService):
    spec = groups_extensions
    left, right, relation = dao, extensions.dao, "extensions"
    validator = Validator(
        associate=[
            _without_extension,
            _on_no_group,
            extensions.NotUsedOtherwise("group"),
            extensions.InContextFor("group"),
            extensions.InRangeFor("group"),
            SameTenant("group", "extension", swapped=True),
        ],
    )
    notifier = Notifier.association(
        "group_extension",
        "config.groups.extensions",
        lambda group, extension: {**identity(group), "extension_id": extension.id},
        reload=["dialplan reload"],
    )


_Scheduling = schedules.scheduling("Group", "group", dao, identity, refused=lambda group: {"group_uuid": group.uuid})


class GroupSchedules(_Scheduling):  # type: ignore[misc, valid-type]
    spec = groups_schedules


class GroupCallPermissions(AssociationService):
    spec = groups_callpermissions
    left, right, relation = dao, call_permissions.dao, "call_permissions"
    validator = Validator(associate=[SameTenant("group", "call_permission")])
    notifier = Notifier.association(
        "group_call_permission",
        "config.groups.{0.uuid}.callpermissions",
        lambda group, permission: {**identity(group), "call_permission_id": permission.id},
    )


class GroupFallbacks(FallbacksService):
    spec = groups_fallbacks
    parent = dao
    notifier = Notifier(
        {
            "edited": EventType(
                "group_fallback_edited",
                "config.groups.fallbacks.edited",
                lambda group: {"id": group.id, "uuid": group.uuid},
            )
        }
    )
