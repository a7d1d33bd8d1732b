"""The rules of call destinations, for all that hold one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from confd_schemas.dialplan.destinations import targets as labels
from sqlalchemy import Select, inspect, select

from ...models.dialplan.destination import target_of
from ...plugin import Work, errors, of_resource

__all__ = ["Reachable", "check_reachable"]

_ALSO = {"skill_rule_id": ("queues_skillrules", "SkillRule", "id"), "moh_uuid": ("moh", "MOH", "uuid")}


class Reachable:
    """What the destinations that an item holds lead to exists, in the item's own tenant.

    Args:
        fields: names of the destinations, in the order in which they are checked.
    """

    def __init__(self, *fields: str) -> None:
        self.fields = fields

    def __call__(self, work: Work, item: Any) -> None:
        """Raises ParameterNotFound."""
        self.check(work, item.tenant_uuid, [item])

    def check(self, work: Work, tenant: UUID, items: Iterable[Any]) -> None:
        """The same for several items that hold destinations, and are parts of one of that tenant."""
        rows = (getattr(item, f"{field}_row") for item in items for field in self.fields)
        check_reachable(work, tenant, [row.fields for row in rows if row is not None and not inspect(row).persistent])


def check_reachable(work: Work, tenant: UUID, destinations: Sequence[Mapping[str, Any]]) -> None:
    """What the destinations of an item lead to exists in its tenant: one query for each kind of target.

    Raises:
        ParameterNotFound: it does not, or something else that a destination names does not.
    """
    targets = _Targets(work, tenant, destinations)
    others = {field: _named(work, tenant, field, destinations) for field in _ALSO}
    for destination in destinations:
        targets.check(destination)
        for field, (_, label, _) in _ALSO.items():
            value = destination.get(field)
            if value and str(value) not in others[field]:
                raise errors.ParameterNotFound(field, label, metadata={field: value})


class _Targets:
    """Those of the targets of some destinations that there are, by the field that names them."""

    def __init__(self, work: Work, tenant: UUID, destinations: Iterable[Mapping[str, Any]]) -> None:
        wanted: dict[str, tuple[Any, set[Any]]] = {}
        for destination in destinations:
            if found := target_of(destination):
                key, target = found
                wanted.setdefault(key, (target, set()))[1].add(destination[key])
        self._found = {
            key: set() if target is None else set(work.session.scalars(_ids(target, tenant, values)))
            for key, (target, values) in wanted.items()
        }

    def check(self, destination: Mapping[str, Any]) -> None:
        """Raises ParameterNotFound."""
        if found := target_of(destination):
            key, value = found[0], destination[found[0]]
            if value not in self._found[key]:
                raise errors.ParameterNotFound("actionarg1", labels[key], metadata={"actionarg1": value})


def _ids(target: Any, tenant: UUID, values: Iterable[Any]) -> Select[Any]:
    return select(target.id).where(target.id.in_(values), target.id.class_.tenant_uuid == tenant)


def _named(work: Work, tenant: UUID, field: str, destinations: Iterable[Mapping[str, Any]]) -> set[str]:
    """What the destinations name in a field, of what there is."""
    resource, _, column = _ALSO[field]
    dao, values = of_resource(resource), {(each[field],) for each in destinations if each.get(field)}
    found = dao.among(work, (column,), values) if dao else {}
    return {str(value) for (value,), item in found.items() if item.tenant_uuid == tenant}
