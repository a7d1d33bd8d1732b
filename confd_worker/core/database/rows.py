"""The columns of a mapped class as the driver takes and gives them, and items made of rows.

This is the part of an ORM that a change needs for each row, without what SQLAlchemy works out anew each time.
"""

from collections.abc import Callable, Iterator
from functools import cache, cached_property
from typing import Any

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.attributes import instance_dict, instance_state, set_committed_value

__all__ = ["NotLocked", "Process", "Rows", "processor", "quoted", "quoted_table", "rows_of"]

Process = Callable[[Any], Any]
"""Turns a value of an attribute into one of the driver, or back."""

_dialect = PGDialect_psycopg2()


class NotLocked(RuntimeError):
    """A change of a row that was read before it was locked: what others did meanwhile could be lost."""


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
        columns = {each.key: each.columns[0] for each in mapper.column_attrs if isinstance(each.columns[0], Column)}
        self.columns: dict[str, Any] = {name: each for name, each in columns.items() if each.computed is None}
        self.keys = [mapper.get_property_by_column(each).key for each in mapper.primary_key]
        self.bind = {name: processor(each, "bind_processor") for name, each in self.columns.items()}

    @cached_property
    def _read(self) -> list[tuple[str, Process]]:
        return [(name, processor(each, "result_processor", None)) for name, each in self.columns.items()]

    def selected(self, entity: Any) -> list[Any]:
        """What a query of `entity` (the class, or an alias of it) selects, so that `item` can be made of it."""
        return [getattr(entity, name) for name in self.columns]

    def item(self, session: Any, cells: Iterator[Any], *, locked: bool = False) -> Any:
        """The item that the next cells of a row tell; None for the nulls of an outer join.

        What the session has already stays as it is, unless the row was locked only now: then it is as the row is, and
        what it is related to is asked for anew.

        Raises:
            NotLocked: it was changed already, without a lock.
        """
        values = {name: read(next(cells)) for name, read in self._read}
        primary = tuple(values[name] for name in self.keys)
        if None in primary:
            return None
        key = self.mapper.identity_key_from_primary_key(primary)
        known = session.identity_map.get(key)
        if known is not None:
            if locked and not session.locks(key):
                _refresh(session, known, values)
            return known
        item = self.mapper.class_manager.new_instance()
        instance_dict(item).update(values)
        instance_state(item).key = key
        session.add(item)
        return item


def _refresh(session: Any, item: Any, values: dict[str, Any]) -> None:
    if session.is_modified(item):
        raise NotLocked(f"{type(item).__name__} {instance_state(item).key} was changed before it was locked")
    mapped = instance_state(item).mapper.attrs.keys() & instance_dict(item).keys()
    session.expire(item, mapped - values.keys())
    for name, value in values.items():
        set_committed_value(item, name, value)


@cache
def rows_of(mapper: Mapper[Any]) -> Rows:
    """The rows of a mapper."""
    return Rows(mapper)


def quoted(column: Column[Any]) -> str:
    """The column's name in SQL."""
    return _dialect.identifier_preparer.quote(column.name)


def quoted_table(table: Any) -> str:
    """The table's name in SQL."""
    return _dialect.identifier_preparer.format_table(table)


def processor(column: Column[Any], which: str, *arguments: Any) -> Process:
    """What the column's type has under the name `bind_processor` or `result_processor`."""
    return getattr(column.type.dialect_impl(_dialect), which)(_dialect, *arguments) or _as_it_is


def _as_it_is(value: Any) -> Any:
    return value
