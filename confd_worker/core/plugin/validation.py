"""Business rules: small callables in lists, checked in the order in which clients see their errors.

A rule takes the unit of work and the item as it would be after the change, not flushed yet; an association's rule takes
both items. It raises a `ServiceError` when it is broken.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm.base import PASSIVE_NO_INITIALIZE

from .. import errors
from ..query.dao import of_resource
from ..query.uniqueness import taken
from ..work import Work

__all__ = [
    "AtMostOne",
    "EachSameTenant",
    "Free",
    "OnNoOther",
    "Once",
    "Refers",
    "Rule",
    "SameTenant",
    "Unique",
    "Validator",
    "before",
    "changed",
]

Rule = Callable[..., None]


class Validator:
    """The rules of a plugin by operation.

    Args:
        rules: a list of rules for each operation; `change` rules are checked on create and on update.
    """

    def __init__(self, *, change: Iterable[Rule] = (), **rules: Iterable[Rule]) -> None:
        both = tuple(change)
        self._rules = {name: tuple(given) for name, given in rules.items()}
        for name in ("create", "update"):
            self._rules[name] = (*self._rules.get(name, ()), *both)

    def check(self, operation: str, work: Work, *items: Any) -> None:
        """Check the rules of an operation one by one.

        Raises:
            ServiceError: that of the first rule that is broken.
        """
        rules = self._rules.get(operation)
        if rules:
            with work.checking():
                for rule in rules:
                    rule(work, *items)


def changed(item: Any, *names: str) -> bool:
    """Whether any of these attributes (all columns when none is named) has another value than in the database."""
    state = inspect(item)
    return not state.persistent or any(
        state.get_history(name, PASSIVE_NO_INITIALIZE).has_changes()
        for name in names or state.mapper.column_attrs.keys() & state.committed_state.keys()
    )


def before(item: Any, name: str) -> Any:
    """The value that the attribute has in the database."""
    history = inspect(item).get_history(name, PASSIVE_NO_INITIALIZE)
    return history.deleted[0] if history.deleted else getattr(item, name)


class Unique:
    """No other item in the whole server, or `within` a part of it, has the same values.

    Args:
        columns: names of the columns that are unique together; null is never taken.
        label: what the error calls the resource.
        fold: whether case is ignored.
        within: a further such column, which the error does not tell of.
    """

    def __init__(self, *columns: str, label: str, fold: bool = False, within: str | None = None) -> None:
        self.columns = columns if within is None else (*columns, within)
        self.label, self.fold, self.within = label, fold, within

    def __call__(self, work: Work, item: Any) -> None:
        """Raises AlreadyExists."""
        values = {name: getattr(item, name) for name in self.columns}
        if None in values.values() or not changed(item, *self.columns):
            return
        if taken(work, type(item), values, fold=self.fold, but=item):
            told = {name: value for name, value in values.items() if name != self.within}
            raise errors.AlreadyExists(self.label, metadata=told)


class Refers:
    """A field refers to an item of another resource in the item's own tenant.

    Args:
        field: name of the attribute; null refers to nothing.
        resource: name of the other resource; while no plugin provides it, nothing is found.
        label: what the error calls it.
        by: the column that the field holds.
        ignore: values that need no such item.
    """

    def __init__(self, field: str, resource: str, label: str, *, by: str = "id", ignore: Iterable[str] = ()) -> None:
        self.field, self.resource, self.label, self.by = field, resource, label, by
        self.ignore = frozenset(ignore)

    def __call__(self, work: Work, item: Any) -> None:
        """Raises ParameterNotFound."""
        value = getattr(item, self.field)
        if value is None or value in self.ignore or not changed(item, self.field):
            return
        dao = of_resource(self.resource)
        tenant = {"tenant_uuid": item.tenant_uuid} if dao and dao.owned else {}
        if dao is None or dao.find(work, **{self.by: value}, **tenant) is None:
            raise errors.ParameterNotFound(self.field, self.label, metadata={self.field: value})


class Free:
    """Nothing is associated with the item.

    Args:
        relation: name of the attribute that is to be empty; while no plugin provides it, it is.
        error: makes the error from the item and what it is associated with.
    """

    def __init__(self, relation: str, error: Callable[[Any, Any], errors.ServiceError]) -> None:
        self.relation, self.error = relation, error

    def __call__(self, work: Work, item: Any, *others: Any) -> None:
        """Raises what `error` makes."""
        found = getattr(item, self.relation, None)
        if found:
            raise self.error(item, found)


class AtMostOne:
    """The left item of an association holds no right one yet.

    Args:
        relation: attribute of the left one that holds the right one, or a list of them.
        left, right: what the error calls them.
        told: makes the error's metadata from the left one and the one that it holds.
    """

    def __init__(self, relation: str, left: str, right: str, told: Callable[[Any, Any], dict[str, Any]]) -> None:
        self.relation, self.labels, self.told = relation, (left, right), told

    def __call__(self, work: Work, left: Any, right: Any) -> None:
        """Raises Associated."""
        held = getattr(left, self.relation)
        if held:
            first = held[0] if isinstance(held, list) else held
            raise errors.Associated(*self.labels, metadata=self.told(left, first))


class OnNoOther:
    """The right item of an association is held by no left one yet; arguments as for `AtMostOne`.

    Args:
        relation: attribute of the right one that tells which left one holds it.
    """

    def __init__(self, relation: str, left: str, right: str, told: Callable[[Any, Any], dict[str, Any]]) -> None:
        self.relation, self.labels, self.told = relation, (left, right), told

    def __call__(self, work: Work, left: Any, right: Any) -> None:
        """Raises Associated."""
        holder = getattr(right, self.relation)
        if holder is not None:
            raise errors.Associated(*self.labels, metadata=self.told(holder, right))


class Once:
    """No member is twice in a list that replaces another.

    Args:
        text: what the error says.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(self, work: Work, owner: Any, members: Sequence[Any]) -> None:
        """Raises NotPermitted."""
        if len(set(members)) < len(members):
            raise errors.NotPermitted(self.text)


class SameTenant:
    """Both items of an association live in one tenant.

    Args:
        left, right: what the metadata calls the items, in its order.
        swapped: whether the metadata begins with the right one.
    """

    def __init__(self, left: str, right: str, *, swapped: bool = False) -> None:
        self.left, self.right, self.swapped = left, right, swapped

    def __call__(self, work: Work, left: Any, right: Any) -> None:
        """Raises DifferentTenants."""
        if left.tenant_uuid == right.tenant_uuid:
            return
        told = {
            f"{self.left}_tenant_uuid": str(left.tenant_uuid),
            f"{self.right}_tenant_uuid": str(right.tenant_uuid),
        }
        raise errors.DifferentTenants(metadata=dict(reversed(told.items())) if self.swapped else told)


class EachSameTenant:
    """Each member of a list lives in the tenant of its owner.

    Args:
        left, right: what the metadata call owner and member, in its order.
        swapped: whether the owner is the right one.
    """

    def __init__(self, left: str, right: str, *, swapped: bool = False) -> None:
        self._rule, self._swapped = SameTenant(left, right), swapped

    def __call__(self, work: Work, owner: Any, members: Sequence[Any]) -> None:
        """Raises DifferentTenants."""
        for member in members:
            self._rule(work, *((member, owner) if self._swapped else (owner, member)))
