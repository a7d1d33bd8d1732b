"""The names of all time zones."""

from .. import fields
from ..schema import Schema
from ..spec import Resource, operation

__all__ = ["Timezone", "timezones"]


class Timezone(Schema):
    """A time zone by its IANA name."""

    zone_name = fields.String(dump_only=True)


timezones = Resource(
    (operation("GET", "/timezones", answer=Timezone, many=True, acl="confd.timezones.get"),),
    schema=Timezone,
)
