"""Groups: what they call, what holds for them, and what goes with them."""

import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from confd_worker.conformance.system import System

from ..world import RANGES, Call, Heard, World, refusal

Told = Callable[..., list[Heard]]
Item = dict[str, Any]

HANGUP = {"type": "hangup", "cause": "normal"}
UNKNOWN = 2_000_000_000


def _group(call: Call, **body: Any) -> Item:
    return call("groups.create", body={"label": "sales", **body})


@pytest.fixture
def group(call: Call) -> Item:
    """A group."""
    return _group(call)


@pytest.fixture
def context(world: World) -> str:
    """Name of a context with the extens 1000 to 1999 for groups and 3000 to 3999 for users."""
    return world.a_context(group_ranges=RANGES, user_ranges=[{"start": "3000", "end": "3999"}])["name"]


def _with_line(world: World) -> tuple[Item, Item]:
    user, line = world.user(), world.line()
    world.have(user, line)
    return user, line


def _shown(call: Call, group: Item) -> Item:
    return call("groups.get", uuid=group["uuid"])


def _of_group(group: Item) -> Item:
    return {"group_id": group["id"], "group_uuid": group["uuid"]}


def test_a_group_has_defaults_and_a_name_of_its_own(group: Item, tenant: str) -> None:
    assert group["name"].startswith("grp-")
    assert group["name"].endswith(group["uuid"])
    assert group == group | {
        "tenant_uuid": tenant, "label": "sales", "preprocess_subroutine": None, "ring_strategy": "all",
        "caller_id_mode": None, "caller_id_name": None, "dtmf_record_toggle": False, "timeout": None,
        "user_timeout": 15, "retry_delay": 5, "music_on_hold": None, "ring_in_use": True,
        "mark_answered_elsewhere": False, "enabled": True, "ignore_forward": False, "max_calls": 0,
        "extensions": [], "fallbacks": {"noanswer_destination": None, "congestion_destination": None},
        "incalls": [], "schedules": [], "call_permissions": [], "members": {"users": [], "extensions": []},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"label": None}, "Input Error - label: ['Field may not be null.']"),
        ({"label": "x" * 129}, "Input Error - label: ['Longer than maximum length 128.']"),
        ({"label": "é"}, "Input Error - label: ['String does not match expected pattern.']"),
        ({"label": "sales\n"}, "Input Error - label: ['String does not match expected pattern.']"),
        ({"ring_strategy": "none"}, "Input Error - ring_strategy: ['Must be one of: all, random, least_recent, "),
        ({"caller_id_mode": "none"}, "Input Error - caller_id_mode: ['Must be one of: prepend, overwrite, append.']"),
        ({"timeout": -1}, "Input Error - timeout: [{'constraint_id': 'range'"),
        ({"max_calls": -1}, "Input Error - max_calls: [{'constraint_id': 'range'"),
        ({"ring_in_use": None}, "Input Error - ring_in_use: ['Field may not be null.']"),
        (
            {"music_on_hold": "nothing"},
            "Input Error - field 'music_on_hold': MOH was not found ('music_on_hold': 'nothing')",
        ),
    ],
    ids=lambda given: str(given)[:50],
)
def test_a_bad_group_is_refused(body: Item, message: str, call: Call, group: Item) -> None:
    assert refusal(call, "groups.create", body={"label": "sales", **body}).startswith(message)
    assert refusal(call, "groups.update", uuid=group["uuid"], body=body).startswith(message)


@pytest.mark.parametrize("music", [None, "", "default"])
def test_some_music_needs_not_exist(music: str | None, call: Call) -> None:
    assert _group(call, music_on_hold=music)["music_on_hold"] == music


def test_a_name_is_an_old_word_for_the_label(call: Call) -> None:
    made = call("groups.create", body={"name": "old"})
    assert made["label"] == "old"
    call("groups.update", uuid=made["uuid"], body={"name": "new"})
    assert _shown(call, made)["label"] == "new"
    call("groups.update", uuid=made["uuid"], body={"name": "no", "label": "given"})
    assert (_shown(call, made)["label"], _shown(call, made)["name"]) == ("given", made["name"])
    assert refusal(call, "groups.create", body={}) == "Input Error - label: ['Missing data for required field.']"


