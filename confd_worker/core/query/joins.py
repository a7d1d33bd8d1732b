"""The rows that an item refers to, each joined once, whatever is shown of it.

A subquery for each value would be a plan of its own in PostgreSQL, and would find the row anew.
"""

from typing import Any

from sqlalchemy import Column, ColumnElement, FromClause, case, inspect
from sqlalchemy.orm import RelationshipDirection, RelationshipProperty, aliased
from sqlalchemy.sql.util import ClauseAdapter
from sqlalchemy.sql.visitors import replacement_traverse

from ...models.base import Lookup

__all__ = ["Joins"]


class Joins:
    """What a query joins to the rows of an entity.

    Args:
        entity: the mapped class or an alias of it.
    """

    def __init__(self, entity: Any) -> None:
        self._table: FromClause = inspect(entity).selectable
        self._joined: dict[tuple[str, str, str], tuple[Any, ColumnElement[bool]]] = {}

    def row(self, relation: RelationshipProperty[Any]) -> tuple[Any, Any] | None:
        """An alias of the row that a relationship leads to and the key by which it does; None if there may be more."""
        if relation.direction is not RelationshipDirection.MANYTOONE or len(relation.local_remote_pairs) != 1:
            return None
        row, key = self._row(*relation.local_remote_pairs[0])
        return aliased(relation.mapper.class_, row), key

    def joined(self, value: ColumnElement[Any]) -> ColumnElement[Any]:
        """The expression with what it looks up taken from the joined rows."""

        def replace(element: Any, **options: Any) -> Any:
            mine = isinstance(element, Lookup) and self._table.c.contains_column(element.wanted)
            return self._value(element) if mine else None

        return replacement_traverse(value, {}, replace)

    def source(self) -> FromClause:
        """The entity, joined with the rows of which something is shown."""
        source = self._table
        for row, condition in self._joined.values():
            source = source.outerjoin(row, condition)
        return source

    def _value(self, lookup: Lookup) -> ColumnElement[Any]:
        row, key = self._row(lookup.wanted, lookup.unique)
        value = ClauseAdapter(row).traverse(lookup.value)
        return value if isinstance(value, Column) else case((key.is_not(None), value))

    def _row(self, wanted: Any, key: Any) -> tuple[Any, Any]:
        """An alias of the table of `key` which has there what the entity has in a column, and the key of that alias."""
        place = (wanted.name, key.table.name, key.name)
        if place not in self._joined:
            row = key.table.alias()
            self._joined[place] = row, row.c[key.name] == self._table.c[wanted.name]
        row, _ = self._joined[place]
        return row, row.c[key.name]
