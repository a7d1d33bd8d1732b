"""Users, the views of their list, and their import from and export to CSV."""

from collections.abc import Mapping
from typing import Any

from marshmallow import post_load, validates_schema

from .. import fields
from ..lines.lines import LineCreated
from ..parameters import RecursiveIfTrue
from ..schema import Item, Schema, ValidationError
from ..spec import Listing, operation, refused, resource
from .nested import (
    UserAccount,
    UserAgent,
    UserGroup,
    UserIncall,
    UserIncallChange,
    UserLine,
    UserLineChange,
    UserSwitchboard,
    UserVoicemail,
)

__all__ = [
    "VIEWS",
    "ImportedAccount",
    "User",
    "UserChange",
    "UserCreate",
    "UserCreated",
    "UserDirectory",
    "UserImport",
    "UserLinePresence",
    "UserSummary",
    "users",
]

RECORDINGS = tuple(
    f"call_record_{direction}_enabled"
    for direction in ("outgoing_external", "outgoing_internal", "incoming_internal", "incoming_external")
)
USERNAME = fields.pattern(r"^[a-zA-Z0-9._~!$&'()*+,;=%@-]{2,254}\Z")
PASSWORD = fields.pattern(r"^[a-zA-Z0-9._~!$&'()*+,;=%-]{4,64}\Z")
FALLBACKS = ("noanswer_destination", "busy_destination", "congestion_destination", "fail_destination")

_ENABLED = {"type": "object", "properties": {"enabled": {"type": "boolean"}}}
_FORWARD = {
    "type": "object",
    "properties": {"enabled": {"type": "boolean"}, "destination": {"type": ["string", "null"]}},
}
_SERVICES = {"type": "object", "properties": {"dnd": _ENABLED, "incallfilter": _ENABLED}}
_FORWARDS = {"type": "object", "properties": {"busy": _FORWARD, "noanswer": _FORWARD, "unconditional": _FORWARD}}
_FALLBACKS = {"type": "object", "properties": {name: {"type": ["object", "null"]} for name in FALLBACKS}}


