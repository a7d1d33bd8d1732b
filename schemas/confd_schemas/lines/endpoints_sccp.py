"""SCCP endpoints."""

from marshmallow.validate import Length

from .. import fields
from ..schema import Item
from ..spec import Listing, resource

__all__ = ["EndpointSCCP", "endpoints_sccp"]


class EndpointSCCP(Item):
    """An SCCP endpoint; of its options, `cid_name` and `cid_num` are kept until they are given anew."""

    id = fields.Integer(dump_only=True)
    tenant_uuid = fields.UUID(dump_only=True)
    options = fields.Pairs(load_default=list, size=Length(equal=2))
    links = fields.Links("endpoint_sccp", "/endpoints/sccp/{id}")
    line = fields.Summary("lines", "id", "links")


endpoints_sccp = resource(
    "/endpoints/sccp/{id:int}",
    EndpointSCCP,
    label="SCCPEndpoint",
    listing=Listing.by("id", "id"),
)
