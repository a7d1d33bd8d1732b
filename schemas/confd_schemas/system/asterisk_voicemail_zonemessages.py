"""How voicemails tell the time of a message, by time zone."""

from collections import Counter
from typing import Any

from .. import fields
from ..schema import Schema, ValidationError
from ..spec import singleton

__all__ = ["ZoneMessage", "ZoneMessages", "asterisk_voicemail_zonemessages"]


class ZoneMessage(Schema):
    """A time zone by the name that voicemails choose it with, and the format of its announcement."""

    name = fields.String(required=True, validate=fields.length(None, 128))
    timezone = fields.String(required=True)
    message = fields.OptionalString(load_default=None)


def _names_differ(items: list[dict[str, Any]]) -> None:
    twice = [name for name, count in Counter(item["name"] for item in items).items() if count > 1]
    if twice:
        raise ValidationError(f"Names given more than once: {', '.join(twice)}")


class ZoneMessages(Schema):
    """All of them, in order."""

    items = fields.Nested(ZoneMessage, many=True, required=True, validate=_names_differ)


asterisk_voicemail_zonemessages = singleton(
    "/asterisk/voicemail/zonemessages",
    ZoneMessages,
    get={"acl": "confd.asterisk.voicemail.zonemessages.get"},
    update={"master_only": True},
)