def test_only_ignore_forward_is_reset_when_it_is_left_out(call: Call) -> None:
    made = _group(call, ignore_forward=True, mark_answered_elsewhere=True, user_timeout=None)
    assert (made["ignore_forward"], made["user_timeout"]) == (True, None)
    call("groups.update", uuid=made["uuid"], body={})
    assert _shown(call, made) == made | {"ignore_forward": False, "revision": 2}


def test_a_group_is_addressed_by_either_id(call: Call, group: Item) -> None:
    assert call("groups.get", uuid=group["id"]) == call("groups.get", uuid=group["uuid"]) == group
    unknown = str(uuid.uuid4())
    message = f"Resource Not Found - Group was not found ('id': {UNKNOWN})"
    for method in ("groups.get", "groups.delete"):
        assert refusal(call, method, uuid=UNKNOWN) == message
    message = f"Resource Not Found - Group was not found ('uuid': '{unknown}')"
    assert refusal(call, "groups.get", uuid=unknown) == message
    assert refusal(call, "group_fallbacks.get", group_uuid=unknown) == message


def test_each_change_of_a_group_tells_of_it(told: Told, call: Call) -> None:
    [created] = told("groups.create", body={"label": "sales"})
    ids = created.body
    [edited] = told("groups.update", uuid=ids["uuid"], body={})
    [deleted] = told("groups.delete", uuid=ids["id"])
    assert ids.keys() == {"id", "uuid"}
    for heard, what in ((created, "created"), (edited, "edited"), (deleted, "deleted")):
        assert (heard.name, heard.key, heard.body) == (f"group_{what}", f"config.groups.{what}", ids)


def _associations(world: World, context: str) -> list[tuple[str, str, str, Item]]:
    """Service, name of the id, event and item of all that a group is joined with."""
    call = world.call
    schedule = call("schedules.create", body={"closed_destination": HANGUP})
    permission = call("callpermissions.create", body={"name": "abroad"})
    return [
        ("extensions", "extension_id", "group_extension", world.extension("1000", context=context)),
        ("schedules", "schedule_id", "group_schedule", schedule),
        ("callpermissions", "call_permission_id", "group_call_permission", permission),
    ]


def test_joining_and_parting_tell_once_and_are_read_back_on_both_sides(
    told: Told, call: Call, world: World, context: str, group: Item
) -> None:
    summary = {name: group[name] for name in ("id", "uuid", "name", "links")}
    for service, key, event, item in _associations(world, context):
        ids = {"group_uuid": group["uuid"], key: item["id"]}
        middle = f".{group['uuid']}" if service == "callpermissions" else ""
        for verb, word, ending in (("associate", "associated", "updated"), ("dissociate", "dissociated", "deleted")):
            [heard] = told(f"group_{service}.{verb}", **ids)
            assert heard.name == f"{event}_{word}"
            assert heard.key == f"config.groups{middle}.{service}.{ending}"
            assert heard.body == _of_group(group) | {key: item["id"]}
            assert told(f"group_{service}.{verb}", **ids) == []
            field = "call_permissions" if service == "callpermissions" else service
            there = call(f"{service}.get", id=item["id"])
            back = there["group"] if service == "extensions" else there["groups"]
            if verb == "associate":
                assert [each["id"] for each in _shown(call, group)[field]] == [item["id"]]
                assert back == summary if service == "extensions" else back == [summary]
            else:
                assert _shown(call, group)[field] == []
                assert not back


@pytest.mark.parametrize(
    ("service", "key", "label"),
    [
        ("extensions", "extension_id", "Extension"),
        ("schedules", "schedule_id", "Schedule"),
        ("callpermissions", "call_permission_id", "CallPermission"),
    ],
)
def test_what_is_not_there_is_not_joined(service: str, key: str, label: str, call: Call, group: Item) -> None:
    for verb in ("associate", "dissociate"):
        method = f"group_{service}.{verb}"
        message = f"Resource Not Found - Group was not found ('id': {UNKNOWN})"
        assert refusal(call, method, group_uuid=UNKNOWN, **{key: UNKNOWN}) == message
        message = f"Resource Not Found - {label} was not found ('id': {UNKNOWN})"
        assert refusal(call, method, group_uuid=group["uuid"], **{key: UNKNOWN}) == message


