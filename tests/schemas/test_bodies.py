"""The bodies of each resource: what is loaded of them, and why they are refused."""

from typing import Any
from uuid import UUID

import pytest
from confd_schemas.call_features.voicemails import Voicemail
from confd_schemas.dialplan.contexts import Context, ContextContexts, RangeParameters
from confd_schemas.dialplan.extensions import Extension
from confd_schemas.lines.endpoints_sip import EndpointSIP, EndpointSIPTemplate, EndpointSIPView
from confd_schemas.lines.lines import Line, LineCreate
from confd_schemas.parameters import Recursive
from confd_schemas.schema import Schema, ValidationError, load
from confd_schemas.system.configuration_live_reload import LiveReload
from confd_schemas.users.user_forwards import UserForward, UserForwards
from confd_schemas.users.user_lines import UserLines
from confd_schemas.users.user_services import UserService, UserServices
from confd_schemas.users.users import RECORDINGS, User

REQUIRED = ["Missing data for required field."]
NULL = ["Field may not be null."]
PATTERN = ["String does not match expected pattern."]
NOT_BOOLEAN = ["Not a valid boolean."]
ID = "12345678-1234-5678-1234-567812345678"

USER = {"firstname": "Alice"}
LINE = {"context": "inside"}
EXTENSION = {"exten": "1000", "context": "inside"}
VOICEMAIL = {"name": "Alice", "number": "1000", "context": "inside"}

LOADED = [
    (User, USER, {"ring_seconds": 30, "simultaneous_calls": 5, "supervision_enabled": True, "lastname": None}),
    (User, USER | {"ring_seconds": None, "enabled": None}, {"ring_seconds": 30, "enabled": True}),
    (User, {"firstname": "", "lastname": "", "userfield": ""}, {"firstname": "", "lastname": None, "userfield": None}),
    (User, USER | {"caller_id": '"Al "x" B" <+123>', "username": "a@b"}, {"caller_id": '"Al "x" B" <+123>'}),
    (User, USER | {"call_record_enabled": True}, dict.fromkeys(RECORDINGS, True)),
    (User, USER | {"call_record_enabled": None, RECORDINGS[0]: True}, {RECORDINGS[0]: True, RECORDINGS[1]: False}),
    (Line, LINE, {"position": 1, "registrar": "default"}),
    (Line, LINE | {"position": None, "registrar": None, "provisioning_code": None}, {"position": 1}),
    (LineCreate, LINE | {"endpoint_sip": None, "endpoint_sccp": None}, {"extensions": []}),
    (LineCreate, LINE | {"extensions": [{"exten": "1"}]}, {"extensions": [{"exten": "1", "enabled": True}]}),
    (EndpointSIP, {}, {"label": None, "templates": [], "transport": None, "aor_section_options": []}),
    (EndpointSIP, {"transport": {"uuid": ID, "name": "udp"}}, {"transport": {"uuid": UUID(ID)}}),
    (EndpointSIPTemplate, {"templates": [{"uuid": ID, "label": "x"}]}, {"templates": [{"uuid": UUID(ID)}]}),
    (Extension, EXTENSION, {"enabled": True}),
    (Extension, EXTENSION | {"commented": "yes"}, {"enabled": False}),
    (Extension, EXTENSION | {"commented": True, "enabled": 1}, {"enabled": True}),
    (Context, {"label": "x"}, {"type": "internal", "enabled": True, "user_ranges": [], "description": None}),
    (Context, {"name": "x"}, {"label": "x"}),
    (Context, {"label": "x", "user_ranges": [{"start": "10"}]}, {"user_ranges": [{"start": "10", "end": "10"}]}),
    (
        Context,
        {"label": "x", "incall_ranges": [{"start": "10", "end": "19"}]},
        {"incall_ranges": [{"start": "10", "end": "19", "did_length": 0}]},
    ),
    (Voicemail, VOICEMAIL, {"ask_password": True, "attach_audio": None, "accesstype": "personal", "options": []}),
    (Voicemail, VOICEMAIL | {"delete_messages": True, "email": "a", "attach_audio": True}, {"delete_messages": True}),
    (RangeParameters, {}, {"availability": "available", "direction": "asc", "offset": 0}),
    (RangeParameters, {"limit": "0"}, {"limit": 0}),
    (Recursive, {"recursive": "TRUE"}, {"recursive": True}),
    (LiveReload, {"enabled": False}, {"live_reload_enabled": False}),
]


