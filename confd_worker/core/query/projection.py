"""Reads as projections: a schema compiled into one SQL statement in which PostgreSQL writes the JSON.

Each field of a schema becomes one value of the statement: a column or hybrid of the model with the field's name, the
links, a summary of related rows as a correlated subquery, by the model's relationship of that name, or an object of
further fields of the same item, where the field is a read-only nested schema. A field for which the model has nothing
(yet) shows its empty value, so that a later plugin fills it by adding the relationship or hybrid to the model.

An item is one text, put together from what is constant and what is not: PostgreSQL's functions that make JSON of rows
look up the type of every value anew, and copy what is embedded at every level.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from confd_schemas.fields import Computed, DateTime, Links, Nested, Summary
from confd_schemas.schema import Schema
from sqlalchemy import ColumnElement, Select, Text, case, cast, func, inspect, literal_column, select, types
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import RelationshipProperty, aliased
from sqlalchemy.sql import coercions, roles
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.util import ClauseAdapter

from ..database.wire import Statement
from .joins import Joins

__all__ = ["COMMA", "Projection", "compiled", "document", "joined", "parameter", "related"]

_DIALECT = postgresql.dialect(paramstyle="named")
_MICROSECONDS = 'YYYY-MM-DD"T"HH24:MI:SS.US'
# What a function of PostgreSQL takes.
_ARGUMENTS = 100
COMMA: Any = literal_column("','")
_NULL: Any = literal_column("'null'")

Parts = Iterator[str | ColumnElement[Any]]
"""Of a text: constants, and expressions that are never null."""


class Projection:
    """What items of one model look like when read.

    Args:
        schema: class of the schema that says how an item looks.
        model: the mapped class.
        schemas: classes of the schemas of all resources, by name, for the summaries.
    """

    def __init__(self, schema: type[Schema], model: Any, schemas: dict[str, type[Schema]]) -> None:
        self.model = model
        self._fields = schema().fields
        self._schemas = schemas

    def row(self, entity: Any, only: tuple[str, ...] = ()) -> Select[Any]:
        """A select of one item as JSON text, from `entity` (the model or an alias of it)."""
        joins = Joins(entity)
        text = joined(self._object(entity, joins, only))
        return select(text).select_from(joins.source())

    def rows(self, entity: Any) -> Select[Any]:
        """A select of the JSON texts of many items.

        It joins nothing: PostgreSQL, which plans before it knows how many items there are, could choose to read whole
        tables for a join.
        """
        return select(joined(self._object(entity, None))).select_from(entity)

    def many(self, entity: Any, relation: str, schema: type[Schema], only: tuple[str, ...] = ()) -> ColumnElement[Any]:
        """The items that a relationship joins to `entity`, as an array of JSON texts."""
        return func.array(self._related(entity, relation, schema, only).scalar_subquery())

    def _object(self, entity: Any, joins: Joins | None, only: Iterable[str] = ()) -> Parts:
        for number, name in enumerate(only or self._fields):
            yield f'{"," if number else "{"}"{name}":'
            yield from self._value(entity, joins, name)
        yield "}"

    def _value(self, entity: Any, joins: Joins | None, name: str) -> Parts:
        field = self._fields[name]
        if isinstance(field, Links):
            return _links(entity, field)
        if isinstance(field, Summary):
            return self._summary(entity, joins, name, field)
        column = getattr(entity, field.attribute or name, None)
        if column is None and isinstance(field, Nested) and field.dump_only:
            schema: Any = type(field.schema)
            return Projection(schema, self.model, self._schemas)._object(entity, joins)
        if column is None:
            return iter([json.dumps(field.empty if isinstance(field, Computed) else None)])
        nullable = _nullable(column)
        value = coercions.expect(roles.ExpressionElementRole, column)
        if isinstance(field, DateTime):
            value = func.to_char(value, _MICROSECONDS, type_=Text)
        return _json(value if joins is None else joins.joined(value), nullable)

    def _summary(self, entity: Any, joins: Joins | None, name: str, field: Summary) -> Parts:
        schema: Any = field.schema_class or self._schemas.get(field.resource)
        relation = inspect(self.model).relationships.get(field.attribute or name)
        if schema is None or relation is None:
            yield "[]" if field.many else "null"
        elif field.many:
            yield "["
            yield func.array_to_string(self.many(entity, relation.key, schema, field.only), COMMA)
            yield "]"
        elif joins is not None and (found := joins.row(relation)):
            row, key = found
            shown = Projection(schema, relation.mapper.class_, self._schemas)._object(row, None, field.only)
            yield case((key.is_not(None), joined(shown)), else_=_NULL)
        else:
            yield func.coalesce(self._related(entity, relation.key, schema, field.only).scalar_subquery(), _NULL)

    def _related(self, entity: Any, relation: str, schema: type[Schema], only: tuple[str, ...]) -> Select[Any]:
        """The items that a relationship joins to `entity`, as JSON text each, in its order."""
        found = inspect(self.model).relationships[relation]
        target = aliased(found.mapper.class_)
        shown = Projection(schema, found.mapper.class_, self._schemas).row(target, only)
        query, order = related(shown, found, entity, target)
        return query.order_by(*order)


def related(
    shown: Select[Any], relation: RelationshipProperty[Any], entity: Any, target: Any
) -> tuple[Select[Any], list[Any]]:
    """`shown`, limited to the rows of `target` that a relationship joins to an outer query's `entity`; their order."""
    to_entity = ClauseAdapter(inspect(entity).selectable)
    to_target = ClauseAdapter(inspect(target).selectable)
    order = [to_target.traverse(each) for each in relation.order_by or ()]
    if relation.secondary is None:
        condition = to_target.traverse(relation.primaryjoin)
        return shown.where(to_entity.traverse(condition)).correlate(entity), order
    assert relation.secondaryjoin is not None
    link = relation.secondary.alias()
    to_link = ClauseAdapter(link)
    query = (
        shown.select_from(link)
        .where(to_link.traverse(to_entity.traverse(relation.primaryjoin)))
        .where(to_link.traverse(to_target.traverse(relation.secondaryjoin)))
    )
    return query.correlate(entity), [to_link.traverse(each) for each in order]


