"""Tenants, as far as this daemon knows them; they are made and removed by the authentication daemon."""

from .. import fields
from ..schema import Item
from ..spec import Listing, refused, resource

__all__ = ["Tenant", "tenants"]


class Tenant(Item):
    """A tenant and its SIP templates."""

    uuid = fields.UUID(dump_only=True)
    sip_templates_generated = fields.Boolean(dump_only=True)
    global_sip_template_uuid = fields.UUID(dump_only=True, allow_none=True)
    webrtc_sip_template_uuid = fields.UUID(dump_only=True, allow_none=True)
    registration_trunk_sip_template_uuid = fields.UUID(dump_only=True, allow_none=True)
    meeting_guest_sip_template_uuid = fields.UUID(dump_only=True, allow_none=True)


tenants = resource(
    "/tenants/{uuid:uuid}",
    Tenant,
    label="Tenant",
    listing=Listing.by("uuid", "uuid"),
    only=("list", "get"),
    rpc_only=("synchronize",),
    also=(
        refused("POST", "/tenants"),
        refused("PUT", "/tenants/{uuid:uuid}"),
        refused("DELETE", "/tenants/{uuid:uuid}"),
    ),
)
