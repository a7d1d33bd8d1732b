"""Users from CSV and back: columns, the order of checks, one error a row, all rows or none."""

import csv
import io
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from confd_worker.client import RemoteError
from confd_worker.conformance.system import System, until

from ...wire import Wire
from ..world import Call, Heard, World, names

Told = Callable[..., list[Heard]]

MADE = [
    "row_number", "user_id", "user_uuid", "voicemail_id", "line_id", "sip_uuid", "sccp_id", "extension_id",
    "incall_extension_id", "call_permission_ids",
]  # fmt: skip
EXPORTED = [
    "uuid",
    "subscription_type",
    "firstname",
    "lastname",
    "email",
    "mobile_phone_number",
    "outgoing_caller_id",
    "language",
    "call_permission_password",
    "enabled",
    "ring_seconds",
    "simultaneous_calls",
    "supervision_enabled",
    "call_transfer_enabled",
    "dtmf_hangup_enabled",
    "call_record_outgoing_external_enabled",
    "call_record_outgoing_internal_enabled",
    "call_record_incoming_external_enabled",
    "call_record_incoming_internal_enabled",
    "online_call_record_enabled",
    "userfield",
    "voicemail_name",
    "voicemail_number",
    "voicemail_context",
    "voicemail_password",
    "voicemail_email",
    "voicemail_attach_audio",
    "voicemail_delete_messages",
    "voicemail_ask_password",
    "line_protocol",
    "provisioning_code",
    "context",
    "sip_username",
    "sip_secret",
    "exten",
    "incall_exten",
    "incall_context",
    "call_permissions",
    "username",
]
NULL = "['Field may not be null.']"
PATTERN = "['String does not match expected pattern.']"


