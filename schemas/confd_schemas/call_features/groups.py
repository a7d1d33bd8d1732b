"""Groups: users and numbers that are called together."""

from typing import Any

from marshmallow import post_load

from .. import fields
from ..dialplan.destinations import Destination
from ..schema import Item, Labelled, Schema
from ..spec import Listing, association, replaced_list, resource, singleton

__all__ = [
    "Group",
    "GroupExtensionMembers",
    "GroupFallbacks",
    "GroupMembers",
    "GroupUserMembers",
    "group_callpermissions",
    "group_extensions",
    "group_fallbacks",
    "group_members_extensions",
    "group_members_users",
    "group_schedules",
    "groups",
]

_STRATEGIES = (
    "all", "random", "least_recent", "linear", "fewest_calls", "memorized_round_robin", "weight_random",
)  # fmt: skip
_GROUP = "/groups/{group_uuid:id}"


class GroupUserMember(Schema):
    """A user whom a group calls; without a priority, that is his place in the list."""

    priority = fields.Integer(validate=fields.range_(0))
    uuid = fields.UUID(required=True)
    firstname = fields.String(dump_only=True)
    lastname = fields.String(dump_only=True, allow_none=True)
    links = fields.Links("users", "/users/{user_id}")


class GroupExtensionMember(Schema):
    """A number that a group calls; without a priority, that is its place in the list."""

    priority = fields.Integer(validate=fields.range_(0))
    exten = fields.String(required=True, validate=fields.length(None, 255))
    context = fields.String(required=True, validate=fields.length(None, 79))


class GroupMembers(Schema):
    """All that a group calls, by priority."""

    users = fields.Summary("users", many=True, schema=GroupUserMember, attribute="user_members")
    extensions = fields.Summary("extensions", many=True, schema=GroupExtensionMember, attribute="extension_members")


class GroupUserMembers(Schema):
    """All users whom a group calls."""

    users = fields.Nested(GroupUserMember, many=True, required=True)


class GroupExtensionMembers(Schema):
    """All numbers that a group calls."""

    extensions = fields.Nested(GroupExtensionMember, many=True, required=True)


class GroupFallbacks(Schema):
    """All fallbacks of a group; what is left out is removed."""

    noanswer_destination = Destination(load_default=None)
    congestion_destination = Destination(load_default=None)


class Group(Labelled, Item):
    """A group; its name is made by the server."""

    id = fields.Integer(dump_only=True)
    uuid = fields.UUID(dump_only=True)
    tenant_uuid = fields.UUID(dump_only=True)
    name = fields.String(dump_only=True)
    label = fields.String(required=True, validate=[fields.length(None, 128), fields.pattern(r"^[-_.a-zA-Z0-9 ]+\Z")])
    preprocess_subroutine = fields.String(validate=fields.length(None, 79), load_default=None)
    ring_strategy = fields.String(validate=fields.enum(*_STRATEGIES), load_default="all")
    caller_id_mode = fields.String(validate=fields.enum("prepend", "overwrite", "append"), load_default=None)
    caller_id_name = fields.String(validate=fields.length(None, 80), load_default=None)
    dtmf_record_toggle = fields.StrictBoolean(load_default=False)
    timeout = fields.Integer(validate=fields.range_(0), load_default=None)
    user_timeout = fields.Integer(validate=fields.range_(0), allow_none=True, load_default=15)
    retry_delay = fields.Integer(validate=fields.range_(0), allow_none=True, load_default=5)
    music_on_hold = fields.String(validate=fields.length(None, 128), load_default=None)
    ring_in_use = fields.StrictBoolean(load_default=True)
    mark_answered_elsewhere = fields.StrictBoolean(load_default=False)
    enabled = fields.StrictBoolean(load_default=True)
    ignore_forward = fields.StrictBoolean(load_default=False)
    max_calls = fields.Integer(validate=fields.range_(0), allow_none=True, load_default=0)
    links = fields.Links("groups", "/groups/{uuid}")
    extensions = fields.Summary("extensions", "id", "exten", "context", "links", many=True)
    fallbacks = fields.Nested(GroupFallbacks, dump_only=True)
    incalls = fields.Summary("incalls", "id", "extensions", "links", many=True)
    schedules = fields.Summary("schedules", "id", "name", "links", many=True)
    call_permissions = fields.Summary("callpermissions", "id", "name", "links", many=True)
    members = fields.Nested(GroupMembers, dump_only=True)

    @post_load
    def _reset_ignore_forward(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Unlike other fields, it does not keep its value when it is left out."""
        data.setdefault("ignore_forward", False)
        return data


_LISTED = ("id", "name", "label", "preprocess_subroutine", "exten")

groups = resource(
    "/groups/{uuid:id}",
    Group,
    label="Group",
    listing=Listing.by("label", *_LISTED),
    location="/groups/{uuid}",
)
group_extensions = association(f"{_GROUP}/extensions/{{extension_id:int}}")
group_schedules = association(f"{_GROUP}/schedules/{{schedule_id:int}}")
group_callpermissions = association(f"{_GROUP}/callpermissions/{{call_permission_id:int}}")
group_fallbacks = singleton(f"{_GROUP}/fallbacks", GroupFallbacks, label="Group", id="group_uuid")
group_members_users = replaced_list(f"{_GROUP}/members/users", GroupUserMembers)
group_members_extensions = replaced_list(f"{_GROUP}/members/extensions", GroupExtensionMembers)
