"""Lines: what joins users, endpoints and extensions."""

from typing import Any, ClassVar

from marshmallow import pre_load, validates_schema

from .. import fields
from ..dialplan.extensions import Extension
from ..parameters import Recursive
from ..schema import Item, ValidationError
from ..spec import Listing, resource
from .endpoints_custom import EndpointCustom
from .endpoints_sccp import EndpointSCCP
from .endpoints_sip import EndpointSIP, EndpointSIPSummary

__all__ = ["Line", "LineCreate", "LineCreated", "LineExtension", "lines"]


class Line(Item):
    """A line. A provisioning code that is left out when creating is made by the server."""

    null_means_default: ClassVar[tuple[str, ...]] = (
        "provisioning_code",
        "position",
        "caller_id_name",
        "caller_id_num",
        "registrar",
    )

    id = fields.Integer(dump_only=True)
    tenant_uuid = fields.UUID(dump_only=True)
    name = fields.String(dump_only=True, allow_none=True)
    protocol = fields.String(dump_only=True, allow_none=True)
    device_id = fields.String(dump_only=True, allow_none=True)
    device_slot = fields.Integer(dump_only=True)
    provisioning_extension = fields.String(dump_only=True)
    context = fields.String(required=True)
    provisioning_code = fields.Digits(equal=6)
    position = fields.Integer(validate=fields.range_(1), load_default=1)
    caller_id_name = fields.String(allow_none=True)
    caller_id_num = fields.Digits(allow_none=True)
    registrar = fields.String(validate=fields.length(None, 128), load_default="default")
    links = fields.Links("lines", "/lines/{id}")
    application = fields.Summary("applications", "uuid", "name", "links")
    endpoint_sip: fields.Field = fields.Summary("endpoints_sip", schema=EndpointSIPSummary)
    endpoint_sccp: fields.Field = fields.Summary("endpoints_sccp", "id", "links")
    endpoint_custom: fields.Field = fields.Summary("endpoints_custom", "id", "interface", "links")
    extensions: fields.Field = fields.Summary("extensions", "id", "exten", "context", "links", many=True)
    users = fields.Summary("users", "uuid", "firstname", "lastname", "links", many=True)
    is_webrtc = fields.Boolean(dump_only=True)


class LineExtension(Extension):
    """An extension of a new line; its context is the line's unless it is given."""

    context = fields.String()


class LineCreate(Line):
    """A new line, with its endpoint and extensions."""

    null_means_default = (*Line.null_means_default, "endpoint_sip", "endpoint_sccp", "endpoint_custom")

    endpoint_sip = fields.Nested(EndpointSIP)
    endpoint_sccp = fields.Nested(EndpointSCCP)
    endpoint_custom = fields.Nested(EndpointCustom)
    extensions = fields.Nested(LineExtension, many=True, load_default=list)

    @pre_load
    def _drop_empty_sccp(self, data: Any, **kwargs: Any) -> Any:
        """An empty SCCP endpoint counts as none, an empty SIP endpoint as one with the defaults."""
        if isinstance(data, dict) and not data.get("endpoint_sccp"):
            return {name: value for name, value in data.items() if name != "endpoint_sccp"}
        return data

    @validates_schema
    def _check_endpoints(self, data: dict[str, Any], **kwargs: Any) -> None:
        if sum(name in data for name in ("endpoint_sip", "endpoint_sccp", "endpoint_custom")) > 1:
            raise ValidationError("Only one endpoint should be configured on a line")

    @validates_schema
    def _check_caller_id(self, data: dict[str, Any], **kwargs: Any) -> None:
        name = data.get("caller_id_name")
        if name is None:
            return
        for endpoint, section, option in (
            ("endpoint_sip", "endpoint_section_options", "callerid"),
            ("endpoint_sccp", "options", "cid_name"),
        ):
            for key, value in data.get(endpoint, {}).get(section, ()):
                if key == option:
                    raise ValidationError(
                        f'Ambiguous caller ID: line.caller_id_name = {name} {endpoint}.{section}["{option}"] = {value}'
                    )


class LineCreated(Line):
    """A line that was just made, with its endpoint and extensions in full."""

    endpoint_sip = fields.Summary("endpoints_sip")
    endpoint_sccp = fields.Summary("endpoints_sccp")
    endpoint_custom = fields.Summary("endpoints_custom")
    extensions = fields.Summary("extensions", many=True)


lines = resource(
    "/lines/{id:int}",
    Line,
    label="Line",
    listing=Listing.by(
        "name",
        "context",
        "provisioning_code",
        "provisioning_extension",
        "position",
        "device_slot",
        "protocol",
        "device_id",
        "name",
        "caller_id_name",
        "caller_id_num",
        "exten",
    ),
    create={"body": LineCreate, "answer": LineCreated},
    delete={"parameters": Recursive},
)
