"""Lists of members: what a body names, and the service that replaces such a list as a whole."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol
from uuid import UUID

from sqlalchemy import inspect

from .. import errors
from ..entrypoints.rpc import change
from ..query.dao import DAO
from ..work import Work
from .service import Service

__all__ = ["PLACE", "Members", "MembersService", "Named", "Values"]

PLACE = object()
"""The value of a detail that a member has when the body gives none: its place in the list, from 0."""

Given = Sequence[dict[str, Any]]


class Named(Protocol):
    """Finds what the objects of a list in a body name.

    Attributes:
        field: name of the list in the body.
    """

    field: str

    def find(self, work: Work, given: Given) -> list[Any]:
        """The members in the order of the body, with repeats."""
        ...

    def identity(self, member: Any) -> tuple[Any, ...]:
        """What a row holds of a member."""
        ...


class Members:
    """Members that are items, by an id of theirs: `[{"id": 1}, …]`.

    Args:
        dao: of the members.
        field: name of the list in the body.
        keys: names of the ids by which an object may name its member, one or several that must agree.
    """

    def __init__(self, dao: DAO, field: str, *keys: str) -> None:
        self.dao, self.field, self.keys = dao, field, keys or ("id",)

    def find(self, work: Work, given: Given) -> list[Any]:
        """The items that the objects name, in their order, locked; one query for each kind of id.

        Raises:
            ParameterNotFound: one does not exist in the tenants that the caller sees.
        """
        found = {key: self.dao.all(work, [each[key] for each in given if key in each]) for key in self.keys}
        return [self._named(found, each) for each in given]

    def identity(self, member: Any) -> tuple[Any, ...]:
        """The member's integer id."""
        return (member.id,)

    def _named(self, found: dict[str, dict[Any, Any]], given: dict[str, Any]) -> Any:
        named = {key: given[key] for key in self.keys if key in given}
        items = {found[key].get(value) for key, value in named.items()}
        if len(items) != 1 or None in items:
            raise errors.ParameterNotFound(self.field, self.dao.spec.label, metadata=self._told(named))
        return items.pop()

    def _told(self, named: dict[str, Any]) -> dict[str, Any]:
        # Clients know the uuid in the text of Python where there is a choice of ids.
        choice = len(self.keys) > 1
        return {key: str(value) if isinstance(value, UUID) and not choice else value for key, value in named.items()}


class Values:
    """Members that are no items, but some values each: `[{"exten": "1001", "context": "inside"}, …]`.

    Args:
        field: name of the list in the body.
        names: of the values.
    """

    def __init__(self, field: str, *names: str) -> None:
        self.field, self.names = field, names

    def find(self, work: Work, given: Given) -> list[Any]:
        """The values of each object, as a tuple."""
        return [tuple(each[name] for name in self.names) for each in given]

    def identity(self, member: Any) -> tuple[Any, ...]:
        """The values themselves."""
        return member


class MembersService(Service):
    """The members of an item, a list that `replace` gives to it as a whole; the validator's rules are `replace`.

    Each member has a row in a list of the item's model. Rules get the item and the members; the notifier tells of
    `replaced` with both.

    Attributes:
        owner: of the items that have members.
        members: finds what the body names.
        relation: attribute of the item with the rows.
        holds: attributes of a row that hold the member, as `Named.identity` gives it.
        details: further attributes of a row that the body may give, with their values where it does not.
    """

    owner: ClassVar[DAO]
    members: ClassVar[Named]
    relation: ClassVar[str]
    holds: ClassVar[tuple[str, ...]]
    details: ClassVar[Mapping[str, Any]] = {}

    @change
    def replace(self, id: Any, body: Any) -> None:
        """Give the item these members and no others."""
        self.put(*self.wanted(id, body))

    def wanted(self, id: Any, body: Any) -> tuple[Any, list[Any], Given]:
        """The item, locked, its members to be, and what the body says of them.

        Raises:
            NotFound: there is no such item.
            BadFields: the schema refuses the body.
            ParameterNotFound: there is no such member.
        """
        owner = self.owner.get(self.work, id)
        given = self.given(body)
        return owner, self.members.find(self.work, given), given

    def given(self, body: Any) -> Given:
        """What the body says of each member; raises BadFields."""
        return self.load("replace", body)[self.members.field]

    def put(self, owner: Any, members: Sequence[Any], given: Given = ()) -> None:
        """Give an item these members and no others: rules, rows, event.

        Args:
            given: an object with details for each member, or none at all.
        """
        self.validator.check("replace", self.work, owner, members)
        self.assign(owner, members, given or [{}] * len(members))
        self.work.flush()
        self.notifier.tell("replaced", self.work, owner, members)

    def assign(self, owner: Any, members: Sequence[Any], given: Given) -> None:
        """Make the rows into those of the members; the row of one who stays stays."""
        row_class = inspect(self.owner.model).relationships[self.relation].mapper.class_
        present = {tuple(getattr(row, each) for each in self.holds): row for row in getattr(owner, self.relation)}
        rows = []
        for place, (member, told) in enumerate(zip(members, given, strict=True)):
            held = self.members.identity(member)
            row = present.get(held) or row_class(**dict(zip(self.holds, held, strict=True)))
            for detail, usual in self.details.items():
                setattr(row, detail, told.get(detail, place if usual is PLACE else usual))
            rows.append(row)
        setattr(owner, self.relation, rows)
