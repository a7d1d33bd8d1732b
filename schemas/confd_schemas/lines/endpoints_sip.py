"""SIP endpoints, and the templates that they inherit options from."""

from .. import fields
from ..schema import Item, Schema
from ..spec import Listing, resource

__all__ = [
    "SECTIONS",
    "EndpointSIP",
    "EndpointSIPMerged",
    "EndpointSIPSummary",
    "EndpointSIPTemplate",
    "EndpointSIPView",
    "TemplateReference",
    "TransportReference",
    "endpoints_sip",
    "endpoints_sip_templates",
]

SECTIONS = (
    "aor_section_options",
    "auth_section_options",
    "endpoint_section_options",
    "identify_section_options",
    "registration_section_options",
    "registration_outbound_auth_section_options",
    "outbound_auth_section_options",
)
"""Fields that hold the options of a section, in the order in which they are shown and checked."""


class TemplateReference(Schema):
    """A template by its uuid."""

    uuid = fields.UUID(required=True)
    label = fields.String(dump_only=True, allow_none=True)


class TransportReference(Schema):
    """A transport by its uuid."""

    uuid = fields.UUID(required=True)


class _Options(fields.Pairs):
    def __init__(self) -> None:
        super().__init__(minimum=1, maximum=4092, validate=fields.length(None, 512), load_default=list)


class EndpointSIPTemplate(Item):
    """A template. A name that is left out when creating is made by the server."""

    uuid = fields.UUID(dump_only=True)
    tenant_uuid = fields.UUID(dump_only=True)
    name = fields.String(validate=fields.section_name(79, reserved=("global", "system")))
    label = fields.String(validate=fields.length(None, 128), load_default=None)
    aor_section_options = _Options()
    auth_section_options = _Options()
    endpoint_section_options = _Options()
    identify_section_options = _Options()
    registration_section_options = _Options()
    registration_outbound_auth_section_options = _Options()
    outbound_auth_section_options = _Options()
    templates = fields.Reference("endpoints_sip_templates", TemplateReference, many=True, load_default=list)
    transport = fields.Reference("sip_transports", TransportReference, load_default=None)
    asterisk_id = fields.String(validate=fields.length(None, 1024), load_default=None)
    links = fields.Links("endpoint_sip_templates", "/endpoints/sip/templates/{uuid}")


class EndpointSIP(EndpointSIPTemplate):
    """An endpoint. A name that is left out when creating is made by the server."""

    links = fields.Links("endpoint_sip", "/endpoints/sip/{uuid}")
    trunk = fields.Summary("trunks", "id", "links")
    line = fields.Summary("lines", "id", "links")


def _merged(field: str) -> fields.Pairs:
    return fields.Pairs(dump_only=True, attribute=f"merged_{field}")


class EndpointSIPMerged(Item):
    """An endpoint with the options that it inherits: one pair a key, in its first place and with its last value."""

    uuid = fields.UUID(dump_only=True)
    tenant_uuid = fields.UUID(dump_only=True)
    name = fields.String(dump_only=True)
    label = fields.String(dump_only=True, allow_none=True)
    templates = fields.Summary("endpoints_sip_templates", many=True, schema=TemplateReference)
    transport = fields.Summary("sip_transports", schema=TransportReference)
    asterisk_id = fields.String(dump_only=True, allow_none=True)
    links = fields.Links("endpoint_sip", "/endpoints/sip/{uuid}")
    trunk = fields.Summary("trunks", "id", "links")
    line = fields.Summary("lines", "id", "links")
    aor_section_options = _merged("aor_section_options")
    auth_section_options = _merged("auth_section_options")
    endpoint_section_options = _merged("endpoint_section_options")
    identify_section_options = _merged("identify_section_options")
    registration_section_options = _merged("registration_section_options")
    registration_outbound_auth_section_options = _merged("registration_outbound_auth_section_options")
    outbound_auth_section_options = _merged("outbound_auth_section_options")


class EndpointSIPSummary(Schema):
    """An endpoint as its line shows it: of the auth section the username only, never the password."""

    uuid = fields.UUID(dump_only=True)
    label = fields.String(dump_only=True, allow_none=True)
    name = fields.String(dump_only=True)
    auth_section_options = fields.Pairs(dump_only=True, attribute="auth_username")
    links = fields.Links("endpoint_sip", "/endpoints/sip/{uuid}")


class EndpointSIPView(Schema):
    """How an endpoint is shown."""

    view = fields.String(validate=fields.enum("merged"))


_COLUMNS = ("name", "asterisk_id", "label", "template")
_LISTING = Listing(
    "label",
    order=_COLUMNS,
    search=_COLUMNS,
    filter=("name", "asterisk_id", "label", "uuid"),
)

endpoints_sip = resource(
    "/endpoints/sip/{uuid:uuid}",
    EndpointSIP,
    label="SIPEndpoint",
    listing=_LISTING,
    get={"parameters": EndpointSIPView, "views": {"merged": EndpointSIPMerged}},
)

endpoints_sip_templates = resource(
    "/endpoints/sip/templates/{uuid:uuid}",
    EndpointSIPTemplate,
    label="SIPEndpointTemplate",
    listing=_LISTING,
    location="/endpoints/sip/{uuid}",
)
