"""The columns of a mapped class as the driver takes and gives them, and items made of rows.

This is the part of an ORM that a change needs for each row, without what SQLAlchemy works out anew each time.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.orm.attributes import instance_dict, instance_state

__all__ = ["Process", "Rows", "processor", "quoted", "rows_of"]

Process = Callable[[Any], Any]
"""Turns a value of an attribute into one of the driver, or back."""

_dialect = PGDialect_psycopg2()


class Rows:
    """The rows of one mapped class.

    Attributes:
        mapper: of the class.
        table: its table.
        columns: by attribute, without what the database computes.
        keys: attributes of the primary key.
        bind: makes the driver's values, by attribute.
    """

    def __init__(self, mapper: Mapper[Any]) -> None:
        self.mapper = mapper
        self.table: Any = mapper.local_table
        columns = {each.key: each.columns[0] for each in mapper.column_attrs}
        self.columns: dict[str, Any] = {name: each for name, each in columns.items() if each.computed is None}
        self.keys = [mapper.get_property_by_column(each).key for each in mapper.primary_key]
        self.bind = {name: processor(each, "bind_processor") for name, each in self.columns.items()}
        self._read = [(name, processor(each, "result_processor", None)) for name, each in self.columns.items()]

    def selected(self, entity: Any) -> list[Any]:
        """What a query of `entity` (the class, or an alias of it) selects, so that `item` can be made of it."""
        return [getattr(entity, name) for name in self.columns]

    def item(self, session: Session, cells: Iterator[Any]) -> Any:
        """The item that the next cells of a row tell; None for the nulls of an outer join.

        What the session has already stays as it is.
        """
        values = {name: read(next(cells)) for name, read in self._read}
        primary = tuple(values[name] for name in self.keys)
        if None in primary:
            return None
        key = self.mapper.identity_key_from_primary_key(primary)
        known = session.identity_map.get(key)
        if known is not None:
            return known
        item = self.mapper.class_manager.new_instance()
        instance_dict(item).update(values)
        instance_state(item).key = key
        session.add(item)
        return item


@cache
def rows_of(mapper: Mapper[Any]) -> Rows:
    """The rows of a mapper."""
    return Rows(mapper)


def quoted(column: Column[Any]) -> str:
    """The column's name in SQL."""
    return _dialect.identifier_preparer.quote(column.name)


def processor(column: Column[Any], which: str, *arguments: Any) -> Process:
    """What the column's type has under the name `bind_processor` or `result_processor`."""
    return getattr(column.type.dialect_impl(_dialect), which)(_dialect, *arguments) or _as_it_is


def _as_it_is(value: Any) -> Any:
    return value
