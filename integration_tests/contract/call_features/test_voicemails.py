"""Voicemails: fields, rules, events, and the users who have them."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from confd_worker.conformance.system import System

from ..world import Heard, World, names, refusal

Told = Callable[..., list[Heard]]

SHOWN = [
    "id",
    "tenant_uuid",
    "name",
    "number",
    "context",
    "password",
    "email",
    "language",
    "timezone",
    "pager",
    "max_messages",
    "attach_audio",
    "delete_messages",
    "ask_password",
    "enabled",
    "options",
    "links",
    "accesstype",
    "users",
    "revision",
]
NO_PATTERN = "['String does not match expected pattern.']"
NO_BOOLEAN = "['Not a valid boolean.']"
UNKNOWN = 2_000_000_000
NO_NULL = "['Field may not be null.']"
GLOBAL_ONE = "Resource Error - Operation not permitted. There can be only one global voicemail per context."
FOR_NO_USERS = "Resource Error - Operation not permitted. A global voicemail cannot be associated to users."


def test_a_voicemail_has_the_fields_of_the_contract_in_its_order_and_its_defaults(world: World) -> None:
    voicemail = world.voicemail()
    assert list(voicemail) == SHOWN
    null = ("password", "email", "language", "timezone", "pager", "max_messages", "attach_audio")
    assert [voicemail[name] for name in null] == [None] * 7
    assert [voicemail[name] for name in ("delete_messages", "ask_password", "enabled")] == [False, True, True]
    assert (voicemail["options"], voicemail["accesstype"], voicemail["users"]) == ([], "personal", [])
    assert voicemail["links"] == [{"rel": "voicemails", "href": f"/voicemails/{voicemail['id']}"}]


@pytest.mark.parametrize(
    ("field", "value", "detail"),
    [
        *[(field, None, NO_NULL) for field in (
            "name", "number", "context", "delete_messages", "ask_password", "enabled", "options", "accesstype",
        )],
        *[(field, "x" * 81, "['Longer than maximum length 80.']") for field in ("name", "email", "pager")],
        *[("number", text, NO_PATTERN) for text in ("", "a", "1" * 41, "1\n")],
        *[("password", text, NO_PATTERN) for text in ("", "a", "1" * 81)],
        ("language", "fr", NO_PATTERN),
        ("max_messages", -1, "[{'constraint_id': 'range', 'constraint': {'min': 0}, 'message': "
                             "'Must be greater than or equal to 0.'}]"),
        *[(field, "true", NO_BOOLEAN) for field in ("attach_audio", "delete_messages", "ask_password", "enabled")],
        ("options", [["a"]], "{0: ['Length must be between 2 and 2.']}"),
        ("options", [["a", 1]], "{0: {1: ['Not a valid string.']}}"),
        ("accesstype", "other", "['Must be one of: personal, global.']"),
    ],
    ids=lambda given: str(given)[:30],
)  # fmt: skip
def test_a_bad_field_is_refused(field: str, value: Any, detail: str, world: World) -> None:
    voicemail = world.voicemail()
    message = f"Input Error - {field}: {detail}"
    body = {"name": "x", "number": "1001", "context": voicemail["context"], field: value}
    assert refusal(world.call, "voicemails.create", body=body) == message
    assert refusal(world.call, "voicemails.update", id=voicemail["id"], body={field: value}) == message


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({}, "email must be provided"),
        ({"email": ""}, "email must be provided"),
        ({"email": "a"}, "attach_audio must be set"),
        ({"email": "a", "attach_audio": False}, "attach_audio must be set"),
        ({"attach_audio": True}, "email must be provided"),
    ],
)
def test_messages_are_deleted_only_where_the_same_body_has_them_sent(
    body: dict[str, Any], what: str, world: World
) -> None:
    message = f"Input Error - _schema: ['{what} if delete_messages is set']"
    whole = {"name": "x", "number": "1", "context": world.context["name"], "delete_messages": True, **body}
    assert refusal(world.call, "voicemails.create", body=whole) == message
    voicemail = world.voicemail(email="a", attach_audio=True, delete_messages=True)
    change = {"delete_messages": True, **body}
    assert refusal(world.call, "voicemails.update", id=voicemail["id"], body=change) == message
    world.call("voicemails.update", id=voicemail["id"], body={"email": None, "attach_audio": None})


def test_the_rules_are_checked_in_the_order_of_the_contract(world: World) -> None:
    context = world.context["name"]
    shared, personal = world.voicemail("1000", accesstype="global"), world.voicemail("1001")
    user = world.user()
    world.call("user_voicemails.associate", user_id=user["id"], voicemail_id=personal["id"])
    body = {"name": "x", "number": "1000", "context": "nowhere", "timezone": "mars", "accesstype": "global"}
    steps: list[tuple[str, str, str]] = [
        ("context", context, "Input Error - field 'context': Context was not found ('context': 'nowhere')"),
        ("timezone", "eu-fr", "Input Error - field 'timezone': Timezone was not found ('timezone': 'mars')"),
        ("number", "1002", f"Resource Error - Voicemail already exists ('number': '1000', 'context': '{context}')"),
        ("name", "y", GLOBAL_ONE),
    ]
    for field, value, message in steps:
        assert refusal(world.call, "voicemails.create", body=body) == message
        assert refusal(world.call, "voicemails.update", id=personal["id"], body=body) == message
        body[field] = value
    world.call("voicemails.delete", id=shared["id"])
    assert refusal(world.call, "voicemails.update", id=personal["id"], body=body) == FOR_NO_USERS
    world.call("user_voicemails.dissociate", user_id=user["id"])
    world.call("voicemails.update", id=personal["id"], body=body)
    assert world.call("voicemails.get", id=personal["id"])["timezone"] == "eu-fr"


def test_two_contexts_may_have_one_number_and_a_global_voicemail_each(world: World) -> None:
    other = world.a_context()["name"]
    one, two = world.voicemail(accesstype="global"), world.voicemail(context=other, accesstype="global")
    assert one["number"] == two["number"]
    world.call("voicemails.update", id=one["id"], body={"name": "changed"})
    shown = world.call("voicemails.get", id=one["id"])
    assert (shown["accesstype"], shown["name"]) == ("global", "changed")
    moved = {"number": "1009", "context": other}
    assert refusal(world.call, "voicemails.update", id=one["id"], body=moved) == GLOBAL_ONE


def test_options_may_hold_anything(world: World) -> None:
    options = [["any", "a\nb\tc|d"], ["any", ""], ["é", "x"]]
    voicemail = world.voicemail(options=options, password="123")
    assert (voicemail["options"], voicemail["password"]) == (options, "123")
    world.call("voicemails.update", id=voicemail["id"], body={"options": []})
    assert world.call("voicemails.get", id=voicemail["id"])["options"] == []


def test_each_change_is_told_of_to_the_tenant_and_an_edit_to_each_user_too(
    world: World, told: Told, tenant: str
) -> None:
    body = {"name": "x", "number": "1000", "context": world.context["name"]}
    heard = told("voicemails.create", body=body)
    id_ = world.call("voicemails.list")["items"][0]["id"]
    whole = {"tenant_uuid": tenant, "user_uuid:*": True}
    assert heard == [Heard("voicemail_created", "config.voicemail.created", whole, {"id": id_})]
    users = [world.user(), world.user()]
    for user in users:
        world.call("user_voicemails.associate", user_id=user["id"], voicemail_id=id_)
    shown = world.call("voicemails.get", id=id_)
    assert [list(user) for user in shown["users"]] == [["uuid", "firstname", "lastname", "links"]] * 2
    heard = told("voicemails.update", id=id_, body={"number": "1001"})
    assert heard == [
        Heard("voicemail_edited", "config.voicemail.edited", whole, {"id": id_}),
        *[
            Heard(
                "user_voicemail_edited",
                f"config.users.{user['uuid']}.voicemails.edited",
                {"tenant_uuid": tenant, f"user_uuid:{user['uuid']}": True},
                {"user_uuid": user["uuid"], "voicemail_id": id_},
            )
            for user in users
        ],
    ]
    ids = f"{users[0]['id']}, {users[1]['id']}"
    message = f"Resource Error - Voicemail is associated with a User ('voicemail_id': {id_}, 'user_ids': '{ids}')"
    assert refusal(world.call, "voicemails.delete", id=id_) == message
    for user in users:
        world.call("user_voicemails.dissociate", user_id=user["id"])
    assert told("voicemails.delete", id=id_) == [
        Heard("voicemail_deleted", "config.voicemail.deleted", whole, {"id": id_})
    ]
    message = f"Resource Not Found - Voicemail was not found ('id': {id_})"
    assert refusal(world.call, "voicemails.delete", id=id_) == message


def test_voicemails_are_found(world: World) -> None:
    context = world.context["name"]
    world.voicemail("1002", name="Été", email="a@acme", language="fr_FR", timezone="eu-fr")
    world.voicemail("1001", pager="b@acme", accesstype="global")

    def found(**given: Any) -> list[str]:
        return [each["number"] for each in world.call("voicemails.list", **given)["items"]]

    assert found() == ["1001", "1002"]
    for given, expected in (
        ({"search": "ete"}, ["1002"]), ({"search": "ACME"}, ["1001", "1002"]), ({"search": "1001"}, ["1001"]),
        ({"search": context}, []), ({"name": "Été"}, ["1002"]), ({"number": "1001"}, ["1001"]),
        ({"email": "a@acme"}, ["1002"]), ({"context": context}, ["1001", "1002"]), ({"language": "fr_FR"}, ["1002"]),
        ({"timezone": "eu-fr"}, ["1002"]), ({"pager": "b@acme"}, ["1001"]), ({"accesstype": "global"}, ["1001"]),
        ({"accesstype": "other"}, []), ({"order": "accesstype", "direction": "desc"}, ["1002", "1001"]),
    ):  # fmt: skip
        assert found(**given) == expected, given


def test_a_voicemail_is_in_the_tenant_of_its_context(world: World, tenant: str, system: System) -> None:
    parent = str(uuid.uuid4())
    below = world.voicemail()
    with system.client(parent, visible_tenants=[parent, tenant]) as above:
        own = World(above.call).voicemail()
        assert "Voicemail was not found" in refusal(world.call, "voicemails.get", id=own["id"])
        assert [each["id"] for each in above.call("voicemails.list")["items"]] == [own["id"]]
        assert above.call("voicemails.list", recurse=True)["total"] == 2
        above.call("voicemails.update", id=below["id"], body={"name": "changed"})
        message = f"Input Error - field 'context': Context was not found ('context': '{own['context']}')"
        assert refusal(world.call, "voicemails.update", id=below["id"], body={"context": own["context"]}) == message
        refused = refusal(above.call, "voicemails.update", id=own["id"], body={"context": below["context"]})
        assert (
            refused == f"Resource Error - Voicemail already exists ('number': '1000', 'context': '{below['context']}')"
        )
        body = {"context": below["context"], "number": "1001"}
        told = f"('current_tenant_uuid': '{parent}', 'context_tenant_uuid': '{tenant}')"
        message = f"Resource Error - different tenants {told}"
        assert refusal(above.call, "voicemails.update", id=own["id"], body=body) == message
    world.call("contexts.get", id=world.context["id"])


def test_a_voicemail_keeps_its_context_from_being_deleted(world: World) -> None:
    voicemail = world.voicemail()
    told = f"('context_id': {world.context['id']}, 'voicemail_id': {voicemail['id']})"
    message = f"Resource Error - Context is associated with a Voicemail {told}"
    assert refusal(world.call, "contexts.delete", id=world.context["id"]) == message


def test_a_user_has_one_voicemail_and_a_voicemail_many_users(world: World, told: Told, tenant: str) -> None:
    user, other, voicemail, second = world.user(), world.user(), world.voicemail("1000"), world.voicemail("1001")
    ids = {"user_id": user["uuid"], "voicemail_id": voicemail["id"]}
    body = {"user_uuid": user["uuid"], "voicemail_id": voicemail["id"]}
    to_him = {"tenant_uuid": tenant, f"user_uuid:{user['uuid']}": True}
    key = f"config.users.{user['uuid']}.voicemails"
    joined = Heard("user_voicemail_associated", f"{key}.updated", to_him, body)
    assert world.call("user_voicemails.list", user_id=user["id"]) == {"total": 0, "items": []}
    assert told("user_voicemails.associate", **ids) == [joined]
    assert told("user_voicemails.associate", **ids) == []
    world.call("user_voicemails.associate", user_id=other["id"], voicemail_id=voicemail["id"])
    shown = world.call("voicemails.get", id=voicemail["id"])
    assert [each["uuid"] for each in shown["users"]] == [user["uuid"], other["uuid"]]
    assert world.call("user_voicemails.list", user_id=user["id"]) == {"total": 1, "items": [shown]}
    summary = {name: voicemail[name] for name in ("id", "name", "links")}
    assert world.call("users.get", id=user["id"])["voicemail"] == summary
    message = (
        f"Resource Error - User is associated with a Voicemail ('user_id': {user['id']}, "
        f"'voicemail_id': {second['id']})"
    )
    ids["voicemail_id"] = second["id"]
    assert refusal(world.call, "user_voicemails.associate", **ids) == message
    parted = Heard("user_voicemail_dissociated", f"{key}.deleted", to_him, body)
    assert told("user_voicemails.dissociate", user_id=user["id"]) == [parted]
    assert told("user_voicemails.dissociate", user_id=user["id"]) == []


def test_unknown_users_and_voicemails_are_not_found_in_this_order(world: World) -> None:
    user = f"Resource Not Found - User was not found ('id': {UNKNOWN})"
    for method, more in (("associate", {"voicemail_id": UNKNOWN}), ("dissociate", {}), ("list", {})):
        assert refusal(world.call, f"user_voicemails.{method}", user_id=UNKNOWN, **more) == user
    ids = {"user_id": world.user()["id"], "voicemail_id": UNKNOWN}
    message = f"Resource Not Found - Voicemail was not found ('id': {UNKNOWN})"
    assert refusal(world.call, "user_voicemails.associate", **ids) == message


def test_a_global_voicemail_is_for_no_user(world: World) -> None:
    user, voicemail = world.user(), world.voicemail(accesstype="global")
    ids = {"user_id": user["id"], "voicemail_id": voicemail["id"]}
    assert refusal(world.call, "user_voicemails.associate", **ids) == FOR_NO_USERS
    personal = world.voicemail("1001")
    world.call("user_voicemails.associate", user_id=user["id"], voicemail_id=personal["id"])
    body = {"accesstype": "global", "context": world.a_context()["name"]}
    assert refusal(world.call, "voicemails.update", id=personal["id"], body=body) == FOR_NO_USERS


def test_a_voicemail_made_for_a_user_is_made_first_and_undone_by_any_error(world: World, told: Told) -> None:
    user, context = world.user(), world.context["name"]

    def body(**more: Any) -> dict[str, Any]:
        return {"name": "x", "number": "1000", "context": context, **more}

    def refused(user_id: Any, **more: Any) -> str:
        return refusal(world.call, "user_voicemails.create", user_id=user_id, body=body(**more))

    assert refused(UNKNOWN, number="x") == "Input Error - number: ['String does not match expected pattern.']"
    assert refused(UNKNOWN, timezone="x").startswith("Input Error - field 'timezone': Timezone was not found")
    assert refused(UNKNOWN) == f"Resource Not Found - User was not found ('id': {UNKNOWN})"
    assert refused(user["id"], accesstype="global") == FOR_NO_USERS
    assert world.call("voicemails.list")["total"] == 0
    heard = told("user_voicemails.create", user_id=user["uuid"], body=body())
    assert names(heard) == ["voicemail_created", "user_voicemail_associated"]
    made = world.call("user_voicemails.create", user_id=world.user()["id"], body=body(number="1001"))
    assert (made["number"], made["users"]) == ("1001", [])
    assert refused(user["id"], number="1002").startswith("Resource Error - User is associated with a Voicemail")
    assert world.call("voicemails.list")["total"] == 2