def test_items_of_two_tenants_are_not_joined(system: System, call: Call, tenant: str, group: Item) -> None:
    other = str(uuid.uuid4())
    with system.client(other, visible_tenants=["*"]) as parent:
        there = World(parent.call)
        inside = there.a_context(group_ranges=RANGES)["name"]
        for service, key, _, item in _associations(there, inside):
            second = f"{key.removesuffix('_id')}_tenant_uuid"
            ids = {"group_tenant_uuid": tenant, second: other}
            if service == "extensions":
                ids = dict(reversed(ids.items()))
            message = f"Resource Error - different tenants ({str(ids)[1:-1]})"
            given = {"group_uuid": group["uuid"], key: item["id"]}
            assert refusal(parent.call, f"group_{service}.associate", **given) == message
            assert refusal(call, f"group_{service}.associate", **given).startswith("Resource Not Found - ")
        user = there.user()
        body = {"users": [{"uuid": user["uuid"]}]}
        told = {"group_tenant_uuid": tenant, "user_tenant_uuid": other}
        message = f"Resource Error - different tenants ({str(told)[1:-1]})"
        method = "group_members_users.replace"
        assert refusal(parent.call, method, group_uuid=group["uuid"], body=body) == message
        body = {"groups": [{"id": group["id"]}]}
        assert refusal(parent.call, "user_groups.replace", user_id=user["id"], body=body) == message


def test_a_group_has_one_extension_and_an_extension_one_use(
    call: Call, world: World, context: str, group: Item
) -> None:
    extension, second = (world.extension(exten, context=context) for exten in ("1000", "1001"))
    other = _group(call)

    def refused(group: Item, extension: Item) -> str:
        ids = {"group_uuid": group["uuid"], "extension_id": extension["id"]}
        return refusal(call, "group_extensions.associate", **ids)

    call("group_extensions.associate", group_uuid=group["id"], extension_id=extension["id"])
    message = f"Resource Error - Group is associated with a Extension ('group_id': {group['id']}, "
    message += f"'extension_id': {extension['id']})"
    assert refused(group, second) == message
    assert refused(other, extension) == message
    message = f"Resource Error - Extension is associated with a group ('extension_id': {extension['id']}, "
    message += f"'associated_id': '{group['id']}')"
    assert refusal(call, "extensions.delete", id=extension["id"]) == message
    incalls = world.a_context(type="incall", incall_ranges=RANGES)["name"]
    message = "Resource Error - ContextType 'incall' cannot be associated"
    assert refusal(call, "extensions.update", id=extension["id"], body={"context": incalls}) == message

    outside = world.extension("3000", context=context)
    message = f"Input Error - Extension '3000' is outside of range for context '{context}'"
    assert refused(other, outside) == message
    elsewhere = world.extension("1002", context=incalls)
    told = {"id": elsewhere["id"], "context": incalls}
    message = f"Resource Error - ContextType 'incall' cannot be associated ({str(told)[1:-1]})"
    assert refused(other, elsewhere) == message
    line = world.line(context=context)
    call("line_extensions.associate", line_id=line["id"], extension_id=outside["id"])
    message = f"Resource Error - Extension is associated with a line ('extension_id': {outside['id']}, "
    message += f"'associated_id': '{line['id']}')"
    assert refused(other, outside) == message
    pattern = world.extension("_5XX", context=context)
    call("group_extensions.associate", group_uuid=other["uuid"], extension_id=pattern["id"])
    [found] = call("groups.list", exten="_5XX")["items"]
    assert found["uuid"] == other["uuid"]


def test_a_group_has_one_schedule(call: Call, group: Item) -> None:
    first, second = (call("schedules.create", body={"closed_destination": HANGUP})["id"] for _ in range(2))
    call("group_schedules.associate", group_uuid=group["uuid"], schedule_id=first)
    message = f"Resource Error - Group is associated with a Schedule ('group_uuid': UUID('{group['uuid']}'), "
    message += f"'schedule_id': {first})"
    ids = {"group_uuid": group["uuid"], "schedule_id": second}
    assert refusal(call, "group_schedules.associate", **ids) == message
    call("schedules.delete", id=first)
    assert _shown(call, group)["schedules"] == []


