"""Incalls: where calls from outside go."""

from . import fields
from .destinations import Destination
from .schema import Item
from .spec import Listing, operation, resource

__all__ = ["Incall", "incalls"]

_LISTED = ("preprocess_subroutine", "greeting_sound", "description", "exten")


class Incall(Item):
    """An incall; its extension is a number that is called from outside."""

    id = fields.Integer(dump_only=True)
    tenant_uuid = fields.UUID(dump_only=True)
    preprocess_subroutine = fields.String(validate=fields.length(None, 79), load_default=None)
    greeting_sound = fields.String(validate=fields.length(None, 255), load_default=None)
    caller_id_mode = fields.String(validate=fields.enum("prepend", "overwrite", "append"), load_default=None)
    caller_id_name = fields.OptionalString(validate=fields.length(None, 80), load_default=None)
    description = fields.String(load_default=None)
    destination = Destination(required=True)
    links = fields.Links("incalls", "/incalls/{id}")
    extensions: fields.Field = fields.Summary("extensions", "id", "exten", "context", "links", many=True)
    schedules = fields.Summary("schedules", "id", "name", "links", many=True)


_EXTENSION = "/incalls/{incall_id:int}/extensions/{extension_id:int}"
_SCHEDULE = "/incalls/{incall_id:int}/schedules/{schedule_id:int}"

incalls = resource(
    "incalls",
    "/incalls/{id:int}",
    Incall,
    label="Incall",
    listing=Listing.by("exten", *_LISTED, "user_id", search=_LISTED),
    also=(
        operation("PUT", _EXTENSION, "incalls.associate_extension"),
        operation("DELETE", _EXTENSION, "incalls.dissociate_extension"),
        operation("PUT", _SCHEDULE, "incalls.associate_schedule"),
        operation("DELETE", _SCHEDULE, "incalls.dissociate_schedule"),
    ),
)
