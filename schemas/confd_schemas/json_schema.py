"""Schemas as JSON schemas: what marshmallow's plugin of apispec does not know by itself."""

from collections.abc import Mapping
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin, OpenAPIConverter
from marshmallow import fields as marshmallow_fields

from .fields import Links, Reference, Summary
from .schema import Schema

__all__ = ["Plugin", "shape"]

_LINKS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"rel": {"type": "string"}, "href": {"type": "string", "format": "uri"}},
    },
    "readOnly": True,
}


class _Converter(OpenAPIConverter):
    """Knows the fields of the wire."""

    resources: Mapping[str, type[Schema]] = {}

    def init_attribute_functions(self) -> None:
        super().init_attribute_functions()
        self.attribute_functions.insert(-1, self.field2wire)

    def field2wire(self, field: marshmallow_fields.Field, **kwargs: Any) -> dict[str, Any]:
        """Fields of our own."""
        if hasattr(field, "kind"):
            return field.kind
        if isinstance(field, Links):
            return _LINKS
        if isinstance(field, Summary):
            return self._summary(field)
        return {}

    def field2default(self, field: marshmallow_fields.Field, **kwargs: Any) -> dict[str, Any]:
        """The default, but where what is left out keeps its value."""
        if getattr(field.parent, "partial", None):
            return {}
        return super().field2default(field, **kwargs)

    def field2pattern(self, field: marshmallow_fields.Field, **kwargs: Any) -> dict[str, Any]:
        """The pattern as other languages write it."""
        found = super().field2pattern(field, **kwargs)
        return {name: pattern.replace(r"\Z", "$") for name, pattern in found.items()}

    def _summary(self, field: Summary) -> dict[str, Any]:
        shown = self._shown(field)
        if field.many:
            return {"type": "array", "items": shown}
        if isinstance(field, Reference):
            return shown
        if "$ref" in shown:
            return {"anyOf": [shown, {"type": "null"}]}
        return shown | {"type": ["object", "null"]}

    def _shown(self, field: Summary) -> dict[str, Any]:
        schema = field.schema_class or self.resources.get(field.resource)
        if schema is None:
            return {"type": "object", "properties": {name: {} for name in field.only}}
        if not field.only:
            return self.resolve_nested_schema(schema)
        shown = schema(partial=True).fields
        return self.fields2jsonschema({name: shown[name] for name in field.only}, partial=True)


class Plugin(MarshmallowPlugin):
    """The plugin of one document.

    Args:
        resources: classes of the schemas of all resources, by name, for the summaries.
    """

    Converter = _Converter

    def __init__(self, resources: Mapping[str, type[Schema]]) -> None:
        super().__init__(schema_name_resolver=_named)
        self._resources = resources

    def init_spec(self, spec: APISpec) -> None:
        super().init_spec(spec)
        assert isinstance(self.converter, _Converter)
        self.converter.resources = self._resources


def shape(schema: type[Schema], *, partial: bool = False) -> Schema:
    """What stands for a schema in an operation of the document.

    Args:
        partial: fields may be left out.
    """
    return schema(partial=partial or None)


def _named(schema: Any) -> str:
    class_ = schema if isinstance(schema, type) else type(schema)
    return class_.__name__.lstrip("_") + ("Update" if getattr(schema, "partial", None) else "")