def test_a_group_calls_users_by_priority(told: Told, call: Call, world: World, group: Item) -> None:
    users = [_with_line(world)[0] for _ in range(3)]
    ids = {"group_uuid": group["uuid"]}
    wanted = [{"uuid": users[0]["uuid"], "priority": 7}, {"uuid": users[1]["uuid"]}, users[2]]
    [heard] = told("group_members_users.replace", **ids, body={"users": wanted})
    assert (heard.name, heard.key) == ("group_member_users_associated", "config.groups.members.users.updated")
    assert heard.body == _of_group(group) | {"user_uuids": [user["uuid"] for user in users]}

    members = _shown(call, group)["members"]["users"]
    assert [(each["priority"], each["uuid"]) for each in members] == [
        (1, users[1]["uuid"]), (2, users[2]["uuid"]), (7, users[0]["uuid"]),
    ]  # fmt: skip
    assert members[0] == {
        "priority": 1, "uuid": users[1]["uuid"], "firstname": "Alice", "lastname": "Martin",
        "links": users[1]["links"],
    }  # fmt: skip
    assert call("groups.list")["items"][0]["members"]["users"] == members
    [summary] = call("users.get", id=users[0]["id"])["groups"]
    assert summary == {name: group[name] for name in ("uuid", "id", "name", "links")}

    # What was read may be written back.
    call("group_members_users.replace", **ids, body={"users": members})
    assert _shown(call, group)["members"]["users"] == members
    call("group_members_users.replace", **ids, body={"users": [{"uuid": users[0]["uuid"]}]})
    [member] = _shown(call, group)["members"]["users"]
    assert (member["priority"], member["uuid"]) == (0, users[0]["uuid"])
    [heard] = told("group_members_users.replace", **ids, body={"users": []})
    assert heard.body["user_uuids"] == []
    assert _shown(call, group)["members"]["users"] == []


def test_a_group_refuses_some_users(call: Call, world: World, group: Item) -> None:
    user, line = _with_line(world)
    second, bare = world.user(), world.user()
    world.have(second, line)
    unknown = str(uuid.uuid4())

    def refused(*users: Any) -> str:
        body = {"users": [{"uuid": each} for each in users]}
        return refusal(call, "group_members_users.replace", group_uuid=group["uuid"], body=body)

    message = f"Input Error - field 'users': User was not found ('uuid': '{unknown}')"
    assert refused(user["uuid"], unknown) == message
    message = f"Resource Error - User must be associated with a Line ('user_uuid': '{bare['uuid']}')"
    assert refused(bare["uuid"], bare["uuid"]) == message
    message = "Resource Error - Operation not permitted. "
    assert refused(user["uuid"], user["uuid"]) == message + "Cannot associate same user more than once"
    shared = f"Cannot associate different users with the same line ('line_id': {line['id']})"
    assert refused(user["uuid"], second["uuid"]) == message + shared
    assert refused(None) == "Input Error - users: {0: {'uuid': ['Field may not be null.']}}"
    for body, message in (
        ({}, "Input Error - users: ['Missing data for required field.']"),
        ({"users": None}, "Input Error - users: ['Field may not be null.']"),
        ({"users": [{}]}, "Input Error - users: {0: {'uuid': ['Missing data for required field.']}}"),
    ):
        method = "group_members_users.replace"
        assert refusal(call, method, group_uuid=group["uuid"], body=body) == message
        assert refusal(call, method, group_uuid=UNKNOWN, body=body).startswith("Resource Not Found - Group")
    assert _shown(call, group)["members"]["users"] == []


def test_a_member_leaves_with_his_main_line_only(call: Call, world: World, group: Item) -> None:
    user, main = _with_line(world)
    second = world.line()
    world.have(user, second)

    def join() -> None:
        call("user_groups.replace", user_id=user["uuid"], body={"groups": [{"uuid": group["uuid"]}]})

    def members() -> list[Item]:
        return _shown(call, group)["members"]["users"]

    join()
    call("user_lines.dissociate", user_id=user["id"], line_id=second["id"])
    assert len(members()) == 1
    call("user_lines.dissociate", user_id=user["id"], line_id=main["id"])
    assert members() == []
    world.have(user, main)
    join()
    call("lines.delete", id=main["id"])
    assert members() == []
    world.have(user, second)
    join()
    call("users.delete", id=user["id"])
    assert members() == []


