"""Custom endpoints: any interface that Asterisk can dial."""

from .. import fields
from ..schema import Item
from ..spec import Listing, resource

__all__ = ["EndpointCustom", "endpoints_custom"]


class EndpointCustom(Item):
    """A custom endpoint."""

    id = fields.Integer(dump_only=True)
    tenant_uuid = fields.UUID(dump_only=True)
    interface = fields.String(required=True, validate=fields.pattern(r"^[a-zA-Z0-9#*./_@:-]{1,128}\Z"))
    interface_suffix = fields.OptionalString(validate=fields.length(None, 32), load_default=None)
    enabled = fields.StrictBoolean(load_default=True)
    links = fields.Links("endpoint_custom", "/endpoints/custom/{id}")
    trunk = fields.Summary("trunks", "id", "links")
    line = fields.Summary("lines", "id", "links")


endpoints_custom = resource(
    "/endpoints/custom/{id:int}",
    EndpointCustom,
    label="CustomEndpoint",
    listing=Listing.by("interface", "id", "interface", "context"),
)
