"""What is joined with what: users, lines, extensions, SIP endpoints and voicemails."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from confd_worker.conformance.system import System

from .world import Heard, World, names, refusal

Told = Callable[..., list[Heard]]

UNKNOWN = 2_000_000_000
NOBODY = "00000000-0000-0000-0000-000000000000"


def _caller_id(world: World, line: dict[str, Any]) -> list[str]:
    endpoint = world.call("endpoints_sip.get", uuid=line["endpoint_sip"]["uuid"])
    return [value for key, value in endpoint["endpoint_section_options"] if key == "callerid"]


def _lines(world: World, user: dict[str, Any]) -> list[int]:
    return [line["id"] for line in world.call("users.get", id=user["id"])["lines"]]


def _ids(*lines: dict[str, Any]) -> dict[str, Any]:
    return {"lines": [{"id": line["id"], "name": "ignored"} for line in lines]}


# Users and lines


def test_a_user_and_a_line_are_joined_once_and_parted_once(world: World, told: Told, tenant: str) -> None:
    user, line = world.user(), world.line()
    pair = {"user_id": user["uuid"], "line_id": line["id"]}
    key = f"config.users.{user['uuid']}.lines.{line['id']}"
    to_him = {"tenant_uuid": tenant, f"user_uuid:{user['uuid']}": True}
    body = {
        "line": {
            "id": line["id"], "name": line["name"], "endpoint_sip": {"uuid": line["endpoint_sip"]["uuid"]},
            "endpoint_sccp": None, "endpoint_custom": None,
        },
        "main_line": True, "main_user": True,
        "user": {"id": user["id"], "uuid": user["uuid"], "tenant_uuid": tenant},
    }  # fmt: skip
    assert told("user_lines.associate", **pair) == [Heard("user_line_associated", f"{key}.updated", to_him, body)]
    assert told("user_lines.associate", **pair) == []
    shown = {name: user[name] for name in ("uuid", "firstname", "lastname", "links")}
    assert world.call("lines.get", id=line["id"])["users"] == [shown]
    assert told("user_lines.dissociate", **pair) == [Heard("user_line_dissociated", f"{key}.deleted", to_him, body)]
    assert told("user_lines.dissociate", **pair) == []
    assert world.call("lines.get", id=line["id"])["users"] == []


@pytest.mark.parametrize("verb", ["associate", "dissociate"])
def test_the_user_is_looked_up_before_the_line(verb: str, world: World) -> None:
    for ids, message in (
        ({"user_id": UNKNOWN, "line_id": UNKNOWN}, f"User was not found ('id': {UNKNOWN})"),
        ({"user_id": world.user()["id"], "line_id": UNKNOWN}, f"Line was not found ('id': {UNKNOWN})"),
    ):
        assert refusal(world.call, f"user_lines.{verb}", **ids) == f"Resource Not Found - {message}"


def test_main_line_and_main_user_are_the_first_ones(world: World, told: Told) -> None:
    alice, bob = world.user(), world.user(firstname="Bob")
    one, two, three = (world.line() for _ in range(3))
    mains = []
    for user, line in ((alice, two), (alice, one), (bob, two), (bob, three), (alice, three)):
        [heard] = told("user_lines.associate", user_id=user["id"], line_id=line["id"])
        mains.append((heard.body["main_line"], heard.body["main_user"]))
    assert mains == [(True, True), (False, True), (True, False), (False, True), (False, False)]
    assert _lines(world, alice) == [two["id"], one["id"], three["id"]]
    shared = world.call("lines.get", id=three["id"])
    assert [user["uuid"] for user in shared["users"]] == [bob["uuid"], alice["uuid"]]
    # The main user of a line leaves last.
    message = f"Resource Error - There are secondary users associated to the line ('line_id': {two['id']})"
    assert refusal(world.call, "user_lines.dissociate", user_id=alice["id"], line_id=two["id"]) == message
    world.call("user_lines.dissociate", user_id=bob["id"], line_id=two["id"])
    [heard] = told("user_lines.dissociate", user_id=alice["id"], line_id=two["id"])
    assert (heard.body["main_line"], heard.body["main_user"]) == (True, True)
    # The line with the lowest id takes the place of the main line.
    assert _lines(world, alice) == [one["id"], three["id"]]
    [directory] = world.call("users.list", view="directory", firstname="Alice")["items"]
    assert directory["line_id"] == one["id"]


def test_a_line_without_endpoint_has_no_users(world: World) -> None:
    user, line = world.user(), world.bare_line()
    message = f"Resource Error - Line must be associated with a Endpoint ('line_id': {line['id']})"
    assert refusal(world.call, "user_lines.associate", user_id=user["id"], line_id=line["id"]) == message
    assert refusal(world.call, "user_lines.replace", user_id=user["id"], body=_ids(line)) == message


def test_lines_that_share_an_extension_have_one_main_user(world: World) -> None:
    alice, bob = world.user(), world.user(firstname="Bob")
    one, two = (world.line(extensions=[{"exten": "1000"}]) for _ in range(2))
    extension = one["extensions"][0]["id"]
    world.have(alice, one)
    message = (
        f"Resource Error - Line is associated with a Extension ('line_id': {one['id']}, 'extension_id': {extension})"
    )
    assert refusal(world.call, "user_lines.associate", user_id=bob["id"], line_id=two["id"]) == message
    world.have(alice, two)
    three = world.line()
    world.have(bob, three)
    message = f"Resource Error - User is associated with a Line ('user_id': {alice['id']}, 'line_id': {one['id']})"
    ids = {"line_id": three["id"], "extension_id": extension}
    assert refusal(world.call, "line_extensions.associate", **ids) == message


def test_the_list_of_lines_is_replaced_in_its_order(world: World, told: Told) -> None:
    user, other = world.user(), world.user()
    one, two, three = (world.line() for _ in range(3))

    def replaced(*lines: dict[str, Any]) -> list[tuple[str, int, bool]]:
        heard = told("user_lines.replace", user_id=user["uuid"], body=_ids(*lines))
        return [(each.name.rpartition("_")[2], each.body["line"]["id"], each.body["main_line"]) for each in heard]

    assert replaced(two, one) == [("associated", two["id"], True), ("associated", one["id"], False)]
    assert replaced(one, two) == [("associated", one["id"], True), ("associated", two["id"], False)]
    assert _lines(world, user) == [one["id"], two["id"]]
    assert replaced(three, two) == [
        ("dissociated", one["id"], True), ("associated", three["id"], True), ("associated", two["id"], False),
    ]  # fmt: skip
    world.have(other, three)
    assert _lines(world, user) == [three["id"], two["id"]]
    secondary = f"Resource Error - There are secondary users associated to the line ('line_id': {three['id']})"
    twice = "Resource Error - Operation not permitted. Cannot associate same line more than once"
    for body, message in (
        (_ids(one, one), twice),
        (_ids(one, one, {"id": UNKNOWN}), f"Input Error - field 'lines': Line was not found ('id': {UNKNOWN})"),
        (_ids(one, world.bare_line()), secondary),
        ({}, "Input Error - lines: ['Missing data for required field.']"),
        ({"lines": None}, "Input Error - lines: ['Field may not be null.']"),
        ({"lines": [{}]}, "Input Error - lines: {0: {'id': ['Missing data for required field.']}}"),
    ):
        assert refusal(world.call, "user_lines.replace", user_id=user["id"], body=body) == message
    world.call("user_lines.dissociate", user_id=other["id"], line_id=three["id"])
    assert replaced() == [("dissociated", two["id"], False), ("dissociated", three["id"], True)]
    assert _lines(world, user) == []
    message = f"Resource Not Found - User was not found ('id': {UNKNOWN})"
    assert refusal(world.call, "user_lines.replace", user_id=UNKNOWN, body=_ids()) == message


# Lines and extensions


def test_a_line_and_an_extension_are_joined_once_and_parted_once(world: World, told: Told, tenant: str) -> None:
    line, extension, user = world.line(), world.extension("1000", context=world.a_context()["name"]), world.user()
    world.have(user, line)
    ids = {"line_id": line["id"], "extension_id": extension["id"]}
    whole = {"tenant_uuid": tenant, "user_uuid:*": True}
    joined = Heard("line_extension_associated", "config.line_extension_associated.updated", whole, ids)
    assert told("line_extensions.associate", **ids) == [joined]
    assert told("line_extensions.associate", **ids) == []
    shown = world.call("lines.get", id=line["id"])
    assert shown["extensions"] == [{name: extension[name] for name in ("id", "exten", "context", "links")}]
    assert shown["context"] == extension["context"] != line["context"]
    on_line = {"id": line["id"], "name": line["name"], "links": line["links"]}
    assert world.call("extensions.get", id=extension["id"])["lines"] == [on_line]
    assert _caller_id(world, line) == ['"Alice Martin" <1000>']
    parted = Heard("line_extension_dissociated", "config.line_extension_associated.deleted", whole, ids)
    assert told("line_extensions.dissociate", **ids) == [parted]
    assert told("line_extensions.dissociate", **ids) == []
    assert world.call("lines.get", id=line["id"])["extensions"] == []


@pytest.mark.parametrize("verb", ["associate", "dissociate"])
def test_the_line_is_looked_up_before_the_extension(verb: str, world: World) -> None:
    for line, message in ((UNKNOWN, "Line"), (world.line()["id"], "Extension")):
        message = f"Resource Not Found - {message} was not found ('id': {UNKNOWN})"
        ids = {"line_id": line, "extension_id": UNKNOWN}
        assert refusal(world.call, f"line_extensions.{verb}", **ids) == message


def test_the_rules_of_a_lines_extension_are_checked_in_the_order_of_the_contract(world: World) -> None:
    incall = world.a_context(type="incall", incall_ranges=[{"start": "5000"}])["name"]
    bare, line, full = world.bare_line(), world.line(), world.line(extensions=[{"exten": "1000"}])
    called = world.extension("5000", context=incall)
    made = world.call("incalls.create", body={"destination": {"type": "none"}})
    world.call("incall_extensions.associate", incall_id=made["id"], extension_id=called["id"])
    free, outside = world.extension("5001", context=incall), world.extension("5002")
    present = full["extensions"][0]["id"]
    for joined, extension, message in (
        (bare, called, f"Resource Error - Line must be associated with a Endpoint ('line_id': {bare['id']})"),
        (full, called, "Resource Error - Line is associated with a Extension "
                       f"('line_id': {full['id']}, 'extension_id': {present})"),
        (line, called, "Resource Error - Extension is associated with a incall "
                       f"('id': {called['id']}, 'associated_id': '{made['id']}')"),
        (line, free, "Resource Error - ContextType 'incall' cannot be associated "
                     f"('id': {free['id']}, 'context': '{incall}')"),
        (line, outside,
         f"Input Error - Extension '5002' is outside of range for context '{world.context['name']}'"),
    ):  # fmt: skip
        ids = {"line_id": joined["id"], "extension_id": extension["id"]}
        assert refusal(world.call, "line_extensions.associate", **ids) == message


def test_an_extension_made_for_a_line_is_made_first_and_undone_by_any_error(world: World, told: Told) -> None:
    context, line = world.context["name"], world.line()

    def refused(line_id: int, **body: Any) -> str:
        return refusal(world.call, "line_extensions.create", line_id=line_id, body={"context": context, **body})

    assert refused(UNKNOWN, exten="XX") == "exten: ['String does not match expected pattern.']"
    assert refused(UNKNOWN, exten="1000") == f"Resource Not Found - Line was not found ('id': {UNKNOWN})"
    assert refused(line["id"], exten="5000") == (
        f"Input Error - Extension '5000' is outside of range for context '{context}'"
    )
    assert refused(line["id"]) == "Input Error - exten: ['Missing data for required field.']"
    assert world.call("extensions.list")["total"] == 0
    heard = told("line_extensions.create", line_id=line["id"], body={"exten": "1000", "context": context})
    assert names(heard) == ["extension_created", "line_extension_associated"]
    other = world.line()
    made = world.number(other, "1001")
    assert (made["exten"], made["lines"]) == ("1001", [])
    assert world.call("extensions.get", id=made["id"])["lines"][0]["id"] == other["id"]
    told_of = f"('exten': '1001', 'context': '{context}')"
    assert refused(line["id"], exten="1001") == f"Resource Error - Extension already exists {told_of}"


# Lines and SIP endpoints


def test_a_line_and_an_endpoint_are_joined_once_and_parted_once(world: World, told: Told, tenant: str) -> None:
    line = world.bare_line()
    auth = [["username", "a"], ["password", "secret"]]
    endpoint = world.endpoint(label="phone", auth_section_options=auth)
    ids = {"line_id": line["id"], "endpoint_uuid": endpoint["uuid"]}
    key = f"config.lines.{line['id']}.endpoints.sip.{endpoint['uuid']}"
    whole = {"tenant_uuid": tenant, "user_uuid:*": True}
    body = {
        "line": {"id": line["id"], "tenant_uuid": tenant, "name": endpoint["name"]},
        "endpoint_sip": {
            "uuid": endpoint["uuid"], "tenant_uuid": tenant, "label": "phone", "name": endpoint["name"],
            "auth_section_options": [["username", "a"]],
        },
    }  # fmt: skip
    joined = Heard("line_endpoint_sip_associated", f"{key}.updated", whole, body)
    assert told("line_endpoints_sip.associate", **ids) == [joined]
    assert told("line_endpoints_sip.associate", **ids) == []
    shown = world.call("lines.get", id=line["id"])
    assert (shown["name"], shown["protocol"]) == (endpoint["name"], "sip")
    on_line = {"id": line["id"], "links": line["links"]}
    assert world.call("endpoints_sip.get", uuid=endpoint["uuid"])["line"] == on_line
    parted = Heard(
        "line_endpoint_sip_dissociated", f"{key}.deleted", whole, body | {"line": body["line"] | {"name": None}}
    )
    assert told("line_endpoints_sip.dissociate", **ids) == [parted]
    assert told("line_endpoints_sip.dissociate", **ids) == []
    shown = world.call("lines.get", id=line["id"])
    assert (shown["name"], shown["protocol"]) == (None, None)


@pytest.mark.parametrize("verb", ["associate", "dissociate"])
def test_the_line_is_looked_up_before_the_endpoint_which_is_no_template(verb: str, world: World) -> None:
    template, line = world.template()["uuid"], world.line()["id"]
    for line_id, endpoint, message in (
        (UNKNOWN, NOBODY, f"Line was not found ('id': {UNKNOWN})"),
        (line, NOBODY, f"SIPEndpoint was not found ('uuid': UUID('{NOBODY}'), 'template': False)"),
        (line, template, f"SIPEndpoint was not found ('uuid': UUID('{template}'), 'template': False)"),
    ):
        ids = {"line_id": line_id, "endpoint_uuid": endpoint}
        assert refusal(world.call, f"line_endpoints_sip.{verb}", **ids) == f"Resource Not Found - {message}"


def test_a_line_has_one_endpoint_and_an_endpoint_one_line(world: World) -> None:
    line, other, bare = world.line(), world.line(), world.bare_line()
    own, free = line["endpoint_sip"]["uuid"], world.endpoint()["uuid"]
    for line_id, endpoint, told in (
        (line["id"], free, f"'line_id': {line['id']}, 'endpoint': 'sip', 'endpoint_id': UUID('{own}')"),
        (other["id"], own, f"'line_id': {other['id']}, 'endpoint': 'sip', 'endpoint_id': "
                           f"UUID('{other['endpoint_sip']['uuid']}')"),
        (bare["id"], own, f"'line_id': {line['id']}, 'endpoint': 'sip', 'endpoint_uuid': UUID('{own}')"),
    ):  # fmt: skip
        ids = {"line_id": line_id, "endpoint_uuid": endpoint}
        message = f"Resource Error - Line is associated with a Endpoint ({told})"
        assert refusal(world.call, "line_endpoints_sip.associate", **ids) == message


def test_a_line_with_users_or_extension_keeps_its_endpoint(world: World) -> None:
    line, users = world.line(), [world.user(), world.user()]
    extension = world.number(line)
    for user in users:
        world.have(user, line)
    ids = {"line_id": line["id"], "endpoint_uuid": line["endpoint_sip"]["uuid"]}
    who = f"'user_ids': '{users[0]['id']},{users[1]['id']}'"
    message = f"Resource Error - Line is associated with a User ('line_id': {line['id']}, {who})"
    assert refusal(world.call, "line_endpoints_sip.dissociate", **ids) == message
    for user in reversed(users):
        world.call("user_lines.dissociate", user_id=user["id"], line_id=line["id"])
    what = f"'extension_ids': '{extension['id']}'"
    message = f"Resource Error - Line is associated with a Extension ('line_id': {line['id']}, {what})"
    assert refusal(world.call, "line_endpoints_sip.dissociate", **ids) == message
    world.call("line_extensions.dissociate", line_id=line["id"], extension_id=extension["id"])
    world.call("line_endpoints_sip.dissociate", **ids)


# Two tenants


def test_items_of_two_tenants_are_not_joined_and_those_of_others_are_not_found(
    world: World, tenant: str, system: System
) -> None:
    parent = str(uuid.uuid4())
    user, line, voicemail = world.user(), world.line(), world.voicemail()
    with system.client(parent, visible_tenants=[parent, tenant]) as above:
        there = World(above.call)
        pairs = [
            ("user_lines", {"user_id": there.user()["id"], "line_id": line["id"]}, "user", "line"),
            ("line_extensions", {"line_id": line["id"], "extension_id": there.extension()["id"]}, "extension", "line"),
            ("line_endpoints_sip", {"line_id": world.bare_line()["id"], "endpoint_uuid": there.endpoint()["uuid"]},
             "line", "endpoint"),
            ("user_voicemails", {"user_id": user["id"], "voicemail_id": there.voicemail()["id"]}, "voicemail", "user"),
        ]  # fmt: skip
        for name, ids, first, second in pairs:
            message = refusal(above.call, f"{name}.associate", **ids)
            mine, theirs = f"_tenant_uuid': '{tenant}'", f"_tenant_uuid': '{parent}'"
            expected = {
                f"Resource Error - different tenants ('{first}{left}, '{second}{right})"
                for left, right in ((mine, theirs), (theirs, mine))
            }
            assert message in expected
            assert refusal(world.call, f"{name}.associate", **ids).startswith("Resource Not Found - ")
        body = {"lines": [{"id": there.line()["id"]}]}
        assert "different tenants" in refusal(above.call, "user_lines.replace", user_id=user["id"], body=body)
        assert "Line was not found" in refusal(world.call, "user_lines.replace", user_id=user["id"], body=body)
        extension = {"exten": "1001", "context": there.context["name"]}
        message = refusal(above.call, "line_extensions.create", line_id=line["id"], body=extension)
        assert message.startswith("Resource Error - different tenants")
        # Within one tenant below, the parent joins what it likes.
        above.call("user_lines.associate", user_id=user["id"], line_id=line["id"])
        above.call("user_voicemails.associate", user_id=user["id"], voicemail_id=voicemail["id"])
    assert _lines(world, user) == [line["id"]]


# The endpoint of a user's line


def test_a_telephone_reads_the_endpoint_of_its_users_line(world: World) -> None:
    user, main, second, bare = world.user(), world.line(), world.line(), world.bare_line()
    base = world.template(aor_section_options=[["max_contacts", "5"]])
    for line in (main, second):
        world.have(user, line)
    uuid_ = main["endpoint_sip"]["uuid"]
    world.call("endpoints_sip.update", uuid=uuid_, body={"templates": [{"uuid": base["uuid"]}]})

    def get(**given: Any) -> dict[str, Any]:
        return world.call("user_line_associated_endpoints_sip.get", user_uuid=user["uuid"], **given)

    assert get(line_id=main["id"]) == get(line_id="main") == world.call("endpoints_sip.get", uuid=uuid_)
    assert get(line_id=second["id"])["uuid"] == second["endpoint_sip"]["uuid"]
    merged = get(line_id="main", view="merged")
    assert merged == world.call("endpoints_sip.get", uuid=uuid_, view="merged")
    assert merged["aor_section_options"] == [["max_contacts", "5"]]

    def refused(**given: Any) -> str:
        ids = {"user_uuid": user["uuid"], "line_id": "main", **given}
        return refusal(world.call, "user_line_associated_endpoints_sip.get", **ids)

    unknown_user = f"Resource Not Found - UserFeatures was not found ('uuid': '{NOBODY}')"
    bad_view = "Input Error - view: ['Must be one of: merged.']"
    assert refused(user_uuid=NOBODY, view="x", line_id=UNKNOWN) == unknown_user
    integer = f"Resource Not Found - UserFeatures was not found ('uuid': '{user['id']}')"
    assert refused(user_uuid=user["id"]) == integer
    assert refused(view="x", line_id=UNKNOWN) == bad_view
    assert refused(line_id=UNKNOWN) == f"Resource Not Found - Line was not found ('id': '{UNKNOWN}')"
    assert refused(line_id=bare["id"]) == "Resource Not Found."
    assert refused(line_id=world.line()["id"]) == "Resource Not Found."
    assert refused(user_uuid=world.user()["uuid"]) == "Resource Not Found."
    world.call("endpoints_sip.delete", uuid=uuid_)
    assert refused() == "Resource Not Found."