def test_a_group_calls_numbers_by_priority(told: Told, call: Call, group: Item) -> None:
    ids = {"group_uuid": group["id"]}
    numbers: list[Item] = [
        {"exten": "9", "context": "outside", "priority": 4},
        {"exten": "8", "context": "outside"},
        {"exten": "9", "context": "inside"},
    ]
    [heard] = told("group_members_extensions.replace", **ids, body={"extensions": numbers})
    assert heard.name == "group_member_extensions_associated"
    assert heard.key == "config.groups.members.extensions.updated"
    plain = [{"exten": each["exten"], "context": each["context"]} for each in numbers]
    assert heard.body == _of_group(group) | {"extensions": plain}
    members = _shown(call, group)["members"]["extensions"]
    assert members == [
        {"priority": 1, "exten": "8", "context": "outside"},
        {"priority": 2, "exten": "9", "context": "inside"},
        {"priority": 4, "exten": "9", "context": "outside"},
    ]
    call("group_members_extensions.replace", **ids, body={"extensions": members[1:]})
    assert _shown(call, group)["members"]["extensions"] == members[1:]

    for body, message in (
        (
            {"extensions": [plain[0], plain[0]]},
            "Resource Error - Operation not permitted. Cannot associate same extensions more than once",
        ),
        ({"extensions": [{"exten": "1"}]}, "extensions: {0: {'context': ['Missing data for required field.']}}"),
        ({"extensions": [plain[0] | {"priority": -1}]}, "extensions: {0: {'priority': [{'constraint_id': 'range'"),
        ({}, "Input Error - extensions: ['Missing data for required field.']"),
    ):
        assert message in refusal(call, "group_members_extensions.replace", **ids, body=body)
    call("group_members_extensions.replace", **ids, body={"extensions": []})
    assert _shown(call, group)["members"]["extensions"] == []


def test_a_user_chooses_his_groups(told: Told, call: Call, world: World) -> None:
    user, line = _with_line(world)
    groups = [_group(call, label=label) for label in ("one", "two", "three")]
    given = [{"id": groups[0]["id"]}, {"uuid": groups[1]["uuid"]}, groups[2]]
    [heard] = told("user_groups.replace", user_id=user["uuid"], body={"groups": given})
    assert (heard.name, heard.key) == ("user_groups_associated", "config.users.groups.updated")
    assert heard.body == {"user_uuid": user["uuid"], "group_ids": [group["id"] for group in groups]}
    assert heard.headers[f"user_uuid:{user['uuid']}"] is True

    def chosen() -> list[str]:
        return [group["uuid"] for group in call("users.get", id=user["id"])["groups"]]

    assert chosen() == [group["uuid"] for group in groups]
    member = {"uuid": user["uuid"], "priority": 5}
    call("group_members_users.replace", group_uuid=groups[0]["id"], body={"users": [member]})
    call("user_groups.replace", user_id=user["id"], body={"groups": [groups[0]]})
    assert chosen() == [groups[0]["uuid"]]
    assert _shown(call, groups[0])["members"]["users"][0]["priority"] == 5
    second = world.user()
    world.have(second, line)
    message = "Resource Error - Operation not permitted. Cannot associate different users with the same line "
    message += f"('line_id': {line['id']})"
    assert refusal(call, "user_groups.replace", user_id=second["id"], body={"groups": [groups[0]]}) == message
    call("user_groups.replace", user_id=user["id"], body={"groups": []})
    assert chosen() == []


