"""The rules of call destinations, for all that hold one."""

from typing import Any

from confd_schemas.dialplan.destinations import targets as labels
from sqlalchemy import inspect, select

from ...models.dialplan.destination import target_of
from ...plugin import Work, errors, of_resource

__all__ = ["Reachable", "check_reachable"]

_ALSO = {"skill_rule_id": ("queues.skillrules", "SkillRule", "id"), "moh_uuid": ("moh", "MOH", "uuid")}


class Reachable:
    """What the destinations that an item holds lead to exists, in a tenant that the caller sees.

    Args:
        fields: names of the destinations, in the order in which they are checked.
    """

    def __init__(self, *fields: str) -> None:
        self.fields = fields

    def __call__(self, work: Work, item: Any) -> None:
        """Raises ParameterNotFound."""
        for field in self.fields:
            row = getattr(item, f"{field}_row")
            if row is not None and not inspect(row).persistent:
                check_reachable(work, row.fields)


def check_reachable(work: Work, destination: dict[str, Any]) -> None:
    """What the destination leads to exists, and the caller sees it.

    Raises:
        ParameterNotFound: it does not, or something else that the destination names does not.
    """
    found = target_of(destination)
    if found is not None:
        key, target = found
        value = destination[key]
        label = labels[key]
        if target is None or work.session.scalar(select(target.id).where(target.id == value)) is None:
            raise errors.ParameterNotFound("actionarg1", label, metadata={"actionarg1": value})
    for field, (resource, label, column) in _ALSO.items():
        value = destination.get(field)
        if value:
            dao = of_resource(resource)
            if dao is None or dao.find(work, **{column: value}) is None:
                raise errors.ParameterNotFound(field, label, metadata={field: value})
