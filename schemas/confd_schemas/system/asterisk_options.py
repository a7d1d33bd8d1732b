"""Sections of Asterisk's configuration files, each a set of options that is replaced as a whole."""

from collections.abc import Callable

from .. import fields
from ..schema import Item, Schema, ValidationError
from ..spec import Resource, singleton

__all__ = [
    "IAXGeneral",
    "RTPOptions",
    "SCCPGeneral",
    "VoicemailGeneral",
    "asterisk_iax_general",
    "asterisk_rtp_general",
    "asterisk_rtp_ice_host_candidates",
    "asterisk_sccp_general",
    "asterisk_voicemail_general",
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


def _section(path: str, schema: type[Schema]) -> Resource:
    acl = f"confd{path.replace('/', '.')}.get"
    return singleton(path, schema, get={"master_only": True, "acl": acl}, update={"master_only": True})


asterisk_rtp_general = _section("/asterisk/rtp/general", RTPOptions)
asterisk_rtp_ice_host_candidates = _section("/asterisk/rtp/ice_host_candidates", RTPOptions)
asterisk_iax_general = _section("/asterisk/iax/general", IAXGeneral)
asterisk_sccp_general = _section("/asterisk/sccp/general", SCCPGeneral)
asterisk_voicemail_general = _section("/asterisk/voicemail/general", VoicemailGeneral)
