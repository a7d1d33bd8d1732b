"""IVRs: menus by voice."""

from .. import fields
from ..schema import Item, Schema
from ..spec import Listing, resource
from .destinations import Destination

__all__ = ["IVR", "IVRChoice", "ivr"]

_LISTED = ("id", "name", "description")


class IVRChoice(Schema):
    """Keys that a caller may press, and where that leads."""

    exten = fields.String(required=True, validate=fields.pattern(r"^(?:_[*#0-9_XxZzNn\[\].!-]{1,39}|[*#0-9]{1,40})\Z"))
    destination = Destination(required=True)


class IVR(Item):
    """A menu by voice."""

    id = fields.Integer(dump_only=True)
    tenant_uuid = fields.UUID(dump_only=True)
    name = fields.String(required=True, validate=fields.length(None, 128))
    description = fields.String(load_default=None)
    greeting_sound = fields.String(validate=fields.length(None, 255), load_default=None)
    menu_sound = fields.String(required=True, validate=fields.length(None, 255))
    invalid_sound = fields.String(validate=fields.length(None, 255), load_default=None)
    abort_sound = fields.String(validate=fields.length(None, 255), load_default=None)
    timeout = fields.Integer(validate=fields.range_(0), load_default=5)
    max_tries = fields.Integer(validate=fields.range_(1), load_default=3)
    invalid_destination = Destination(load_default=None)
    timeout_destination = Destination(load_default=None)
    abort_destination = Destination(load_default=None)
    choices = fields.Nested(IVRChoice, many=True, load_default=list)
    links = fields.Links("ivr", "/ivr/{id}")
    incalls = fields.Summary("incalls", "id", "extensions", "links", many=True)


ivr = resource(
    "/ivr/{id:int}",
    IVR,
    label="IVR",
    listing=Listing.by("id", *_LISTED, "exten", order=_LISTED),
)
