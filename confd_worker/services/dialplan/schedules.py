"""Schedules: when calls are let through, and what they hold for."""

from typing import ClassVar

from confd_schemas.dialplan.schedules import schedules

from ...models.dialplan.schedule import Schedule
from ...models.users.user import User
from ...plugin import (
    DAO,
    AssociationService,
    AtMostOne,
    Example,
    Notifier,
    Owner,
    ResourceService,
    SameTenant,
    Validator,
    Work,
    errors,
    of_resource,
)

__all__ = ["Schedules", "SchedulesService", "dao"]

dao = DAO(Schedule, schedules)


def _user_known(work: Work, schedule: Schedule) -> None:
    """Of the targets of the closed destination only users are looked up, and their music."""
    closed = schedule.closed
    if closed.get("type") != "user":
        return
    user = work.session.get(User, closed["user_id"])
    if user is None or user.tenant_uuid != schedule.tenant_uuid:
        told = {"fallback_actionid": str(closed["user_id"])}
        raise errors.ParameterNotFound("fallback_actionid", "User", metadata=told)
    moh = of_resource("moh")
    uuid = closed.get("moh_uuid")
    if uuid and (moh is None or moh.find(work, uuid=uuid, tenant_uuid=schedule.tenant_uuid) is None):
        raise errors.ParameterNotFound("moh_uuid", "MOH", metadata={"moh_uuid": uuid})


class Schedules(ResourceService):
    spec = schedules
    dao = dao
    validator = Validator(change=[_user_known])
    notifier = Notifier.resource("schedule", "config.schedules")
    example = Example(
        {"name": "schedule {n}", "closed_destination": {"type": "hangup", "cause": "normal"}}, {"name": "changed"}
    )


class SchedulesService(AssociationService):
    """The schedule that holds for an item, which has one at the most.

    Attributes:
        owner: what such items are.
    """

    right, relation = dao, "schedules"
    owner: ClassVar[Owner]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        owner = cls.owner
        cls.left = owner.dao
        has_none = AtMostOne(
            "schedules", owner.label, "Schedule", lambda item, held: {**owner.identified(item), "schedule_id": held.id}
        )
        cls.validator = Validator(associate=[SameTenant(owner.name, "schedule"), has_none])
        cls.notifier = Notifier.association(
            f"{owner.name}_schedule",
            f"{owner.routing_key}.schedules",
            lambda item, schedule: {**owner.told(item), "schedule_id": schedule.id},
            users=owner.users,
        )
