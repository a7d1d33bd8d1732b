"""The fence around our own loading and writing of rows: which mappings are plain, and what of SQLAlchemy is relied on.

A mapping of any other shape is loaded by SQLAlchemy's queries and written by its flush, with all that it knows.
"""

import logging
from collections.abc import Iterator
from functools import cache
from typing import Any

import sqlalchemy
from sqlalchemy import Table
from sqlalchemy.orm import ColumnProperty, Mapper, RelationshipDirection, Session, configure_mappers
from sqlalchemy.orm.state import InstanceState

from ...models.base import Base
from .rows import processor

__all__ = ["check", "oddity", "order_of"]

_log = logging.getLogger(__name__)
_EVENTS = ("before_insert", "after_insert", "before_update", "after_update")
_OF_SESSION = ("_new", "_dirty_states", "_deleted", "_is_clean", "_register_persistent")
_OF_STATE = ("committed_state", "get_history", "insert_order", "manager")


def check() -> None:
    """What is relied on of SQLAlchemy is there, though its names are not public; tells the mappings that are odd.

    Raises:
        RuntimeError: this version of SQLAlchemy lacks something.
    """
    session = Session()
    lacking = [f"Session.{name}" for name in _OF_SESSION if not hasattr(session, name)]
    configure_mappers()
    mappers = list(Base.registry.mappers)
    first: Any = mappers[0].class_
    state = InstanceState(first.__new__(first), mappers[0].class_manager)
    lacking += [f"InstanceState.{name}" for name in _OF_STATE if not hasattr(state, name)]
    lacking += [f"Mapper.dispatch.{name}" for name in _EVENTS if not hasattr(mappers[0].dispatch, name)]
    lacking += [] if hasattr(sqlalchemy.select(1), "_for_update_arg") else ["Select._for_update_arg"]
    if lacking:
        version = sqlalchemy.__version__
        raise RuntimeError(f"SQLAlchemy {version} cannot be used: it lacks {', '.join(lacking)}. Install another one")
    for mapper in mappers:
        if reason := oddity(mapper):
            _log.debug("mapping_left_to_sqlalchemy model=%s reason=%s", mapper.class_.__name__, reason)


@cache
def oddity(mapper: Mapper[Any]) -> str | None:
    """Why rows of the mapper are left to SQLAlchemy; None where it is plain."""
    return next(_oddities(mapper), None)


@cache
def order_of(metadata: Any, tables: int) -> dict[Table, int]:
    """Places of the tables of a MetaData, those that others refer to first.

    Args:
        tables: how many there are, as more may come.
    """
    return {table: place for place, table in enumerate(metadata.sorted_tables)}


def _oddities(mapper: Mapper[Any]) -> Iterator[str]:
    table = mapper.local_table
    if mapper.inherits or mapper.polymorphic_on is not None or list(mapper.self_and_descendants) != [mapper]:
        yield "inheritance"
        return
    if not isinstance(table, Table) or table.schema:
        yield "not a table of the usual schema"
        return
    if mapper.version_id_col is not None:
        yield "a version counter"
    if mapper.composites:
        yield "composite attributes"
    yield from (f"events {name}" for name in _EVENTS if getattr(mapper.dispatch, name))
    for attribute in mapper.column_attrs:
        yield from _oddities_of_column(attribute, table)
    for relation in mapper.relationships:
        if relation.viewonly:
            continue
        if relation.post_update:
            yield f"{relation.key}: post_update"
        elif relation.direction is RelationshipDirection.MANYTOONE and not _comes_first(relation.mapper, table):
            yield f"{relation.key}: refers to rows that may be written later"
        elif relation.secondary is not None and relation.secondary.schema:
            yield f"{relation.key}: a table of another schema"


def _oddities_of_column(attribute: ColumnProperty[Any], table: Table) -> Iterator[str]:
    column: Any = attribute.columns[0]
    name = attribute.key
    if len(attribute.columns) > 1 or getattr(column, "table", None) is not table:
        yield f"{name}: not one column of the table"
        return
    if column.onupdate is not None or (column.server_onupdate is not None and column.computed is None):
        yield f"{name}: onupdate"
    default = column.default
    if default is not None and not default.is_scalar and not _takes_nothing(default):
        yield f"{name}: a default that is SQL, or that looks at the row"
    if getattr(column.type, "_has_bind_expression", False) or getattr(column.type, "_has_column_expression", False):
        yield f"{name}: a type with SQL of its own"
    try:
        processor(column, "result_processor", None)
    except TypeError:
        yield f"{name}: a type that asks what the driver gives"
    if attribute.deferred and column.computed is None:
        yield f"{name}: deferred"


def _takes_nothing(default: Any) -> bool:
    """Whether a default is a function without arguments: SQLAlchemy wraps such a one."""
    return bool(default.is_callable and hasattr(default.arg, "__wrapped__"))


def _comes_first(target: Mapper[Any], table: Table) -> bool:
    """Whether rows of the target are written before those of a table."""
    places = order_of(table.metadata, len(table.metadata.tables))
    other = target.local_table
    return other in places and table in places and places[other] < places[table]
