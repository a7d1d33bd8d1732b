"""Reads as projections: a schema compiled into one SQL statement in which PostgreSQL builds the JSON.

Each field of a schema becomes one column of the statement: a column or hybrid of the model with the field's name,
the links, a summary of related rows as a correlated subquery, by the model's relationship of that name, or an object
of further fields of the same item, where the field is a read-only nested schema. A field for which the model has
nothing (yet) shows its empty value, so that a later plugin fills it by adding the relationship or hybrid to the model.
"""

import json
from typing import Any

from confd_schemas.fields import Computed, DateTime, Links, Nested, Summary
from confd_schemas.schema import Schema
from sqlalchemy import ColumnElement, Select, Subquery, Text, case, cast, func, inspect, literal_column, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import RelationshipProperty, aliased
from sqlalchemy.sql.util import ClauseAdapter

from .statements import Statement

__all__ = ["Projection", "compiled", "literal_json", "parameter"]

_DIALECT = postgresql.dialect(paramstyle="named")
_MICROSECONDS = 'YYYY-MM-DD"T"HH24:MI:SS.US'


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
        """A select of one column a field, from `entity` (the model or an alias of it)."""
        names = only or tuple(self._fields)
        return select(*(self._value(entity, name).label(name) for name in names)).select_from(entity)

    def _value(self, entity: Any, name: str) -> ColumnElement[Any]:
        field = self._fields[name]
        if isinstance(field, Links):
            return _links(entity, field)
        if isinstance(field, Summary):
            return self._summary(entity, name, field)
        column = getattr(entity, field.attribute or name, None)
        if column is None and isinstance(field, Nested) and field.dump_only:
            return self._part(entity, field)
        if column is None:
            return literal_json(field.empty if isinstance(field, Computed) else None)
        if isinstance(field, DateTime):
            return func.to_char(column, _MICROSECONDS)
        return column

    def _part(self, entity: Any, field: Nested) -> ColumnElement[Any]:
        schema: Any = type(field.schema)
        shown = Projection(schema, self.model, self._schemas)
        parts: list[Any] = []
        for name in shown._fields:
            parts += [literal_column(f"'{name}'"), shown._value(entity, name)]
        return func.json_build_object(*parts)

    def _summary(self, entity: Any, name: str, field: Summary) -> ColumnElement[Any]:
        schema: Any = field.schema_class or self._schemas.get(field.resource)
        relation = field.attribute or name
        if schema is None or relation not in inspect(self.model).relationships:
            return literal_json([] if field.many else None)
        if field.many:
            return self.many(entity, relation, schema, field.only)
        document = self._documents(entity, relation, schema, field.only)
        return select(func.row_to_json(document.table_valued())).select_from(document).scalar_subquery()

    def many(
        self, entity: Any, relation: str, schema: type[Schema], only: tuple[str, ...] = ()
    ) -> ColumnElement[Any]:
        """The items that a relationship joins to `entity`, as a JSON list."""
        rows = self._documents(entity, relation, schema, only)
        listed = func.json_agg(func.row_to_json(rows.table_valued()))
        return select(func.coalesce(listed, literal_json([]))).select_from(rows).scalar_subquery()

    def _documents(self, entity: Any, relation: str, schema: type[Schema], only: tuple[str, ...]) -> Subquery:
        joined = inspect(self.model).relationships[relation]
        target = aliased(joined.mapper.class_)
        shown = Projection(schema, joined.mapper.class_, self._schemas).row(target, only)
        return _related(shown, joined, entity, target).correlate(entity).subquery()


def _related(shown: Select[Any], relation: RelationshipProperty[Any], entity: Any, target: Any) -> Select[Any]:
    """Limit `shown` to the rows of `target` that the relationship joins to `entity`, in its order."""
    to_entity = ClauseAdapter(inspect(entity).selectable)
    to_target = ClauseAdapter(inspect(target).selectable)
    order = relation.order_by or ()
    if relation.secondary is None:
        condition = to_target.traverse(relation.primaryjoin)
        return shown.where(to_entity.traverse(condition)).order_by(*map(to_target.traverse, order))
    assert relation.secondaryjoin is not None
    link = relation.secondary.alias()
    to_link = ClauseAdapter(link)
    return (
        shown.select_from(link)
        .where(to_link.traverse(to_entity.traverse(relation.primaryjoin)))
        .where(to_link.traverse(to_target.traverse(relation.secondaryjoin)))
        .order_by(*(to_link.traverse(to_target.traverse(each)) for each in order))
    )


def _links(entity: Any, field: Links) -> ColumnElement[Any]:
    # Compact on purpose: the gateway finds `"href":"/` in the text; no JSON string holds that sequence unescaped.
    key = cast(getattr(entity, field.key), Text)
    href = func.to_json(literal_column(f"'{field.before}'").concat(key).concat(literal_column(f"'{field.after}'")))
    document = literal_column(f"""'[{{"rel":"{field.rel}","href":'""").concat(cast(href, Text))
    shown = cast(document.concat(literal_column("'}]'")), postgresql.JSON)
    if not inspect(entity).mapper.columns[field.key].nullable:
        return shown
    return case((key.is_(None), literal_json([])), else_=shown)


def literal_json(value: Any) -> ColumnElement[Any]:
    """A constant of type json."""
    text = json.dumps(value).replace("'", "''")
    return literal_column(f"'{text}'::json" if value is not None else "NULL::json")


def parameter(number: int, type_: str) -> ColumnElement[Any]:
    """The placeholder $number of a statement, of that PostgreSQL type."""
    return literal_column(f"${number}::{type_}")


def compiled(query: Select[Any]) -> Statement:
    """The statement of a query whose only variables are `parameter`s."""
    return Statement(str(query.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})))
