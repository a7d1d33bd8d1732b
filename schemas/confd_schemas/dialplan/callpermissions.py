"""Call permissions: which numbers users and groups may call."""

from typing import Any

from marshmallow import post_load

from .. import fields
from ..schema import Item
from ..spec import Listing, resource

__all__ = ["CallPermission", "callpermissions"]

_CHARACTERS = r"[0-9NXZ*#\-\[\]]"
# Each run of characters is taken whole, so that a text that does not match is refused without trying all its parts.
_EXTENSION = rf"^(?:_?\+?{_CHARACTERS}+(?!{_CHARACTERS})[.!]?){{1,40}}\Z"


class CallPermission(Item):
    """A call permission; its extensions are a set."""

    id = fields.Integer(dump_only=True)
    tenant_uuid = fields.UUID(dump_only=True)
    name = fields.String(required=True, validate=fields.length(1, 128))
    password = fields.String(validate=fields.pattern(r"^[0-9#*]{1,40}\Z"), load_default=None)
    mode = fields.String(validate=fields.enum("allow", "deny"), load_default="deny")
    extensions = fields.List(fields.String(validate=fields.pattern(_EXTENSION)), load_default=list)
    enabled = fields.StrictBoolean(load_default=True)
    description = fields.String(load_default=None)
    links = fields.Links("callpermissions", "/callpermissions/{id}")
    outcalls = fields.Summary("outcalls", "id", "name", "links", many=True)
    groups = fields.Summary("groups", "uuid", "id", "name", "links", many=True)
    users = fields.Summary("users", "uuid", "firstname", "lastname", "links", many=True)

    @post_load
    def _drop_repeats(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        if "extensions" in data:
            data["extensions"] = list(dict.fromkeys(data["extensions"]))
        return data


callpermissions = resource(
    "/callpermissions/{id:int}",
    CallPermission,
    label="CallPermission",
    listing=Listing.by("name", "id", "name", "description", "enabled", "mode"),
)