class User(Item):
    """A user. A caller ID that is left out when creating is made by the server from the names."""

    null_means_default = (
        "caller_id",
        "call_transfer_enabled",
        "dtmf_hangup_enabled",
        "online_call_record_enabled",
        "supervision_enabled",
        "ring_seconds",
        "simultaneous_calls",
        "enabled",
        "call_record_enabled",
    )

    id = fields.Integer(dump_only=True)
    uuid = fields.UUID(dump_only=True)
    firstname = fields.String(required=True, validate=fields.length(None, 128))
    lastname = fields.OptionalString(validate=fields.length(None, 128), load_default=None)
    email = fields.Email(validate=fields.length(None, 254), load_default=None)
    timezone = fields.String(validate=fields.length(None, 128), load_default=None)
    country = fields.String(dump_only=True, allow_none=True)
    language = fields.String(validate=fields.pattern(r"^[a-z]{2}_[A-Z]{2}\Z"), load_default=None)
    description = fields.OptionalString(load_default=None)
    caller_id = fields.String(
        validate=[fields.length(None, 160), fields.pattern(r'^"(.*)"( <\+?[0-9]+>)?\Z')],
    )
    outgoing_caller_id = fields.OptionalString(validate=fields.length(None, 80), load_default=None)
    mobile_phone_number = fields.String(
        validate=[fields.length(None, 80), fields.pattern(r"^\+?[0-9*#]+\Z")], load_default=None
    )
    mobile_fallback_enabled = fields.StrictBoolean(load_default=False)
    username = fields.String(validate=USERNAME, load_default=None)
    password = fields.String(validate=PASSWORD, load_default=None)
    music_on_hold = fields.OptionalString(validate=fields.length(None, 128), load_default=None)
    preprocess_subroutine = fields.String(validate=fields.length(None, 79), load_default=None)
    userfield = fields.OptionalString(validate=fields.length(None, 128), load_default=None)
    call_transfer_enabled = fields.StrictBoolean(load_default=False)
    dtmf_hangup_enabled = fields.StrictBoolean(load_default=False)
    call_record_outgoing_external_enabled = fields.StrictBoolean(load_default=False)
    call_record_outgoing_internal_enabled = fields.StrictBoolean(load_default=False)
    call_record_incoming_internal_enabled = fields.StrictBoolean(load_default=False)
    call_record_incoming_external_enabled = fields.StrictBoolean(load_default=False)
    online_call_record_enabled = fields.StrictBoolean(load_default=False)
    supervision_enabled = fields.StrictBoolean(load_default=True)
    ring_seconds = fields.Integer(validate=fields.range_(0, 10800), load_default=30)
    simultaneous_calls = fields.Integer(validate=fields.range_(1, 20), load_default=5)
    call_permission_password = fields.String(validate=fields.pattern(r"^[0-9#*]{1,16}\Z"), load_default=None)
    subscription_type = fields.Integer(validate=fields.range_(0, 10), load_default=0)
    created_at = fields.DateTime(dump_only=True)
    enabled = fields.StrictBoolean(load_default=True)
    tenant_uuid = fields.UUID(dump_only=True)
    links = fields.Links("users", "/users/{id}")
    agent: fields.Field = fields.Summary("agents", "id", "number", "links")
    call_permissions = fields.Summary("callpermissions", "id", "name", "links", many=True)
    fallbacks: fields.Field = fields.Computed(_FALLBACKS, empty=dict.fromkeys(FALLBACKS))
    groups: fields.Field = fields.Summary("groups", "uuid", "id", "name", "links", many=True)
    incalls: fields.Field = fields.Summary("incalls", "id", "extensions", "links", many=True)
    lines: fields.Field = fields.Summary("lines", many=True)
    forwards: fields.Field = fields.Computed(_FORWARDS)
    schedules = fields.Summary("schedules", "id", "name", "links", many=True)
    services = fields.Computed(_SERVICES)
    switchboards: fields.Field = fields.Summary("switchboards", "uuid", "name", "links", many=True)
    voicemail: fields.Field = fields.Summary("voicemails", "id", "name", "links")
    queues = fields.Summary("queues", "id", "name", "label", "links", many=True)
    func_key_template_id = fields.Integer(load_default=None)
    call_record_enabled = fields.StrictBoolean(metadata={"deprecated": True})
    call_pickup_target_users = fields.Summary("users", "uuid", "firstname", "lastname", "links", many=True)

    @validates_schema(pass_original=True)
    def _check_recordings(self, data: Mapping[str, Any], original: Mapping[str, Any], **kwargs: Any) -> None:
        one = original.get("call_record_enabled") is not None
        if one and any(original.get(name) is not None for name in RECORDINGS):
            raise ValidationError(
                "'call_record_enabled' is deprecated and incompatible with 'call_record_*_enabled' options"
            )

    @post_load
    def _record_all(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        if "call_record_enabled" in data:
            data |= dict.fromkeys(RECORDINGS, data.pop("call_record_enabled"))
        return data


class UserCreate(User):
    """A new user, with all that is made and joined with him."""

    lines = fields.Nested(UserLine, many=True)
    incalls = fields.NestedChange(UserIncall, many=True, needed=("extensions",))
    groups = fields.Nested(UserGroup, many=True)
    switchboards = fields.Nested(UserSwitchboard, many=True)
    voicemail = fields.NestedChange(UserVoicemail, allow_none=True)
    agent = fields.NestedChange(UserAgent, allow_none=True)
    forwards = fields.Whole(_FORWARDS, allow_none=True)
    fallbacks = fields.Whole(_FALLBACKS, allow_none=True)
    auth = fields.Nested(UserAccount)
    device_id = fields.String(validate=fields.length(None, 255))


class UserChange(UserCreate):
    """A user with all that he shall have; of what is his own, nothing is changed."""

    lines = fields.NestedChange(UserLineChange, many=True, needed=("context",), load_default=list)
    incalls = fields.NestedChange(UserIncallChange, many=True, load_default=list)
    groups = fields.Nested(UserGroup, many=True, load_default=list)
    switchboards = fields.Nested(UserSwitchboard, many=True, load_default=list, allow_none=True)


class UserCreated(User):
    """A user that was just made, with what was made with him."""

    lines = fields.Summary("lines", schema=LineCreated, many=True)
    groups = fields.Summary("groups", "uuid", many=True)
    switchboards = fields.Summary("switchboards", "uuid", many=True)
    voicemail = fields.Summary("voicemails")
    agent = fields.Summary("agents")


class UserDirectory(Schema):
    """A user as a directory shows it."""

    id = fields.Integer(dump_only=True)
    uuid = fields.UUID(dump_only=True)
    line_id = fields.Integer(dump_only=True, allow_none=True)
    agent_id = fields.Computed({"type": ["string", "null"]})
    firstname = fields.String(dump_only=True)
    lastname = fields.String(dump_only=True, allow_none=True)
    email = fields.String(dump_only=True, allow_none=True)
    exten = fields.String(dump_only=True, allow_none=True)
    mobile_phone_number = fields.String(dump_only=True, allow_none=True)
    voicemail_number = fields.String(dump_only=True, allow_none=True)
    userfield = fields.String(dump_only=True, allow_none=True)
    description = fields.String(dump_only=True, allow_none=True)
    context = fields.String(dump_only=True, allow_none=True)


class UserSummary(Schema):
    """A user as a table of users shows it.

    The provisioning code is that of a main line that provisions a telephone: null for a custom or WebRTC line.
    """

    id = fields.Integer(dump_only=True)
    uuid = fields.UUID(dump_only=True)
    firstname = fields.String(dump_only=True)
    lastname = fields.String(dump_only=True, allow_none=True)
    email = fields.String(dump_only=True, allow_none=True)
    extension = fields.String(dump_only=True, allow_none=True)
    context = fields.String(dump_only=True, allow_none=True)
    provisioning_code = fields.String(dump_only=True, allow_none=True, attribute="telephone_provisioning_code")
    protocol = fields.String(dump_only=True, allow_none=True)
    enabled = fields.Boolean(dump_only=True)
    subscription_type = fields.Integer(dump_only=True)
    is_webrtc = fields.Boolean(dump_only=True)


class UserLinePresence(Schema):
    """What tells whether a user can be called."""

    uuid = fields.UUID(dump_only=True)
    tenant_uuid = fields.UUID(dump_only=True)
    lines = fields.Summary("lines", "id", "name", "protocol", many=True)
    services = fields.Computed({"type": "object", "properties": {"dnd": _ENABLED}}, attribute="presence_services")


VIEWS: dict[str, type[Schema]] = {
    "directory": UserDirectory,
    "summary": UserSummary,
    "line_presence": UserLinePresence,
}
"""How the list may show users other than in full, by the value of `view`."""


class ImportedAccount(Schema):
    """The account of an imported user in the authentication daemon."""

    username = fields.String(validate=USERNAME, load_default=None)
    password = fields.String(validate=PASSWORD, load_default=None)


class ImportedUser(Schema):
    """What one row of the CSV made or found."""

    row_number = fields.Integer(dump_only=True)
    user_id = fields.Integer(dump_only=True, allow_none=True)
    user_uuid = fields.UUID(dump_only=True, allow_none=True)
    voicemail_id = fields.Integer(dump_only=True, allow_none=True)
    line_id = fields.Integer(dump_only=True, allow_none=True)
    sip_uuid = fields.UUID(dump_only=True, allow_none=True)
    sccp_id = fields.Integer(dump_only=True, allow_none=True)
    extension_id = fields.Integer(dump_only=True, allow_none=True)
    incall_extension_id = fields.Integer(dump_only=True, allow_none=True)
    call_permission_ids = fields.List(fields.Integer(), dump_only=True)


class UserImport(Schema):
    """The report of an import."""

    created = fields.Nested(ImportedUser, many=True, dump_only=True)


_FILTERS = (
    "id", "uuid", "firstname", "lastname", "fullname", "caller_id", "description", "userfield", "email",
    "mobile_phone_number", "music_on_hold", "outgoing_caller_id", "preprocess_subroutine", "voicemail_number",
    "provisioning_code", "exten", "extension", "context", "username", "enabled", "subscription_type",
)  # fmt: skip
_SEARCHED = (
    "fullname", "caller_id", "description", "userfield", "email", "mobile_phone_number", "preprocess_subroutine",
    "outgoing_caller_id", "exten", "username", "provisioning_code", "subscription_type",
)  # fmt: skip

users = resource(
    "/users/{id:id}",
    User,
    label="User",
    listing=Listing.by(
        "lastname",
        *_FILTERS,
        search=_SEARCHED,
        extra={"view": f"how users are shown: {', '.join(VIEWS)}; in full when left out"},
    ),
    list={"views": VIEWS},
    create={"body": UserCreate, "answer": UserCreated},
    update={"parameters": RecursiveIfTrue},
    delete={"parameters": RecursiveIfTrue},
    also=(
        operation("HEAD", "/users/{id:id}"),
        operation(
            "POST",
            "/users/import",
            "users.import",
            accepts="text/csv",
            answer=UserImport,
            timeout=600,
            summary="Make a user, and what belongs to it, of each row of a CSV: all rows or none",
        ),
        refused("PUT", "/users/import", {"message": "The method is not allowed for the requested URL."}),
        operation("GET", "/users/export", "users.export", produces="text/csv; charset=utf-8", timeout=120),
    ),
    rpc_only=("import_rows",),
)
