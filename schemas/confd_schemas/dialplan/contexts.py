"""Contexts: their ranges of numbers, and the contexts that they include."""

from typing import Any

from marshmallow import post_load, validates_schema

from .. import fields
from ..schema import Item, Labelled, Schema, ValidationError
from ..spec import Listing, Resource, operation, replaced_list, resource

__all__ = [
    "RANGES",
    "Context",
    "ContextContexts",
    "ContextReference",
    "ExtenRange",
    "IncallRange",
    "Range",
    "RangeParameters",
    "context_contexts",
    "context_ranges",
    "contexts",
]

RANGES = ("user", "group", "queue", "conference", "incall")
"""What a context has ranges of numbers for."""
TYPES = ("internal", "incall", "outcall", "services", "others")


class Range(Schema):
    """Extens from start to end, both included; a range without end is one exten."""

    start = fields.Digits(required=True, maximum=16)
    end = fields.Digits(maximum=16)

    @validates_schema
    def _check_limits(self, data: dict[str, Any], **kwargs: Any) -> None:
        start, end = data["start"], data.get("end", data["start"])
        if len(start) != len(end):
            raise ValidationError("Start and end must be of the same length")
        if start > end:
            raise ValidationError("Start of range must be lower than or equal to the end")

    @post_load
    def _close(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {"start": data["start"], "end": data["start"]} | data


class IncallRange(Range):
    """A range of numbers called from outside, of which the last `did_length` digits are dialled; 0 means all."""

    did_length = fields.Integer(validate=fields.range_(0), load_default=0)


class Context(Labelled, Item):
    """A part of the dialplan."""

    id = fields.Integer(dump_only=True)
    uuid = fields.UUID(dump_only=True)
    name = fields.String(dump_only=True)
    label = fields.String(required=True, validate=fields.length(1, 128))
    type = fields.String(validate=fields.enum(*TYPES), load_default="internal")
    user_ranges = fields.Nested(Range, many=True, load_default=list)
    group_ranges = fields.Nested(Range, many=True, load_default=list)
    queue_ranges = fields.Nested(Range, many=True, load_default=list)
    conference_room_ranges = fields.Nested(Range, many=True, load_default=list)
    incall_ranges = fields.Nested(IncallRange, many=True, load_default=list)
    description = fields.String(load_default=None)
    tenant_uuid = fields.UUID(dump_only=True)
    enabled = fields.StrictBoolean(load_default=True)
    links = fields.Links("contexts", "/contexts/{id}")
    contexts = fields.Summary("contexts", "id", "name", "label", "links", many=True)


class ContextReference(Schema):
    """A context by its id."""

    id = fields.Integer(required=True)


class ContextContexts(Schema):
    """The contexts that a context includes, in their order."""

    contexts = fields.Nested(ContextReference, many=True, required=True)


class ExtenRange(Schema):
    """Consecutive extens of one length."""

    start = fields.String(dump_only=True)
    end = fields.String(dump_only=True)


class RangeParameters(Schema):
    """Which of a context's extens to list."""

    availability = fields.String(validate=fields.enum("available", "all"), load_default="available")
    search = fields.String()
    order = fields.String(validate=fields.enum("start", "end"))
    direction = fields.String(validate=fields.enum("asc", "desc"), load_default="asc")
    limit = fields.Integer(validate=fields.range_(0))
    offset = fields.Integer(validate=fields.range_(0), load_default=0)


contexts = resource(
    "/contexts/{id:int}",
    Context,
    label="Context",
    listing=Listing.by("id", "id", "description", "name", "label", "type"),
)
context_contexts = replaced_list("/contexts/{context_id:int}/contexts", ContextContexts)
context_ranges = Resource(
    tuple(
        operation(
            "GET",
            f"/contexts/{{context_id:int}}/ranges/{kind}",
            "context_ranges.list",
            constants={"kind": kind},
            parameters=RangeParameters,
            answer=ExtenRange,
            many=True,
        )
        for kind in RANGES
    ),
)
