"""Groups: users and numbers that are called together."""

from typing import Any
from uuid import uuid4

from confd_schemas.call_features.groups import (
    group_callpermissions,
    group_extensions,
    group_fallbacks,
    group_schedules,
    groups,
)

from ...models.call_features.group import Group
from ...models.system.tenant import Tenant
from ...plugin import DAO, Example, Notifier, Owner, Refers, ResourceService, Rule, Validator, Work, errors, of_resource
from ..dialplan.callpermissions import CallPermissionsService
from ..dialplan.extensions import ExtensionsService
from ..dialplan.fallbacks import FallbacksService
from ..dialplan.schedules import SchedulesService

__all__ = ["GroupCallPermissions", "GroupExtensions", "GroupFallbacks", "GroupSchedules", "Groups", "dao", "group"]

_DIGITS = 18


class _Groups(DAO):
    def not_found(self, key: Any, **more: Any) -> errors.NotFound:
        """The error for an id or a uuid that is not there."""
        text = str(key)
        # No id has more digits, and a longer number would not go through JSON.
        told = {"id": int(text)} if text.isdecimal() and len(text) <= _DIGITS else {"uuid": text}
        return errors.NotFound(self.spec.label, metadata={**told, **more})


dao = _Groups(Group, groups)


group = Owner(
    dao,
    "group",
    lambda group: {"group_id": group.id, "group_uuid": group.uuid},
    refused=lambda group: {"group_uuid": group.uuid},
    key="uuid",
)


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
    example = Example({"label": "group {n}"}, {"label": "changed"})

    def place(self, item: Group) -> None:
        super().place(item)
        item.uuid = uuid4()
        item.name = f"grp-{Tenant.slug_of(self.work.session, item.tenant_uuid)}-{item.uuid}"


class GroupExtensions(ExtensionsService):
    spec = group_extensions
    owner = Owner(dao, "group", group.told, refused=lambda group: {"group_id": group.id})

    @classmethod
    def rules(cls) -> list[Rule]:
        same_tenant, *others = super().rules()
        return [*others, same_tenant]


class GroupSchedules(SchedulesService):
    spec, owner = group_schedules, group


class GroupCallPermissions(CallPermissionsService):
    spec, owner = group_callpermissions, group


class GroupFallbacks(FallbacksService):
    spec, owner = group_fallbacks, group