@pytest.mark.parametrize(("schema", "body", "expected"), LOADED)
def test_a_good_body_is_loaded_with_its_defaults(
    schema: type[Schema], body: dict[str, Any], expected: dict[str, Any]
) -> None:
    loaded = load(schema(), body)
    assert {name: loaded.get(name) for name in expected} == expected


@pytest.mark.parametrize("schema", [User, Line, EndpointSIP, Extension, Context, Voicemail, UserForwards, UserServices])
def test_a_change_of_nothing_is_good_and_sets_no_defaults(schema: type[Schema]) -> None:
    assert load(schema(), {}, partial=True) == {}


@pytest.mark.parametrize(
    ("schema", "body", "expected"),
    [
        (UserForwards, {"busy": {"destination": ""}}, {"busy": {"destination": None}}),
        (UserServices, {"dnd": {"enabled": True}}, {"dnd": {"enabled": True}}),
        (Extension, {"commented": True}, {"enabled": False}),
        (User, {"call_record_enabled": False}, dict.fromkeys(RECORDINGS, False)),
        (
            Context,
            {"incall_ranges": [{"start": "1"}]},
            {"incall_ranges": [{"start": "1", "end": "1", "did_length": 0}]},
        ),
    ],
)
def test_a_change_holds_only_what_is_given(schema: type[Schema], body: Any, expected: dict[str, Any]) -> None:
    assert load(schema(), body, partial=True) == expected


def ranged(minimum: int | None, maximum: int | None, message: str) -> list[dict[str, Any]]:
    limits = {name: limit for name, limit in (("min", minimum), ("max", maximum)) if limit is not None}
    return [{"constraint_id": "range", "constraint": limits, "message": message}]


CONFLICT = "'call_record_enabled' is deprecated and incompatible with 'call_record_*_enabled' options"
AMBIGUOUS = 'Ambiguous caller ID: line.caller_id_name = Al endpoint_sip.endpoint_section_options["callerid"] = B'
AMBIGUOUS_SCCP = 'Ambiguous caller ID: line.caller_id_name = Al endpoint_sccp.options["cid_name"] = B'
BETWEEN = "Must be greater than or equal to {} and less than or equal to {}."

