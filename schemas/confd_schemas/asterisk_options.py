"""Sections of Asterisk's configuration files, each a set of options that is replaced as a whole."""

from collections.abc import Callable

from . import fields
from .schema import Item, Schema, ValidationError
from .spec import Resource, operation

__all__ = [
    "IAXGeneral",
    "RTPOptions",
    "SCCPGeneral",
    "VoicemailGeneral",
    "iax_general",
    "rtp_general",
    "rtp_ice_host_candidates",
    "sccp_general",
    "voicemail_general",
]


def _text(maximum: int, *checks: Callable[[str], str]) -> fields.String:
    limit: Callable[[str], str] = fields.length(None, maximum)
    return fields.String(required=True, validate=[limit, *checks])


def _not_register(key: str) -> str:
    if key == "register":
        raise ValidationError("The 'register' key can only be defined in trunk options")
    return key


class RTPOptions(Item):
    """Options of rtp.conf."""

    options = fields.Options(required=True, key=_text(255))


class IAXGeneral(Item):
    """Options of iax.conf; those whose order matters, or that are given more than once, apart."""

    options = fields.Options(required=True, key=_text(128, _not_register), value=_text(255))
    ordered_options = fields.OrderedOptions(required=True, key=_text(128, _not_register), value=_text(255))


class SCCPGeneral(Item):
    """Options of sccp.conf."""

    options = fields.Options(required=True, key=_text(80), value=_text(80))


class VoicemailGeneral(Item):
    """Options of voicemail.conf."""

    options = fields.Options(required=True, key=_text(128))


def _section(name: str, path: str, schema: type[Schema], edit: str = "update") -> Resource:
    acl = f"confd{path.replace('/', '.')}.get"
    return Resource(
        name,
        (
            operation("GET", path, f"{name}.get", answer=schema, master_only=True, acl=acl),
            operation("PUT", path, f"{name}.{edit}", body=schema, master_only=True),
        ),
        schema=schema,
    )


rtp_general = _section("asterisk.rtp.general", "/asterisk/rtp/general", RTPOptions, "edit")
rtp_ice_host_candidates = _section(
    "asterisk.rtp.ice_host_candidates", "/asterisk/rtp/ice_host_candidates", RTPOptions, "edit"
)
iax_general = _section("iax_general", "/asterisk/iax/general", IAXGeneral)
sccp_general = _section("sccp_general", "/asterisk/sccp/general", SCCPGeneral)
voicemail_general = _section("voicemail_general", "/asterisk/voicemail/general", VoicemailGeneral)