def test_a_user_is_refused_some_groups(call: Call, world: World, group: Item) -> None:
    user, bare, other = _with_line(world)[0], world.user(), _group(call)
    unknown = str(uuid.uuid4())
    one = "Input Error - groups: {0: {'_schema': ['One identifier(id or uuid) must be provided']}}"
    twice = "Resource Error - Operation not permitted. Cannot associate same group more than once"
    known = [{"id": group["id"]}]
    for who, groups, message in (
        (UNKNOWN, [{}], one),
        (UNKNOWN, [{"id": None}], "Input Error - groups: {0: {'id': ['Field may not be null.']}}"),
        (UNKNOWN, [{"id": UNKNOWN}], f"Input Error - field 'groups': Group was not found ('id': {UNKNOWN})"),
        (
            UNKNOWN, [{"uuid": unknown}],
            f"Input Error - field 'groups': Group was not found ('uuid': UUID('{unknown}'))",
        ),
        (UNKNOWN, [{"id": group["id"], "uuid": other["uuid"]}], "Input Error - field 'groups': Group was not found"),
        (UNKNOWN, known, f"Resource Not Found - User was not found ('id': {UNKNOWN})"),
        (
            bare["id"], known * 2,
            f"Resource Error - User must be associated with a Line ('user_uuid': '{bare['uuid']}')",
        ),
        (user["id"], [{"uuid": group["uuid"]}, *known], twice),
    ):  # fmt: skip
        assert refusal(call, "user_groups.replace", user_id=who, body={"groups": groups}).startswith(message)
    call("user_groups.replace", user_id=bare["id"], body={"groups": []})
    required = "Input Error - groups: ['Missing data for required field.']"
    assert refusal(call, "user_groups.replace", user_id=user["id"], body={}) == required


def test_the_fallbacks_of_a_group_are_replaced_whole(told: Told, call: Call, group: Item) -> None:
    ids = {"group_uuid": group["uuid"]}
    to_group = {"type": "group", "group_id": group["id"], "ring_time": 2.0}
    names = {"group_name": group["name"], "group_label": "sales"}
    both = {"noanswer_destination": to_group, "congestion_destination": {"type": "none"}}
    [heard] = told("group_fallbacks.update", **ids, body=both)
    assert (heard.name, heard.key) == ("group_fallback_edited", "config.groups.fallbacks.edited")
    assert heard.body == {"id": group["id"], "uuid": group["uuid"]}
    shown = call("group_fallbacks.get", group_uuid=group["id"])
    assert shown == both | {"noanswer_destination": to_group | names}
    assert _shown(call, group)["fallbacks"] == shown

    call("group_fallbacks.update", **ids, body={"noanswer_destination": HANGUP})
    nothing = {"noanswer_destination": None, "congestion_destination": None}
    assert call("group_fallbacks.get", **ids) == nothing | {"noanswer_destination": HANGUP}
    assert [each.name for each in told("group_fallbacks.update", **ids, body={})] == ["group_fallback_edited"]
    assert call("group_fallbacks.get", **ids) == nothing

    unknown = {"congestion_destination": {"type": "group", "group_id": UNKNOWN}}
    message = f"Input Error - field 'actionarg1': Group was not found ('actionarg1': {UNKNOWN})"
    assert refusal(call, "group_fallbacks.update", **ids, body=unknown) == message
    message = "Input Error - noanswer_destination: {'type': ['Must be one of: "
    bad = {"noanswer_destination": {"type": "x"}}
    assert refusal(call, "group_fallbacks.update", **ids, body=bad).startswith(message)
    assert refusal(call, "group_fallbacks.update", group_uuid=UNKNOWN, body=bad).startswith("Resource Not Found - ")


def test_a_group_that_goes_frees_what_it_had_and_is_nobodys_destination(
    call: Call, world: World, system: System, context: str, group: Item
) -> None:
    ids = {"group_uuid": group["uuid"]}
    joined = _associations(world, context)
    for service, key, _, item in joined:
        call(f"group_{service}.associate", **ids, **{key: item["id"]})
    user = _with_line(world)[0]
    call("user_groups.replace", user_id=user["id"], body={"groups": [group]})
    call("group_members_extensions.replace", **ids, body={"extensions": [{"exten": "9", "context": "out"}]})
    here = {"type": "group", "group_id": group["id"]}
    call("group_fallbacks.update", **ids, body={"noanswer_destination": here})
    incall = call("incalls.create", body={"destination": here})
    assert incall["destination"]["group_label"] == "sales"
    assert [each["id"] for each in _shown(call, group)["incalls"]] == [incall["id"]]
    call("user_fallbacks.update", user_id=user["id"], body={"busy_destination": here, "fail_destination": HANGUP})
    ivr = call(
        "ivr.create",
        body={
            "name": "menu", "menu_sound": "menu", "abort_destination": here,
            "choices": [{"exten": "1", "destination": here}, {"exten": "2", "destination": HANGUP}],
        },
    )  # fmt: skip
    closed = call("schedules.create", body={"closed_destination": here})

    call("groups.delete", uuid=group["uuid"])
    for service, _, _, item in joined:
        there = call(f"{service}.get", id=item["id"])
        assert not (there["group"] if service == "extensions" else there["groups"])
    assert call("users.get", id=user["id"])["groups"] == []
    assert call("incalls.get", id=incall["id"])["destination"] == {"type": "none"}
    fallbacks = call("user_fallbacks.get", user_id=user["id"])
    assert (fallbacks["busy_destination"], fallbacks["fail_destination"]) == (None, HANGUP)
    menu = call("ivr.get", id=ivr["id"])
    assert menu["abort_destination"] is None
    assert [choice["exten"] for choice in menu["choices"]] == ["2"]
    destination = call("schedules.get", id=closed["id"])["closed_destination"]
    assert destination == here | {"ring_time": None}
    with system.database() as cursor:
        cursor.execute("SELECT count(*) FROM destinations WHERE type = 'group' AND target = %s", (str(group["id"]),))
        assert cursor.fetchone() == (0,)


