"""The base of all schemas, and how a body is loaded."""

from typing import Any, ClassVar

import marshmallow
from marshmallow import ValidationError, fields
from marshmallow.schema import SchemaMeta

__all__ = ["Item", "Labelled", "Schema", "ValidationError", "load"]


class Schema(marshmallow.Schema):
    """A body on the wire; fields in the order in which they are shown.

    Unknown and read-only fields of a body are ignored, so that what a read gave may be written back.
    """

    null_means_default: ClassVar[tuple[str, ...]] = ()
    """Fields for which null, when creating, is the same as leaving them out."""

    class Meta:
        unknown = marshmallow.EXCLUDE

    @marshmallow.pre_load
    def _drop_nulls(self, data: Any, *, partial: Any = None, **kwargs: Any) -> Any:
        if partial or not self.null_means_default or not isinstance(data, dict):
            return data
        return {k: v for k, v in data.items() if v is not None or k not in self.null_means_default}


class _ItemMeta(SchemaMeta):
    """Adds the field that all items have, behind those of their own."""

    @classmethod
    def get_declared_fields(mcs, *args: Any, **kwargs: Any) -> dict[str, Any]:
        declared = super().get_declared_fields(*args, **kwargs)
        declared.pop("revision", None)
        return declared | {"revision": fields.Integer(dump_only=True)}


class Item(Schema, metaclass=_ItemMeta):
    """An item of a resource as it is read: it shows its `revision`, which each change of the item raises."""


class Labelled(Schema):
    """A body with a `label` that people choose, beside a `name` that the server makes."""

    @marshmallow.pre_load
    def _take_name_as_label(self, data: Any, **kwargs: Any) -> Any:
        """Older clients give the label as the name."""
        if isinstance(data, dict) and "name" in data and "label" not in data:
            return {**data, "label": data["name"]}
        return data


def load(schema: Schema, body: Any, *, partial: bool = False) -> dict[str, Any]:
    """The body as `schema` understands it.

    Args:
        schema: an instance, which may be kept and used again.
        body: decoded JSON; an empty value of any type counts as `{}`.
        partial: fields of the first level may be left out; those of nested objects may not.

    Raises:
        ValidationError: with the messages by field, in the order of the schema.
    """
    names: bool | tuple[str, ...] = tuple(schema.fields) if partial else False
    return schema.load(body or {}, partial=names)  # type: ignore[return-value]