def _csv(*rows: dict[str, Any]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _refused(call: Call, *rows: dict[str, Any]) -> list[tuple[int, str]]:
    """Numbers and messages of the rows that an import refuses; nothing of it stays."""
    with pytest.raises(RemoteError) as refused:
        call("users.import", body=_csv(*rows))
    assert refused.value.status == 400
    errors = refused.value.details["body"]["errors"]
    assert all(set(error) == {"message", "timestamp", "details"} for error in errors)
    for resource in ("users", "lines", "endpoints_sip", "incalls"):
        assert call(f"{resource}.list")["total"] == 0
    return [(error["details"]["row_number"], error["message"]) for error in errors]


def _one_refused(call: Call, **row: Any) -> str:
    [(number, message)] = _refused(call, {"firstname": "Alice", **row})
    assert number == 1
    return message


@pytest.fixture
def templates(world: World, system: System, tenant: str) -> dict[str, str]:
    """The tenant's SIP templates by label, made as the authentication daemon has them made."""
    with Wire(system.amqp_uri) as wire:
        wire.publish_event("auth_tenant_added", {"uuid": tenant, "slug": "acme"})

    def made() -> dict[str, str]:
        listed = world.call("endpoints_sip_templates.list")["items"]
        return {each["label"]: each["uuid"] for each in listed}

    return until(made, "the templates are there")


BAD_COLUMNS = [
    *[({field: value}, f"{{'{field}': {detail}}}") for field, value, detail in (
        ("firstname", "", NULL), ("firstname", "x" * 129, "['Longer than maximum length 128.']"),
        ("lastname", "x" * 129, "['Longer than maximum length 128.']"),
        ("email", "x", "['Not a valid email address.']"), ("language", "fr", PATTERN),
        ("outgoing_caller_id", "x" * 81, "['Longer than maximum length 80.']"),
        ("mobile_phone_number", "x", PATTERN), ("call_permission_password", "x", PATTERN),
        ("userfield", "x" * 129, "['Longer than maximum length 128.']"), ("subscription_type", "", NULL),
        ("call_record_outgoing_external_enabled", "", NULL), ("call_record_incoming_internal_enabled", "", NULL),
        ("username", "x", PATTERN), ("password", "x", PATTERN),
    )],
    *[({field: "true"}, f"Input Error - '{field}' must be one of (0, 1)") for field in (
        "enabled", "supervision_enabled", "online_call_record_enabled", "voicemail_ask_password",
        "voicemail_attach_audio",
    )],
    *[({field: text}, f"Input Error - field '{field}': wrong type. Should be a integer") for field, text in (
        ("ring_seconds", "x"), ("simultaneous_calls", "1.5"), ("subscription_type", "-1"),
        ("incall_ring_seconds", "x"),
    )],
    ({"call_permissions": "a;b"}, "Resource Not Found - CallPermission was not found ('name': 'a')"),
    ({"context": "nowhere"}, "Resource Not Found - Context was not found ('name': 'nowhere')"),
    ({"voicemail_number": "5"},
     "{'name': ['Missing data for required field.'], 'context': ['Missing data for required field.']}"),
    ({"voicemail_context": "x", "voicemail_number": ""},
     f"{{'name': ['Missing data for required field.'], 'number': {NULL}}}"),
    ({"voicemail_number": "5", "voicemail_context": "x", "voicemail_name": "x"},
     "Input Error - field 'context': Context was not found ('context': 'x')"),
    ({"incall_exten": "5", "incall_context": "x"},
     "Input Error - field 'context': Context was not found ('context': 'x')"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "message"), BAD_COLUMNS, ids=lambda given: str(given)[:50])
def test_a_bad_value_is_the_error_of_its_row(row: dict[str, str], message: str, call: Call) -> None:
    assert _one_refused(call, **row) == message


@pytest.mark.parametrize(
    ("column", "limits"),
    [("ring_seconds", (0, 10800)), ("simultaneous_calls", (1, 20)), ("subscription_type", (0, 10))],
)
def test_a_number_out_of_range_is_the_error_of_its_row(column: str, limits: tuple[int, int], call: Call) -> None:
    message = _one_refused(call, **{column: str(limits[1] + 1)})
    assert message.startswith(f"{{'{column}': [{{'constraint_id': 'range', 'constraint': {{'min': {limits[0]}, ")


def test_the_parts_of_a_row_are_checked_in_the_order_of_the_contract(world: World) -> None:
    inside, incall = world.context["name"], world.a_context(type="incall", incall_ranges=[{"start": "500"}])["name"]
    row = {
        "firstname": "Alice", "enabled": "x", "context": "nowhere", "email": "x", "username": "x",
        "voicemail_number": "5", "call_permissions": "vip", "exten": "XX", "line_protocol": "", "incall_exten": "YY",
        "incall_context": incall,
    }  # fmt: skip
    voicemail = {"voicemail_name": "x", "voicemail_context": inside}
    steps: list[tuple[dict[str, str], str]] = [
        ({"enabled": "1"}, "Input Error - 'enabled' must be one of (0, 1)"),
        ({"context": inside}, "Resource Not Found - Context was not found ('name': 'nowhere')"),
        ({"email": ""}, "{'email': ['Not a valid email address.']}"),
        ({"username": ""}, f"{{'username': {PATTERN}}}"),
        (voicemail, "{'name': ['Missing data for required field.'], 'context': ['Missing data for required field.']}"),
        ({"call_permissions": ""}, "Resource Not Found - CallPermission was not found ('name': 'vip')"),
        ({"line_protocol": "iax"}, "Input Error - missing parameters: line_protocol"),
        ({"line_protocol": "sip"}, "Input Error - 'line_protocol' must be one of (sip, webrtc, sccp)"),
        ({"exten": "5000"}, "exten: ['String does not match expected pattern.']"),
        ({"incall_exten": "500"}, "exten: ['String does not match expected pattern.']"),
        ({}, "Resource Not Found - global_sip_template was not found"),
    ]
    for correction, message in steps:
        assert _refused(world.call, row) == [(1, message)]
        row |= correction
    assert world.call("voicemails.list")["total"] == world.call("extensions.list")["total"] == 0


def test_associations_are_checked_last(world: World, templates: dict[str, str]) -> None:
    context = world.context["name"]
    message = f"Input Error - Extension '5000' is outside of range for context '{context}'"
    for protocol in ("sip", "sccp"):
        row = {"context": context, "line_protocol": protocol, "exten": "5000"}
        assert _one_refused(world.call, **row) == message


def test_a_line_of_protocol_sccp_gets_an_sccp_endpoint_and_is_exported_as_such(world: World) -> None:
    context = world.context["name"]
    row = {"firstname": "Alice", "context": context, "line_protocol": "sccp", "exten": "1000"}
    (made,) = world.call("users.import", body=_csv(row))["created"]
    line = world.call("lines.get", id=made["line_id"])
    assert made["sip_uuid"] is None
    assert line["endpoint_sccp"]["id"] == made["sccp_id"]
    assert (line["protocol"], line["caller_id_name"], line["caller_id_num"]) == ("sccp", "Alice", "1000")
    (exported,) = csv.DictReader(io.StringIO(world.call("users.export")))
    assert (exported["line_protocol"], exported["exten"], exported["sip_username"]) == ("sccp", "1000", "")


def test_every_bad_row_is_reported_with_what_it_holds_and_none_is_imported(world: World, told: Told) -> None:
    word = uuid.uuid4().hex
    email = f"{word}@acme.example"
    rows = [
        {"firstname": "A", "email": email, "enabled": "1"}, {"firstname": "", "email": "", "enabled": "1"},
        {"firstname": "B", "email": "", "enabled": "x"}, {"firstname": "C", "email": email.upper(), "enabled": "1"},
    ]  # fmt: skip

    def attempt(method: str, **given: Any) -> None:
        with pytest.raises(RemoteError) as refused:
            world.call(method, **given)
        errors = refused.value.details["body"]["errors"]
        assert [error["details"]["row_number"] for error in errors] == [2, 3, 4]
        assert errors[1]["details"]["row"] == rows[2]
        assert isinstance(errors[0]["timestamp"], int)
        expected = f"Resource Error - User already exists ('email': '{email.upper()}')"
        assert errors[2]["message"] == expected

    attempt("users.import", body=_csv(*rows))
    # The next thing that is told of is not from the import.
    assert names(told("users.create", body={"firstname": "D"})) == ["user_created"]
    assert world.call("users.list")["total"] == 1


def test_an_empty_value_is_null_or_the_default_and_a_column_that_is_not_there_is_not_given(world: World) -> None:
    empty = ["lastname", "email", "language", "outgoing_caller_id", "mobile_phone_number", "call_permission_password",
             "userfield", "enabled", "supervision_enabled", "call_transfer_enabled", "dtmf_hangup_enabled",
             "online_call_record_enabled", "ring_seconds", "simultaneous_calls", "username", "password", "context",
             "line_protocol", "exten", "voicemail_name", "voicemail_number", "voicemail_context", "incall_exten",
             "voicemail_delete_messages", "call_permissions", "unknown", "uuid"]  # fmt: skip
    both = [{"firstname": "A", **dict.fromkeys(empty, "")}]
    [made] = world.call("users.import", body=_csv(*both))["created"]
    assert list(made) == MADE
    assert [made[name] for name in MADE[3:]] == [None] * 6 + [[]]
    [other] = world.call("users.import", body="firstname\nA\n")["created"]
    own = ("id", "uuid", "created_at", "links")
    users = [world.call("users.get", id=each["user_id"]) for each in (made, other)]
    for user in users:
        for name in own:
            del user[name]
    assert users[0] == users[1]


def test_lines_of_a_csv_are_read_as_they_are(call: Call) -> None:
    assert call("users.import", body="firstname\n") == {"created": []}
    assert call("users.import", body="") == {"created": []}
    text = 'lastname,firstname,nonsense\r\n\r\n"Martin, ""M""",Zoë,x\r\n\nDurand,Bob,\n'
    created = call("users.import", body=text)["created"]
    assert [made["row_number"] for made in created] == [1, 2]
    users = call("users.list", order="firstname")["items"]
    assert [(user["firstname"], user["lastname"]) for user in users] == [("Bob", "Durand"), ("Zoë", 'Martin, "M"')]
    with pytest.raises(RemoteError) as refused:
        call("users.import", body='firstname,lastname\n"A\nB",C\n')
    assert [each["details"]["row_number"] for each in refused.value.details["body"]["errors"]] == [1]


def _whole_row(context: str, incall: str) -> dict[str, str]:
    word = uuid.uuid4().hex
    return {
        "uuid": str(uuid.uuid4()), "subscription_type": "2", "firstname": "Zoë", "lastname": "Martin",
        "email": f"{word}@acme.example", "mobile_phone_number": "+33155", "outgoing_caller_id": "default",
        "language": "fr_FR", "call_permission_password": "123", "enabled": "0", "ring_seconds": "10",
        "simultaneous_calls": "3", "supervision_enabled": "0", "call_transfer_enabled": "1",
        "dtmf_hangup_enabled": "1", "call_record_outgoing_external_enabled": "1",
        "call_record_outgoing_internal_enabled": "0", "call_record_incoming_external_enabled": "1",
        "call_record_incoming_internal_enabled": "0", "online_call_record_enabled": "1", "userfield": "a",
        "voicemail_name": "Zoë", "voicemail_number": "1000", "voicemail_context": context, "voicemail_password": "123",
        "voicemail_email": "z@acme.example", "voicemail_attach_audio": "1", "voicemail_delete_messages": "1",
        "voicemail_ask_password": "0", "line_protocol": "webrtc", "context": context, "sip_username": word,
        "sip_secret": "secret", "exten": "1000", "incall_exten": "500", "incall_context": incall,
        "incall_ring_seconds": "7", "username": word, "password": "any-password",
        "call_permissions": "b;a;b",
    }  # fmt: skip


@pytest.fixture
def incall_context(world: World) -> str:
    """Name of a context for calls from outside."""
    return world.a_context(type="incall", incall_ranges=[{"start": "500", "end": "599"}])["name"]


def test_a_row_makes_a_user_with_all_that_its_columns_name(
    world: World, templates: dict[str, str], told: Told, incall_context: str
) -> None:
    row = _whole_row(world.context["name"], incall_context)
    for name in ("b", "a"):
        world.call("callpermissions.create", body={"name": name})
    heard = told("users.import", body=_csv(row))
    assert names(heard) == [
        "user_created", "voicemail_created", "line_created", "extension_created", "extension_created",
        "incall_created", "sip_endpoint_created", "user_voicemail_associated", "line_endpoint_sip_associated",
        "user_line_associated", "line_extension_associated", "incall_extension_associated",
        "user_call_permission_associated", "user_call_permission_associated",
    ]  # fmt: skip
    [user] = world.call("users.list")["items"]
    assert user["uuid"] != row["uuid"]
    assert (user["username"], user["password"], user["enabled"], user["ring_seconds"]) == (None, None, False, 10)
    [line] = user["lines"]
    assert (line["is_webrtc"], line["position"], line["registrar"]) == (True, 1, "default")
    assert (line["name"], line["caller_id_num"]) == (row["sip_username"], "1000")
    endpoint = world.call("endpoints_sip.get", uuid=line["endpoint_sip"]["uuid"])
    assert endpoint["auth_section_options"] == [["username", row["sip_username"]], ["password", "secret"]]
    assert [each["uuid"] for each in endpoint["templates"]] == [templates["global"], templates["webrtc"]]
    voicemail = world.call("voicemails.get", id=user["voicemail"]["id"])
    assert (voicemail["number"], voicemail["delete_messages"], voicemail["ask_password"]) == ("1000", True, False)
    [incall] = world.call("incalls.list")["items"]
    assert (incall["destination"]["user_id"], incall["destination"]["ring_time"]) == (user["id"], 7.0)

    exported = world.call("users.export")
    assert exported.splitlines()[0] == ",".join(EXPORTED)
    assert exported.count("\r\n") == exported.count("\n") == 2
    [back] = csv.DictReader(io.StringIO(exported))
    not_back = {"uuid", "line_protocol", "incall_ring_seconds", "password", "username"}
    assert back | {name: row[name] for name in not_back & set(back)} == {
        **{name: value for name, value in row.items() if name in back},
        "provisioning_code": line["provisioning_code"], "call_permissions": "a;b",
    }  # fmt: skip
    assert (back["uuid"], back["line_protocol"], back["username"]) == (user["uuid"], "sip", "")


def test_what_is_there_is_used(world: World, templates: dict[str, str], incall_context: str) -> None:
    context, voicemail, extension = world.context["name"], world.voicemail("1000"), world.extension("1001")
    word = uuid.uuid4().hex
    endpoint = world.endpoint(auth_section_options=[["username", word], ["password", "x"]])
    called = world.extension("500", context=incall_context)
    row = {
        "firstname": "A", "voicemail_number": "1000", "voicemail_context": context, "context": context,
        "line_protocol": "sip", "sip_username": word, "exten": "1001", "incall_exten": "500",
        "incall_context": incall_context,
    }  # fmt: skip
    incall = world.call("incalls.create", body={"destination": {"type": "none"}})
    world.call("incall_extensions.associate", incall_id=incall["id"], extension_id=called["id"])
    [made] = world.call("users.import", body=_csv(row))["created"]
    assert {name: made[name] for name in ("voicemail_id", "sip_uuid", "extension_id", "incall_extension_id")} == {
        "voicemail_id": voicemail["id"], "sip_uuid": endpoint["uuid"], "extension_id": extension["id"],
        "incall_extension_id": called["id"],
    }  # fmt: skip
    destination = world.call("incalls.get", id=incall["id"])["destination"]
    assert (destination["type"], destination["user_id"]) == ("user", made["user_id"])
    assert world.call("incalls.list")["total"] == 1


def test_what_a_row_leaves_out_of_its_sip_account_is_random(world: World, templates: dict[str, str]) -> None:
    rows = [{"firstname": name, "context": world.context["name"], "line_protocol": "sip"} for name in "AB"]
    created = world.call("users.import", body=_csv(*rows))["created"]
    accounts = []
    for made in created:
        endpoint = world.call("endpoints_sip.get", uuid=made["sip_uuid"])
        username, password = dict(endpoint["auth_section_options"]).values()
        assert endpoint["name"] == username
        assert [each["uuid"] for each in endpoint["templates"]] == [templates["global"]]
        accounts += [username, password]
    assert all(len(word) == 8 and word.isalpha() and word.islower() for word in accounts)
    assert len(set(accounts)) == 4
    assert world.call("extensions.list")["total"] == 0


def test_an_export_has_one_row_a_user_of_the_tenant_alone(
    world: World, tenant: str, system: System, incall_context: str
) -> None:
    with system.client(str(uuid.uuid4())) as elsewhere:
        World(elsewhere.call).user(firstname="Else")
    user = world.user(firstname='A, "A"', lastname=None, enabled=False)
    for exten in ("501", "500"):
        extension = world.extension(exten, context=incall_context)
        incall = world.call("incalls.create", body={"destination": {"type": "user", "user_id": user["id"]}})
        world.call("incall_extensions.associate", incall_id=incall["id"], extension_id=extension["id"])
    main, second = world.line(extensions=[{"exten": "1000"}]), world.line()
    plain = world.user(firstname="B")
    world.have(user, main)
    world.have(user, second)
    world.have(plain, world.line())
    first, other = sorted(csv.DictReader(io.StringIO(world.call("users.export"))), key=lambda row: row["firstname"])
    assert {name: first[name] for name in ("firstname", "lastname", "enabled", "subscription_type", "exten")} == {
        "firstname": 'A, "A"', "lastname": "", "enabled": "0", "subscription_type": "", "exten": "1000",
    }  # fmt: skip
    assert (first["incall_exten"], first["incall_context"]) == ("500;501", f"{incall_context};{incall_context}")
    assert first["provisioning_code"] == main["provisioning_code"]
    assert (other["context"], other["exten"], other["voicemail_attach_audio"]) == (world.context["name"], "", "")
