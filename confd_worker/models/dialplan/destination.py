"""Call destinations: where calls go that arrive somewhere, and what may be such a place.

A destination is a row of its own; its holder refers to it. Triggers keep both in step, whoever deletes: on a target's
table `confd_target_deleted(type, column)` removes the destinations that lead to it, and the holder is left with none;
on a holder's table `confd_holder_deleted(column, …)` removes the destinations that it held.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from confd_schemas.dialplan.destinations import targets
from sqlalchemy import ColumnElement, ForeignKey, Index, case, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, aliased, declared_attr, mapped_column, relationship

from ..base import Base, integer_id, looked_up

__all__ = ["Destination", "Target", "holds", "register", "shown", "target_of"]


@dataclass(frozen=True)
class Target:
    """A resource that a destination can lead to.

    Attributes:
        key: field of the destination that holds the target's id; one of `confd_schemas.dialplan.destinations.targets`.
        id: attribute of the model that is the id.
        names: attributes of the model that are shown beside the id, by field.
    """

    key: str
    id: Any
    names: Mapping[str, Any] = field(default_factory=dict)


_registered: dict[str, Target] = {}


def register(target: Target) -> None:
    """Make a resource one that destinations can lead to."""
    _registered[target.key] = target


def target_of(fields: Mapping[str, Any]) -> tuple[str, Target | None] | None:
    """The field of a destination that holds an id, and what is registered for it; None where there is no such field."""
    return next(((key, _registered.get(key)) for key in targets if key in fields), None)


class Destination(Base):
    """Where a call goes.

    Attributes:
        type: kind of the target.
        target: its id as text; None when there is none.
        fields: all of the destination, as it was given.
    """

    __tablename__ = "destinations"
    __table_args__ = (Index(None, "type", "target"),)

    id: Mapped[integer_id]
    type: Mapped[str]
    target: Mapped[str | None]
    fields: Mapped[dict[str, Any]] = mapped_column(JSONB)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "Destination":
        """A new destination."""
        found = target_of(fields)
        return cls(type=fields["type"], target=str(fields[found[0]]) if found else None, fields=dict(fields))


def shown(fields: Any) -> ColumnElement[Any]:
    """The destination in a jsonb expression with the names of its target, as they are now."""
    whens = [(fields.has_key(target.key), _names(fields, target)) for target in _registered.values() if target.names]
    if not whens:
        return fields
    nothing: Any = literal_column("'{}'::jsonb")
    return fields.concat(func.coalesce(case(*whens, else_=nothing), nothing))


def _names(fields: ColumnElement[Any], target: Target) -> ColumnElement[Any]:
    # An alias, so that it is never taken for the item that is shown.
    row: Any = aliased(target.id.class_)
    parts: list[Any] = []
    for name, attribute in target.names.items():
        parts += [literal_column(f"'{name}'"), getattr(row, attribute.key)]
    id_ = cast(fields.op("->>")(target.key), target.id.type)
    return select(func.jsonb_build_object(*parts)).where(getattr(row, target.id.key) == id_).scalar_subquery()


def holds(name: str, empty: str = "NULL") -> type:
    """A mixin for models that hold a destination in the attribute `name`; assigning another dict or None replaces it.

    Args:
        empty: SQL of what is shown where there is none.
    """
    id_name, row_name = f"{name}_id", f"{name}_row"

    def key(cls: type) -> Mapped[int | None]:
        return mapped_column(ForeignKey("destinations.id", ondelete="SET NULL"), index=True)

    def row(cls: Any) -> Mapped[Destination | None]:
        return relationship(
            Destination,
            primaryjoin=lambda: getattr(cls, id_name) == Destination.id,
            foreign_keys=lambda: [getattr(cls, id_name)],
            cascade="all, delete-orphan",
            single_parent=True,
        )

    def value(cls: Any) -> Any:
        if isinstance(cls, Base):
            held = getattr(cls, row_name)
            return held and held.fields
        document = looked_up(cast(shown(Destination.fields), JSONB), Destination.id, getattr(cls, id_name))
        return func.coalesce(document, literal_column(f"{empty}::jsonb"))

    def assign(self: Any, fields: Mapping[str, Any] | None) -> None:
        held = getattr(self, row_name)
        if fields is None or held is None or held.fields != dict(fields):
            setattr(self, row_name, None if fields is None else Destination.of(fields))

    return type(
        f"Holds_{name}",
        (),
        {
            "__annotations__": {},
            id_name: declared_attr(key),
            row_name: declared_attr(row),
            name: hybrid_property(value, fset=assign),
        },
    )
