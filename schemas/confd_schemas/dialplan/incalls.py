"""Incalls: where calls from outside go."""

from .. import fields
from ..schema import Item
from ..spec import Listing, association, resource
from .destinations import Destination

__all__ = ["Incall", "incall_extensions", "incall_schedules", "incalls"]

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


incalls = resource(
    "/incalls/{id:int}",
    Incall,
    label="Incall",
    listing=Listing.by("exten", *_LISTED, "user_id", search=_LISTED),
)
incall_extensions = association("/incalls/{incall_id:int}/extensions/{extension_id:int}")
incall_schedules = association("/incalls/{incall_id:int}/schedules/{schedule_id:int}")