def test_a_group_is_addressed_by_either_id_over_http(http: Callable[..., httpx.Response]) -> None:
    made = http("POST", "/groups", json={"label": "sales"})
    group = made.json()
    assert made.headers["location"].endswith(f"/1.1/groups/{group['uuid']}")
    assert group["links"] == [{"rel": "groups", "href": made.headers["location"]}]
    body = {"extensions": [{"exten": "9", "context": "outside"}]}
    for path in (f"/groups/{group['id']}", f"/groups/{group['uuid']}"):
        assert http("PUT", f"{path}/members/extensions", json=body).status_code == 204
        assert http("PUT", f"{path}/fallbacks", json={}).status_code == 204
        assert http("GET", path).json()["members"]["extensions"] == [body["extensions"][0] | {"priority": 0}]
    assert http("DELETE", f"/groups/{group['id']}").status_code == 204


def test_all_of_a_tenant_goes_with_it(
    call: Call, world: World, system: System, context: str, group: Item, tenant: str
) -> None:
    ids, user = {"group_uuid": group["uuid"]}, _with_line(world)[0]
    for service, key, _, item in _associations(world, context):
        call(f"group_{service}.associate", **ids, **{key: item["id"]})
    call("user_groups.replace", user_id=user["id"], body={"groups": [group]})
    here = {"type": "group", "group_id": group["id"]}
    call("group_fallbacks.update", **ids, body={"noanswer_destination": here})
    call("user_fallbacks.update", user_id=user["id"], body={"busy_destination": here})
    choices = [{"exten": "1", "destination": here}]
    call("ivr.create", body={"name": "menu", "menu_sound": "menu", "abort_destination": here, "choices": choices})
    with system.database() as cursor:
        cursor.execute("DELETE FROM tenants WHERE uuid = %s", (tenant,))
        query = "SELECT count(*) FROM destinations WHERE type = 'group' AND target = %s"
        cursor.execute(query, (str(group["id"]),))
        assert cursor.fetchone() == (0,)
    assert call("groups.list")["total"] == 0


def test_other_tenants_reach_no_group_by_any_path(system: System, call: Call, world: World, group: Item) -> None:
    user = _with_line(world)[0]
    with system.client(str(uuid.uuid4())) as stranger:
        ids = {"group_uuid": group["uuid"]}
        for method, given in (
            ("group_fallbacks.get", {}),
            ("group_fallbacks.update", {"body": {}}),
            ("group_members_users.replace", {"body": {"users": []}}),
            ("group_members_extensions.replace", {"body": {"extensions": []}}),
        ):
            assert refusal(stranger.call, method, **ids, **given).startswith("Resource Not Found - Group")
        body = {"groups": [{"uuid": group["uuid"]}]}
        message = "Input Error - field 'groups': Group was not found"
        assert refusal(stranger.call, "user_groups.replace", user_id=user["id"], body=body).startswith(message)
        message = "Resource Not Found - User was not found"
        told = refusal(stranger.call, "user_groups.replace", user_id=user["id"], body={"groups": []})
        assert told.startswith(message)
