"""Users: fields, rules, lists and views, events, and what follows a change."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from confd_worker.client import RemoteError
from confd_worker.conformance.system import System

from ..world import Call, Heard, World, firstnames, names, refusal

Told = Callable[..., list[Heard]]

NO_PATTERN = "['String does not match expected pattern.']"
NO_BOOLEAN = "['Not a valid boolean.']"
NO_NULL = "['Field may not be null.']"
RECORDINGS = [
    "call_record_outgoing_external_enabled", "call_record_outgoing_internal_enabled",
    "call_record_incoming_internal_enabled", "call_record_incoming_external_enabled",
]  # fmt: skip
GENERATED = [
    "caller_id", "call_transfer_enabled", "dtmf_hangup_enabled", "online_call_record_enabled", "supervision_enabled",
    "ring_seconds", "simultaneous_calls", "enabled",
]  # fmt: skip
SHOWN = [
    "id",
    "uuid",
    "firstname",
    "lastname",
    "email",
    "timezone",
    "country",
    "language",
    "description",
    "caller_id",
    "outgoing_caller_id",
    "mobile_phone_number",
    "mobile_fallback_enabled",
    "username",
    "password",
    "music_on_hold",
    "preprocess_subroutine",
    "userfield",
    "call_transfer_enabled",
    "dtmf_hangup_enabled",
    "call_record_outgoing_external_enabled",
    "call_record_outgoing_internal_enabled",
    "call_record_incoming_internal_enabled",
    "call_record_incoming_external_enabled",
    "online_call_record_enabled",
    "supervision_enabled",
    "ring_seconds",
    "simultaneous_calls",
    "call_permission_password",
    "subscription_type",
    "created_at",
    "enabled",
    "tenant_uuid",
    "links",
    "agent",
    "call_permissions",
    "fallbacks",
    "groups",
    "incalls",
    "lines",
    "forwards",
    "schedules",
    "services",
    "switchboards",
    "voicemail",
    "queues",
    "func_key_template_id",
    "call_record_enabled",
    "call_pickup_target_users",
    "revision",
]


def _longer(length: int) -> tuple[str, str]:
    return "x" * (length + 1), f"['Longer than maximum length {length}.']"


def _range(low: int, high: int) -> str:
    return (
        f"[{{'constraint_id': 'range', 'constraint': {{'min': {low}, 'max': {high}}}, 'message': "
        f"'Must be greater than or equal to {low} and less than or equal to {high}.'}}]"
    )


BAD_FIELDS = [
    *[(field, *_longer(length)) for field, length in (
        ("firstname", 128), ("lastname", 128), ("timezone", 128), ("outgoing_caller_id", 80), ("music_on_hold", 128),
        ("preprocess_subroutine", 79), ("userfield", 128),
    )],
    *[("firstname", value, "['Not a valid string.']") for value in (1, "\0")],
    ("email", "nobody", "['Not a valid email address.']"),
    ("email", "", "['Not a valid email address.']"),
    *[("language", text, NO_PATTERN) for text in ("fr", "FR_fr", "fr_FRA", "fr_FR\n", "")],
    *[("caller_id", text, NO_PATTERN) for text in ("Alice", '"Alice" 5', '"Alice" <a>', '"Alice"<5>', "")],
    ("caller_id", '"' + "x" * 159 + '"', "['Longer than maximum length 160.']"),
    *[("mobile_phone_number", text, NO_PATTERN) for text in ("abc", "5 5", "++5", "")],
    ("mobile_phone_number", "5" * 81, "['Longer than maximum length 80.']"),
    *[("username", text, NO_PATTERN) for text in ("a", "a b", "é" * 3, "x" * 255)],
    *[("password", text, NO_PATTERN) for text in ("abc", "a@bcd", "x" * 65)],
    *[("call_permission_password", text, NO_PATTERN) for text in ("abc", "", "1" * 17)],
    *[("ring_seconds", value, _range(0, 10800)) for value in (-1, 10801)],
    *[("simultaneous_calls", value, _range(1, 20)) for value in (0, 21)],
    *[("subscription_type", value, _range(0, 10)) for value in (-1, 11)],
    *[(field, value, NO_BOOLEAN) for field in ("enabled", "mobile_fallback_enabled", *RECORDINGS[:2])
      for value in ("true", "yes", 1, 0)],
    *[(field, None, NO_NULL) for field in ("firstname", "mobile_fallback_enabled", "subscription_type", *RECORDINGS)],
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "detail"), BAD_FIELDS, ids=lambda given: str(given)[:30])
def test_a_bad_field_is_refused_alike_when_a_user_is_made_and_when_it_is_changed(
    field: str, value: Any, detail: str, world: World
) -> None:
    body = {"firstname": "Alice"} | {field: value}
    assert refusal(world.call, "users.create", body=body) == f"Input Error - {field}: {detail}"
    assert world.call("users.list")["total"] == 0
    user = world.user()
    assert refusal(world.call, "users.update", id=user["id"], body={field: value}) == f"Input Error - {field}: {detail}"
    assert world.call("users.get", id=user["id"]) == user


def test_all_bad_fields_are_told_at_once_in_the_order_of_the_schema(call: Call) -> None:
    with pytest.raises(RemoteError) as refused:
        call("users.create", body={"ring_seconds": "x", "enabled": 5, "email": "x"})
    assert refused.value.details["messages"] == [
        "Input Error - firstname: ['Missing data for required field.']",
        "Input Error - email: ['Not a valid email address.']",
        "Input Error - ring_seconds: ['Not a valid integer.']",
        "Input Error - enabled: ['Not a valid boolean.']",
    ]


def test_a_user_has_the_fields_of_the_contract_in_its_order_and_its_defaults(call: Call) -> None:
    user = call("users.create", body={"firstname": ""})
    assert list(user) == SHOWN
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", user["created_at"])
    assert user["links"] == [{"rel": "users", "href": f"/users/{user['id']}"}]
    assert {name: user[name] for name in ("caller_id", "ring_seconds", "simultaneous_calls", "subscription_type")} == {
        "caller_id": '""', "ring_seconds": 30, "simultaneous_calls": 5, "subscription_type": 0,
    }  # fmt: skip
    assert user["enabled"] is user["supervision_enabled"] is True
    off = ["mobile_fallback_enabled", "call_transfer_enabled", "dtmf_hangup_enabled", "online_call_record_enabled"]
    assert [user[name] for name in (*off, *RECORDINGS, "call_record_enabled")] == [False] * 9
    off_to = {"enabled": False, "destination": None}
    assert user["forwards"] == {"busy": off_to, "noanswer": off_to, "unconditional": off_to}
    assert user["services"] == {"dnd": {"enabled": False}, "incallfilter": {"enabled": False}}
    for empty in ("groups", "incalls", "lines", "schedules", "switchboards", "queues", "call_permissions"):
        assert user[empty] == []
    assert user["voicemail"] is user["agent"] is user["func_key_template_id"] is user["country"] is None
    assert call("users.get", id=user["uuid"]) == user
    assert call("users.list")["items"] == [user]


def test_empty_texts_are_read_back_as_null(world: World) -> None:
    texts = dict.fromkeys(("lastname", "userfield", "description", "outgoing_caller_id", "music_on_hold"), "")
    user = world.user(**texts)
    assert [user[name] for name in texts] == [None] * 5
    world.call("users.update", id=user["id"], body=dict.fromkeys(texts, "default"))
    world.call("users.update", id=user["id"], body=texts)
    assert [world.call("users.get", id=user["id"])[name] for name in texts] == [None] * 5


def test_null_means_the_default_when_a_user_is_made_and_is_refused_when_it_is_changed(world: World) -> None:
    user = world.user(**dict.fromkeys((*GENERATED, "call_record_enabled")))
    plain = world.user()
    assert [user[name] for name in GENERATED] == [plain[name] for name in GENERATED]
    for field in (*GENERATED, "call_record_enabled"):
        message = f"Input Error - {field}: {NO_NULL}"
        assert refusal(world.call, "users.update", id=user["id"], body={field: None}) == message


def test_a_caller_id_is_made_of_the_names_once(world: World) -> None:
    assert world.user()["caller_id"] == '"Alice Martin"'
    assert [world.user(lastname=nothing)["caller_id"] for nothing in (None, "")] == ['"Alice"', '"Alice"']
    user = world.user(caller_id='"Bob" <+33155>')
    world.call("users.update", id=user["id"], body={"firstname": "Carol"})
    assert world.call("users.get", id=user["id"])["caller_id"] == '"Bob" <+33155>'


def test_call_record_enabled_stands_for_all_four_and_goes_with_none_of_them(world: World) -> None:
    user = world.user(call_record_enabled=True)
    assert [user[name] for name in (*RECORDINGS, "call_record_enabled")] == [True] * 5
    world.call("users.update", id=user["id"], body={RECORDINGS[0]: False})
    assert world.call("users.get", id=user["id"])["call_record_enabled"] is False
    other = world.user()
    world.call("users.update", id=other["uuid"], body={"call_record_enabled": True})
    shown = world.call("users.get", id=other["id"])
    assert [shown[name] for name in (*RECORDINGS, "call_record_enabled")] == [True] * 5
    message = (
        "Input Error - _schema: [\"'call_record_enabled' is deprecated and incompatible with "
        "'call_record_*_enabled' options\"]"
    )
    for value in (False, True):
        body = {"call_record_enabled": value, RECORDINGS[3]: value}
        assert refusal(world.call, "users.update", id=user["id"], body=body) == message
        assert refusal(world.call, "users.create", body={"firstname": "x", **body}) == message
    # What is read can be put back without it.
    shown = world.call("users.get", id=user["id"])
    del shown["call_record_enabled"]
    world.call("users.update", id=user["id"], body=shown)
    assert world.call("users.get", id=user["id"]) | {"call_record_enabled": False} == world.call(
        "users.get", id=user["id"]
    )


def test_the_rules_are_checked_in_the_order_of_the_contract(world: World, system: System) -> None:
    word = uuid.uuid4().hex
    email, username = f"{word}@acme.example", f"{word}@acme"
    with system.client(str(uuid.uuid4())) as elsewhere:
        World(elsewhere.call).user(email=email, username=username)
    body = {
        "firstname": "Alice", "email": email.upper(), "username": username, "music_on_hold": "jazz",
        "func_key_template_id": 1, "mobile_fallback_enabled": True,
    }  # fmt: skip
    expected = [
        ("email", f"Resource Error - User already exists ('email': '{email.upper()}')"),
        ("username", f"Resource Error - User already exists ('username': '{username}')"),
        ("music_on_hold", "Input Error - field 'music_on_hold': MOH was not found ('music_on_hold': 'jazz')"),
        (
            "func_key_template_id",
            "Input Error - field 'func_key_template_id': FuncKeyTemplate was not found ('func_key_template_id': 1)",
        ),
        (
            "mobile_fallback_enabled",
            "Resource Error - PSTN fallback must be disabled when mobile phone number is not set",
        ),
    ]
    user = world.user()
    for field, message in expected:
        assert refusal(world.call, "users.create", body=body) == message
        assert refusal(world.call, "users.update", id=user["id"], body=body) == message
        assert world.call("users.list")["items"] == [user]
        del body[field]
    world.call("users.create", body=body)


def test_what_is_the_users_own_is_not_taken(world: World) -> None:
    word = uuid.uuid4().hex
    user = world.user(email=f"{word}@acme.example", username=word, music_on_hold="default")
    world.call("users.update", id=user["id"], body={"email": f"{word}@ACME.example", "username": word})
    assert world.call("users.get", id=user["id"])["email"] == f"{word}@ACME.example"


def test_the_mobile_fallback_is_judged_by_what_the_user_will_have(world: World) -> None:
    user = world.user(mobile_phone_number="+33155", mobile_fallback_enabled=True)
    message = "Resource Error - PSTN fallback must be disabled when mobile phone number is not set"
    assert refusal(world.call, "users.update", id=user["id"], body={"mobile_phone_number": None}) == message
    both = {"mobile_phone_number": None, "mobile_fallback_enabled": False}
    world.call("users.update", id=user["id"], body=both)
    assert refusal(world.call, "users.update", id=user["id"], body={"mobile_fallback_enabled": True}) == message


def test_a_user_who_is_not_there_is_named_by_the_id_that_was_given(call: Call) -> None:
    unknown = uuid.uuid4()
    for id_, told in ((2_000_000_000, "2000000000"), (str(unknown), f"UUID('{unknown}')")):
        message = f"Resource Not Found - User was not found ('id': {told})"
        for method, body in (("get", {}), ("exists", {}), ("update", {"body": {"firstname": 1}}), ("delete", {})):
            assert refusal(call, f"users.{method}", id=id_, **body) == message


def test_a_user_is_told_of_to_the_whole_tenant(told: Told, world: World) -> None:
    heard = told("users.create", body={"firstname": "Alice", "subscription_type": 2})
    user = world.call("users.list")["items"][0]
    assert world.call("users.exists", id=user["id"]) is None
    body = {
        "id": user["id"], "uuid": user["uuid"], "subscription_type": 2, "tenant_uuid": user["tenant_uuid"],
        "created_at": user["created_at"].replace("T", " "),
    }  # fmt: skip
    headers = {"tenant_uuid": user["tenant_uuid"], "user_uuid:*": True}
    assert heard == [Heard("user_created", "config.user.created", headers, body)]
    edited = Heard("user_edited", "config.user.edited", headers, body)
    assert told("users.update", id=user["id"], body={}) == [edited]
    assert told("users.update", id=user["uuid"], body={"lines": [{"id": 1}], "voicemail": None}) == [edited]
    assert told("users.delete", id=user["id"]) == [Heard("user_deleted", "config.user.deleted", headers, body)]


def _caller_ids(world: World, line: dict[str, Any]) -> list[str]:
    endpoint = world.call("endpoints_sip.get", uuid=line["endpoint_sip"]["uuid"])
    return [value for key, value in endpoint["endpoint_section_options"] if key == "callerid"]


def test_the_caller_id_of_the_lines_that_a_user_leads_follows_him(world: World) -> None:
    alice, bob = world.user(), world.user(firstname="Bob", lastname=None)
    lead, shared = world.line(), world.line()
    world.have(alice, lead)
    world.have(bob, shared)
    world.have(alice, shared)
    assert (_caller_ids(world, lead), _caller_ids(world, shared)) == (['"Alice Martin"'], ['"Bob"'])
    world.number(lead, "1005")
    assert _caller_ids(world, lead) == ['"Alice Martin" <1005>']
    world.call("users.update", id=alice["id"], body={"caller_id": '"A" <+33155>'})
    assert (_caller_ids(world, lead), _caller_ids(world, shared)) == (['"A" <+33155>'], ['"Bob"'])
    world.call("users.update", id=alice["id"], body={"firstname": "Carol", "caller_id": '"A"'})
    assert _caller_ids(world, lead) == ['"A" <1005>']
    [extension] = world.call("extensions.list", exten="1005")["items"]
    world.call("extensions.update", id=extension["id"], body={"exten": "1006"})
    assert _caller_ids(world, lead) == ['"A" <1006>']
    world.call("lines.update", id=lead["id"], body={"caller_id_name": "Dave"})
    assert _caller_ids(world, lead) == ['"Dave" <1006>']
    shown = world.call("lines.get", id=lead["id"])
    assert (shown["caller_id_name"], shown["caller_id_num"]) == ("Dave", "1006")


def test_a_user_who_is_deleted_leaves_lines_and_all_that_they_have(world: World, told: Told) -> None:
    alice, bob = world.user(), world.user(firstname="Bob")
    line = world.line()
    extension = world.number(line)
    world.have(alice, line)
    world.have(bob, line)
    assert names(told("users.delete", id=alice["id"])) == ["user_deleted"]
    shown = world.call("lines.get", id=line["id"])
    assert [user["uuid"] for user in shown["users"]] == [bob["uuid"]]
    assert [each["id"] for each in shown["extensions"]] == [extension["id"]]
    # Bob is the line's first user now.
    assert _caller_ids(world, line) == ['"Bob Martin" <1000>']
    world.call("lines.delete", id=line["id"])


def test_a_user_with_a_voicemail_is_not_deleted(world: World) -> None:
    user, voicemail = world.user(), world.voicemail()
    world.call("user_voicemails.associate", user_id=user["id"], voicemail_id=voicemail["id"])
    told = f"('user_id': {user['id']}, 'voicemail_id': {voicemail['id']})"
    message = f"Resource Error - User is associated with a Voicemail {told}"
    assert refusal(world.call, "users.delete", id=user["id"]) == message
    assert world.call("users.get", id=user["id"])["voicemail"]["id"] == voicemail["id"]
    world.call("users.update", id=user["id"], body={"lastname": "Durand"})
    assert world.call("voicemails.get", id=voicemail["id"])["name"] == "box"


def test_a_parent_changes_the_users_of_its_child_who_does_not_see_those_of_the_parent(
    world: World, tenant: str, system: System
) -> None:
    child_user = world.user()
    parent = str(uuid.uuid4())
    with system.client(parent, visible_tenants=[parent, tenant]) as above:
        parent_user = World(above.call).user(firstname="Above")
        above.call("users.update", id=child_user["id"], body={"firstname": "Changed"})
        assert above.call("users.get", id=child_user["uuid"])["tenant_uuid"] == tenant
        assert firstnames(above.call) == ["Above"]
        assert sorted(firstnames(above.call, recurse="true")) == ["Above", "Changed"]
        assert "User was not found" in refusal(world.call, "users.get", id=parent_user["id"])
        above.call("users.delete", id=child_user["id"])
    assert firstnames(world.call, recurse=True) == []
