"""Schedules: when calls are let through, and what they hold for."""

from collections.abc import Callable
from typing import Any

from confd_schemas.schedules import schedules

from ..core import errors
from ..core.association import AssociationService
from ..core.dao import DAO, of_resource
from ..core.notifier import Notifier
from ..core.resource import ResourceService
from ..core.validation import SameTenant, Validator
from ..core.work import Work
from ..models import Schedule, User

__all__ = ["Schedules", "dao", "scheduling"]

dao = DAO(Schedule, schedules)


def _user_known(work: Work, schedule: Schedule) -> None:
    """Of the targets of the closed destination only users are looked up, and their music."""
    closed = schedule.closed
    if closed.get("type") != "user":
        return
    if work.session.get(User, closed["user_id"]) is None:
        told = {"fallback_actionid": str(closed["user_id"])}
        raise errors.ParameterNotFound("fallback_actionid", "User", metadata=told)
    moh = of_resource("moh")
    uuid = closed.get("moh_uuid")
    if uuid and (moh is None or moh.find(work, all_tenants=True, uuid=uuid) is None):
        raise errors.ParameterNotFound("moh_uuid", "MOH", metadata={"moh_uuid": uuid})


class Schedules(ResourceService):
    spec = schedules
    dao = dao
    validator = Validator(change=[_user_known])
    notifier = Notifier.resource("schedule", "config.schedules")


def scheduling(
    label: str,
    name: str,
    owners: DAO,
    told: Callable[[Any], dict[str, Any]],
    *,
    users: Callable[..., Any] | None = None,
    key: str | None = None,
    refused: Callable[[Any], dict[str, Any]] | None = None,
) -> type[AssociationService]:
    """The association of items with the schedule that holds for them.

    Args:
        label, name: of the owner, in errors and in events.
        owners: of the items.
        told: what events, and the error for an item that has a schedule already, tell of the owner.
        users: whom the events concern.
        key: routing key, without its last word; by default `config.{name}s.schedules`.
        refused: what that error tells of the owner, where it is not the same as in events.
    """

    def no_schedule(work: Work, owner: Any, schedule: Schedule) -> None:
        if owner.schedules:
            metadata = {**(refused or told)(owner), "schedule_id": owner.schedules[0].id}
            raise errors.Associated(label, "Schedule", metadata=metadata)

    class Scheduling(AssociationService):
        left, right, relation = owners, dao, "schedules"
        validator = Validator(associate=[SameTenant(name, "schedule"), no_schedule])
        notifier = Notifier.association(
            f"{name}_schedule",
            key or f"config.{name}s.schedules",
            lambda owner, schedule: {**told(owner), "schedule_id": schedule.id},
            users=users,
        )

    return Scheduling
