"""Whether values are taken already, by whichever tenant, and values that nobody has taken."""

from collections.abc import Callable
from functools import cache
from typing import Any

from sqlalchemy import Text, UniqueConstraint, cast, func, inspect, select

from ..database.rows import quoted, quoted_table
from ..database.wire import Statement
from ..work import Work
from .loading import bound, typed
from .projection import compiled

__all__ = ["Unused", "taken"]

_statements: dict[Any, Statement] = {}


def taken(work: Work, model: Any, values: dict[str, Any], *, fold: bool = False, but: Any = None) -> bool:
    """Whether an item of the model has these values; where a constraint tells as well, asked only if need be.

    Args:
        values: by column.
        fold: whether case is ignored.
        but: an item that does not count.
    """
    if _constrained(model, frozenset(values), fold) and work.trusts():
        return False
    identity = model.__mapper__.primary_key[0]
    other = but is not None and inspect(but).persistent
    shape = (model, tuple(values), fold, other)
    if shape not in _statements:
        _statements[shape] = _statement(model, values, fold, identity if other else None)
    given = (*values.values(), getattr(but, identity.key)) if other else tuple(values.values())
    return work.read(_statements[shape], tuple(map(bound, given))) is not None


def _statement(model: Any, names: Any, fold: bool, identity: Any) -> Statement:
    conditions = []
    for number, name in enumerate(names, 1):
        column, value = getattr(model, name), typed(number, getattr(model, name))
        conditions.append(func.lower(column) == func.lower(value) if fold else column == value)
    if identity is not None:
        conditions.append(identity != typed(len(conditions) + 1, identity))
    return compiled(select(cast(model.__mapper__.primary_key[0], Text)).where(*conditions).limit(1))


class Unused:
    """Values drawn at random that no row has in a unique column, from those that the process has at hand.

    Args:
        column: attribute of the model, a text.
        draw: draws a value.
    """

    def __init__(self, column: Any, draw: Callable[[], str]) -> None:
        self._column, self._draw = column, draw
        table, name = quoted_table(column.class_.__table__), quoted(column.property.columns[0])
        self._statement = Statement(f"""
            SELECT json_agg(drawn) FROM unnest($1::text[]) AS drawn
            WHERE NOT EXISTS (SELECT FROM {table} WHERE {name} = drawn)
        """)

    def take(self, work: Work) -> str:
        """A value for a new row."""
        if work.trusts():
            return work.ids.take(self, lambda number: self._ask(work, number))
        return self._ask(work, 1)[0]

    def _ask(self, work: Work, number: int) -> list[str]:
        while True:
            drawn = {self._draw() for _ in range(number)}
            if free := work.read(self._statement, (list(drawn),)):
                return free


@cache
def _constrained(model: Any, names: frozenset[str], fold: bool) -> bool:
    """Whether the database lets no two rows have the same values in these columns."""
    if fold:
        unique = [index for index in model.__table__.indexes if index.unique]
        return any(str(each.expressions[0]) == f"lower({name})" for each in unique for name in names)
    table = model.__table__
    keys = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
    keys += [each for each in table.indexes if each.unique and each.dialect_options["postgresql"]["where"] is None]
    return any(names.issuperset(each.columns.keys()) for each in keys if len(each.columns))
