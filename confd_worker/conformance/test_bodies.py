"""What every body must honour: there is a limit to what it may hold."""

from collections.abc import Iterator
from typing import Any

import marshmallow
from confd_schemas.fields import Reference
from confd_schemas.spec import Operation
from marshmallow import fields, validate


def _endless(field: fields.Field[Any], name: str, above: tuple[type, ...]) -> Iterator[str]:
    """The lists in a field that may be of any length."""
    many = isinstance(field, fields.List) or (isinstance(field, fields.Nested) and field.many)
    limits = (each for each in field.validators if isinstance(each, validate.Length))
    if many and not any(each.max is not None or each.equal is not None for each in limits):
        yield name
    if isinstance(field, fields.List):
        yield from _endless(field.inner, f"{name}[]", above)
    elif isinstance(field, fields.Nested):
        yield from _endless_in(field.schema, f"{name}.", above)
    elif isinstance(field, Reference) and field.schema_class is not None:
        yield from _endless_in(field.schema_class(), f"{name}.", above)


def _endless_in(schema: marshmallow.Schema, prefix: str, above: tuple[type, ...] = ()) -> Iterator[str]:
    if type(schema) not in above:
        for name, field in schema.load_fields.items():
            yield from _endless(field, f"{prefix}{name}", (*above, type(schema)))


def test_each_list_in_a_body_has_a_limit(operations: list[Operation]) -> None:
    bodies = {operation.rpc: operation.body() for operation in operations if operation.body is not None}
    endless = [f"{rpc}: {name}" for rpc, schema in bodies.items() for name in _endless_in(schema, "")]
    assert not endless, "lists of any length: take List and Nested of confd_schemas.fields, or validate the length"
