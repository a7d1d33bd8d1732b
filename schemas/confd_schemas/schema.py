"""The base of all schemas, and how a body is loaded."""

from typing import Any, ClassVar

import marshmallow
from marshmallow import ValidationError

__all__ = ["Schema", "ValidationError", "load"]


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