REFUSED = [
    (User, {}, {"firstname": REQUIRED}),
    (User, {"firstname": None}, {"firstname": NULL}),
    (User, {"firstname": "a" * 129}, {"firstname": ["Longer than maximum length 128."]}),
    (User, USER | {"email": "nobody"}, {"email": ["Not a valid email address."]}),
    (User, USER | {"language": "fr_fr"}, {"language": PATTERN}),
    (User, USER | {"caller_id": "Alice"}, {"caller_id": PATTERN}),
    (User, USER | {"caller_id": '"Alice"\n'}, {"caller_id": PATTERN}),
    (User, USER | {"mobile_phone_number": "12 34"}, {"mobile_phone_number": PATTERN}),
    (User, USER | {"username": "a"}, {"username": PATTERN}),
    (User, USER | {"password": "a@bcd"}, {"password": PATTERN}),
    (User, USER | {"call_permission_password": "1" * 17}, {"call_permission_password": PATTERN}),
    (User, USER | {"mobile_fallback_enabled": None}, {"mobile_fallback_enabled": NULL}),
    (User, USER | {"call_transfer_enabled": 1}, {"call_transfer_enabled": NOT_BOOLEAN}),
    (User, USER | {"ring_seconds": 10801}, {"ring_seconds": ranged(0, 10800, BETWEEN.format(0, 10800))}),
    (User, USER | {"simultaneous_calls": 0}, {"simultaneous_calls": ranged(1, 20, BETWEEN.format(1, 20))}),
    (User, USER | {"subscription_type": None}, {"subscription_type": NULL}),
    (User, USER | {"call_record_enabled": True, RECORDINGS[2]: False}, {"_schema": [CONFLICT]}),
    (Line, {}, {"context": REQUIRED}),
    (Line, LINE | {"provisioning_code": "12345"}, {"provisioning_code": ["Length must be 6."]}),
    (Line, LINE | {"provisioning_code": "abcdef"}, {"provisioning_code": ["Invalid input."]}),
    (Line, LINE | {"position": 0}, {"position": ranged(1, None, "Must be greater than or equal to 1.")}),
    (Line, LINE | {"caller_id_num": "12a"}, {"caller_id_num": ["Invalid input."]}),
    (LineCreate, LINE | {"extensions": None}, {"extensions": NULL}),
    (LineCreate, LINE | {"extensions": [{}]}, {"extensions": {0: {"exten": REQUIRED}}}),
    (LineCreate, LINE | {"endpoint_sip": 1}, {"endpoint_sip": {"_schema": ["Invalid input type."]}}),
    (
        LineCreate,
        LINE | {"endpoint_sip": {"label": "x"}, "endpoint_custom": {"interface": "x"}},
        {"_schema": ["Only one endpoint should be configured on a line"]},
    ),
    (
        LineCreate,
        LINE | {"caller_id_name": "Al", "endpoint_sip": {"endpoint_section_options": [["callerid", "B"]]}},
        {"_schema": [AMBIGUOUS]},
    ),
    (
        LineCreate,
        LINE | {"caller_id_name": "Al", "endpoint_sccp": {"options": [["cid_name", "B"]]}},
        {"_schema": [AMBIGUOUS_SCCP]},
    ),
    (EndpointSIP, {"name": None, "templates": None}, {"name": NULL, "templates": NULL}),
    (EndpointSIP, {"name": "global"}, {"name": ["Reserved Asterisk section name"]}),
    (EndpointSIP, {"name": "a" * 80}, {"name": ["Longer than maximum length 79"]}),
    (EndpointSIP, {"templates": [{"label": "x"}]}, {"templates": {0: {"uuid": REQUIRED}}}),
    (EndpointSIP, {"transport": {"uuid": 1}}, {"transport": {"uuid": ["Not a valid UUID."]}}),
    (
        EndpointSIP,
        {"aor_section_options": [["a"]]},
        {"aor_section_options": {0: ["Length must be between 2 and 2."]}},
    ),
    (
        EndpointSIP,
        {"auth_section_options": [["a", ""]]},
        {"auth_section_options": {0: {1: ["Length must be between 1 and 4092."]}}},
    ),
    (EndpointSIPView, {"view": "other"}, {"view": ["Must be one of: merged."]}),
    (Extension, {}, {"exten": REQUIRED, "context": REQUIRED}),
    (Extension, EXTENSION | {"exten": "1" * 41}, {"exten": ["Longer than maximum length 40."]}),
    (Extension, EXTENSION | {"enabled": None}, {"enabled": NULL}),
    (Context, {}, {"label": REQUIRED}),
    (Context, {"name": ""}, {"label": ["Length must be between 1 and 128."]}),
    (Context, {"label": "x", "type": "x"}, {"type": ["Must be one of: internal, incall, outcall, services, others."]}),
    (Context, {"label": "x", "enabled": "true"}, {"enabled": NOT_BOOLEAN}),
    (
        Context,
        {"label": "x", "user_ranges": [{"start": "1"}, {"start": "10", "end": "9"}]},
        {"user_ranges": {1: {"_schema": ["Start and end must be of the same length"]}}},
    ),
    (
        Context,
        {"label": "x", "incall_ranges": [{"start": "20", "end": "19"}]},
        {"incall_ranges": {0: {"_schema": ["Start of range must be lower than or equal to the end"]}}},
    ),
    (Context, {"label": "x", "group_ranges": [{"start": "1a"}]}, {"group_ranges": {0: {"start": ["Invalid input."]}}}),
    (Context, {"label": "x", "queue_ranges": {}}, {"queue_ranges": ["Invalid type."]}),
    (ContextContexts, {}, {"contexts": REQUIRED}),
    (ContextContexts, {"contexts": [{}]}, {"contexts": {0: {"id": REQUIRED}}}),
    (RangeParameters, {"availability": "no"}, {"availability": ["Must be one of: available, all."]}),
    (Voicemail, {}, {"name": REQUIRED, "number": REQUIRED, "context": REQUIRED}),
    (Voicemail, VOICEMAIL | {"number": "1" * 41}, {"number": PATTERN}),
    (Voicemail, VOICEMAIL | {"password": "abc"}, {"password": PATTERN}),
    (
        Voicemail,
        VOICEMAIL | {"max_messages": -1},
        {"max_messages": ranged(0, None, "Must be greater than or equal to 0.")},
    ),
    (Voicemail, VOICEMAIL | {"options": [["a", 1]]}, {"options": {0: {1: ["Not a valid string."]}}}),
    (Voicemail, VOICEMAIL | {"accesstype": None}, {"accesstype": NULL}),
    (
        Voicemail,
        VOICEMAIL | {"delete_messages": True},
        {"_schema": ["email must be provided if delete_messages is set"]},
    ),
    (
        Voicemail,
        VOICEMAIL | {"delete_messages": True, "email": "a"},
        {"_schema": ["attach_audio must be set if delete_messages is set"]},
    ),
    (LiveReload, {}, {"enabled": REQUIRED}),
    (LiveReload, {"enabled": 1}, {"enabled": NOT_BOOLEAN}),
    (UserLines, {}, {"lines": REQUIRED}),
    (UserLines, {"lines": [{"id": "x"}]}, {"lines": {0: {"id": ["Not a valid integer."]}}}),
    (UserService, {}, {"enabled": REQUIRED}),
    (UserForward, {"enabled": 0}, {"enabled": NOT_BOOLEAN}),
    (UserForward, {"destination": "1" * 129}, {"destination": ["Longer than maximum length 128."]}),
]


