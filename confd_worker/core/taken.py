"""Whether values are taken already, by whichever tenant: one prepared statement."""

from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, func, inspect, select, types

from .database import Statement
from .projection import compiled, parameter
from .work import Work

__all__ = ["taken"]

_statements: dict[Any, Statement] = {}


def taken(work: Work, model: Any, values: dict[str, Any], *, fold: bool = False, but: Any = None) -> bool:
    """Whether an item of the model has these values.

    Args:
        values: by column.
        fold: whether case is ignored.
        but: an item that does not count.
    """
    identity = model.__mapper__.primary_key[0]
    other = but is not None and inspect(but).persistent
    shape = (model, tuple(values), fold, other)
    if shape not in _statements:
        _statements[shape] = _statement(model, values, fold, identity if other else None)
    given = (*values.values(), getattr(but, identity.key)) if other else tuple(values.values())
    given = tuple(str(each) if isinstance(each, UUID) else each for each in given)
    return work.look(_statements[shape], given) is not None


def _statement(model: Any, names: Any, fold: bool, identity: Any) -> Statement:
    conditions = []
    for number, name in enumerate(names, 1):
        column, value = getattr(model, name), _given(number, getattr(model, name))
        conditions.append(func.lower(column) == func.lower(value) if fold else column == value)
    if identity is not None:
        conditions.append(identity != _given(len(conditions) + 1, identity))
    return compiled(select(cast(model.__mapper__.primary_key[0], Text)).where(*conditions).limit(1))


def _given(number: int, column: Any) -> Any:
    if isinstance(column.type, types.Uuid):
        return parameter(number, "uuid")
    if isinstance(column.type, types.Boolean):
        return parameter(number, "boolean")
    return parameter(number, "integer" if isinstance(column.type, types.Integer) else "text")