def _nullable(value: Any) -> bool:
    columns = getattr(getattr(value, "property", None), "columns", (None,))
    return getattr(columns[0], "nullable", True)


def _json(value: Any, nullable: bool = True) -> Parts:
    """A value as JSON text; what its type says of it saves PostgreSQL from looking."""
    if isinstance(value, FunctionElement) and value.name == "json_build_object":
        yield from _built(value)
        return
    if isinstance(value.type, types.Boolean | types.Integer):
        shown = cast(value, Text) if nullable or isinstance(value.type, types.Boolean) else value
    elif isinstance(value.type, types.Uuid) and not nullable:
        yield from ('"', value, '"')
        return
    else:
        shown = value if isinstance(value.type, types.JSON) else func.to_json(value)
    yield func.coalesce(shown, _NULL) if nullable else shown


def _built(value: FunctionElement[Any]) -> Parts:
    """The object that `json_build_object` would make of its arguments."""
    arguments = list(value.clauses)
    for number, (name, part) in enumerate(zip(arguments[::2], arguments[1::2], strict=True)):
        key = name.value if isinstance(name, BindParameter) else str(name).strip("'")
        yield f'{"," if number else "{"}"{key}":'
        yield from _json(part)
    yield "}"


def _links(entity: Any, field: Links) -> Parts:
    # Compact on purpose: the gateway finds `"href":"/` in the text; no JSON string holds that sequence unescaped.
    key = getattr(entity, field.key)
    before, after = f'[{{"rel":"{field.rel}","href":', "}]"
    if isinstance(key.type, types.Integer | types.Uuid):
        parts: list[Any] = [f'{before}"{field.before}', key, f'{field.after}"{after}']
    else:
        href = literal_column(f"'{field.before}'").concat(cast(key, Text)).concat(literal_column(f"'{field.after}'"))
        parts = [before, func.to_json(href), after]
    if _nullable(key):
        parts = [case((key.is_(None), literal_column("'[]'")), else_=joined(iter(parts)))]
    return iter(parts)


def joined(parts: Iterable[str | ColumnElement[Any]]) -> ColumnElement[Any]:
    """The text of all parts."""
    merged: list[Any] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    shown = [_constant(each) if isinstance(each, str) else each for each in merged]
    while len(shown) > _ARGUMENTS:
        shown = [func.concat(*shown[first : first + _ARGUMENTS]) for first in range(0, len(shown), _ARGUMENTS)]
    return func.concat(*shown, type_=Text)


def _constant(text: str) -> ColumnElement[Any]:
    return literal_column("'{}'".format(text.replace("'", "''")))


def parameter(number: int, type_: str) -> ColumnElement[Any]:
    """The placeholder $number of a statement, of that PostgreSQL type."""
    return literal_column(f"${number}::{type_}")


def compiled(query: Select[Any]) -> Statement:
    """The statement of a query whose only variables are `parameter`s."""
    return Statement(str(query.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})))


def document(query: Select[Any]) -> Statement:
    """The same for a query that gives JSON text to pass on."""
    # EXECUTE copies what a query selects each time, which is a lot, unless it stands one level below.
    return Statement(f"SELECT shown.text FROM ({compiled(query).sql}) AS shown (text)", encoded=True)