@pytest.mark.parametrize(("schema", "body", "messages"), REFUSED)
def test_a_bad_body_is_refused(schema: type[Schema], body: dict[str, Any], messages: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        load(schema(), body)
    assert caught.value.messages == messages


@pytest.mark.parametrize(
    ("schema", "body", "messages"),
    [
        (User, {"ring_seconds": None, "caller_id": None}, {"caller_id": NULL, "ring_seconds": NULL}),
        (User, {"call_record_enabled": None}, {"call_record_enabled": NULL}),
        (Line, {"position": None, "registrar": None}, {"position": NULL, "registrar": NULL}),
        (Voicemail, {"delete_messages": True}, {"_schema": ["email must be provided if delete_messages is set"]}),
        (UserForwards, {"busy": None}, {"busy": NULL}),
        (UserServices, {"dnd": {}}, {"dnd": {"enabled": REQUIRED}}),
    ],
)
def test_a_bad_change_is_refused(schema: type[Schema], body: dict[str, Any], messages: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        load(schema(), body, partial=True)
    assert caught.value.messages == messages


@pytest.mark.parametrize(
    ("schema", "last"),
    [
        (User, ["func_key_template_id", "call_record_enabled", "call_pickup_target_users"]),
        (Line, ["extensions", "users", "is_webrtc"]),
        (EndpointSIP, ["links", "trunk", "line"]),
        (EndpointSIPTemplate, ["transport", "asterisk_id", "links"]),
        (Context, ["enabled", "links", "contexts"]),
    ],
)
def test_fields_are_shown_in_the_order_of_the_contract(schema: type[Schema], last: list[str]) -> None:
    assert list(schema().fields)[-4:] == [*last, "revision"]


def test_creating_a_line_shows_the_fields_of_a_line() -> None:
    assert list(LineCreate().fields) == list(Line().fields)
