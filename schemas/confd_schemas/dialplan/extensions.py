"""Extensions: numbers of a context."""

from typing import Any

from marshmallow import post_load

from .. import fields
from ..schema import Item
from ..spec import Listing, resource

__all__ = ["Extension", "extensions"]


class Extension(Item):
    """An extension; which extens are allowed depends on the type of the context."""

    id = fields.Integer(dump_only=True)
    tenant_uuid = fields.UUID(dump_only=True)
    exten = fields.String(required=True, validate=fields.length(None, 40))
    context = fields.String(required=True)
    commented = fields.Boolean(metadata={"deprecated": True})
    enabled = fields.Boolean()
    links = fields.Links("extensions", "/extensions/{id}")
    conference = fields.Summary("conferences", "id", "name", "links")
    parking_lot = fields.Summary("parkinglots", "id", "name", "links")
    group = fields.Summary("groups", "uuid", "id", "name", "links")
    incall = fields.Summary("incalls", "id", "links")
    lines = fields.Summary("lines", "id", "name", "links", many=True)
    outcall = fields.Summary("outcalls", "id", "name", "links")
    queue = fields.Summary("queues", "id", "name", "label", "links")

    @post_load
    def _enable(self, data: dict[str, Any], *, partial: Any = None, **kwargs: Any) -> dict[str, Any]:
        """Turn `commented`, the old opposite of `enabled`, into it; where both are given, `enabled` counts."""
        if "commented" in data:
            commented = data.pop("commented")
            data.setdefault("enabled", not commented)
        if not partial:
            data.setdefault("enabled", True)
        return data


extensions = resource(
    "/extensions/{id:int}",
    Extension,
    label="Extension",
    listing=Listing.by("exten", "exten", "context", "type"),
)
