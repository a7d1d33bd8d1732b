"""Where the calls of a user go that he could not take, and the schedule that holds for him."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from confd_worker.conformance.system import System

from ..world import Call, Heard, World, refusal

Told = Callable[..., list[Heard]]
Item = dict[str, Any]

UNKNOWN = 2_000_000_000
HANGUP = {"type": "hangup", "cause": "normal"}
NOTHING = dict.fromkeys(("noanswer_destination", "busy_destination", "congestion_destination", "fail_destination"))


def test_a_user_has_no_fallbacks_at_first(call: Call, world: World) -> None:
    user = world.user()
    assert user["fallbacks"] == NOTHING
    assert call("user_fallbacks.get", user_id=user["uuid"]) == NOTHING


def test_fallbacks_are_replaced_whole(told: Told, call: Call, world: World) -> None:
    user, other = world.user(), world.user(firstname="Bob")
    ids = {"user_id": user["uuid"]}
    to_user = {"type": "user", "user_id": other["id"], "ring_time": 2.0, "moh_uuid": None}
    names = {"user_firstname": "Bob", "user_lastname": "Martin"}
    given = {
        "noanswer_destination": to_user,
        "busy_destination": {"type": "none"},
        "congestion_destination": {"type": "hangup", "cause": "busy", "timeout": 1.5},
        "fail_destination": {"type": "custom", "command": "Playback(sorry)"},
    }
    [heard] = told("user_fallbacks.update", **ids, body=given)
    assert (heard.name, heard.key) == ("user_fallback_edited", "config.users.fallbacks.edited")
    assert heard.body == {
        "id": user["id"], "uuid": user["uuid"], "subscription_type": None, "created_at": None,
        "tenant_uuid": user["tenant_uuid"],
    }  # fmt: skip
    assert heard.headers[f"user_uuid:{user['uuid']}"] is True
    shown = given | {"noanswer_destination": to_user | names}
    assert call("user_fallbacks.get", **ids) == shown
    assert call("users.get", id=user["id"])["fallbacks"] == shown
    assert call("users.list")["items"][0]["fallbacks"] in (shown, NOTHING)

    call("user_fallbacks.update", **ids, body=call("user_fallbacks.get", **ids))
    assert call("user_fallbacks.get", **ids) == shown
    call("users.delete", id=other["id"])
    assert call("user_fallbacks.get", **ids) == shown | {"noanswer_destination": None}
    call("user_fallbacks.update", **ids, body={"busy_destination": HANGUP, "fail_destination": None})
    assert call("user_fallbacks.get", **ids) == NOTHING | {"busy_destination": HANGUP}
    assert len(told("user_fallbacks.update", **ids, body={})) == 1
    assert call("user_fallbacks.get", **ids) == NOTHING


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"busy_destination": 5}, "Input Error - busy_destination: {'_schema': ['Invalid input type.']}"),
        ({"fail_destination": {}}, "Input Error - fail_destination: {'type': ['Missing data for required field.']}"),
        (
            {"congestion_destination": {"type": "hangup"}},
            "Input Error - congestion_destination: {'cause': ['Missing data for required field.']}",
        ),
        (
            {"noanswer_destination": HANGUP, "busy_destination": {"type": "group", "group_id": UNKNOWN}},
            f"Input Error - field 'actionarg1': Group was not found ('actionarg1': {UNKNOWN})",
        ),
    ],
    ids=lambda given: str(given)[:60],
)
def test_a_bad_fallback_is_refused_and_all_stay(body: Item, message: str, call: Call, world: World) -> None:
    user = world.user()
    before = {"fail_destination": HANGUP}
    call("user_fallbacks.update", user_id=user["id"], body=before)
    assert refusal(call, "user_fallbacks.update", user_id=user["id"], body=body) == message
    assert call("user_fallbacks.get", user_id=user["id"]) == NOTHING | before
    message = f"Resource Not Found - User was not found ('id': {UNKNOWN})"
    assert refusal(call, "user_fallbacks.update", user_id=UNKNOWN, body=body) == message


def test_fallbacks_go_with_their_user(call: Call, world: World, system: System) -> None:
    user = world.user()
    command = f"Playback({uuid.uuid4()})"
    itself = {"type": "user", "user_id": user["id"]}
    custom = {"type": "custom", "command": command}
    body = {"busy_destination": itself, "fail_destination": custom}
    call("user_fallbacks.update", user_id=user["id"], body=body)
    call("users.delete", id=user["id"])
    with system.database() as cursor:
        query = "SELECT count(*) FROM destinations WHERE fields ->> 'command' = %s OR fields ->> 'user_id' = %s"
        cursor.execute(query, (command, str(user["id"])))
        assert cursor.fetchone() == (0,)


def test_another_tenant_neither_sees_nor_changes_fallbacks(world: World, system: System) -> None:
    user = world.user()
    with system.client(str(uuid.uuid4())) as stranger:
        message = "Resource Not Found - User was not found"
        ids = {"user_id": user["id"]}
        assert refusal(stranger.call, "user_fallbacks.get", **ids).startswith(message)
        assert refusal(stranger.call, "user_fallbacks.update", **ids, body={}).startswith(message)


def _schedule(call: Call) -> Item:
    return call("schedules.create", body={"name": "hours", "closed_destination": HANGUP})


def test_a_user_has_one_schedule(told: Told, call: Call, world: World) -> None:
    user, other = world.user(), world.user()
    schedule, second = _schedule(call), _schedule(call)
    ids = {"user_id": user["uuid"], "schedule_id": schedule["id"]}
    [heard] = told("user_schedules.associate", **ids)
    assert (heard.name, heard.key) == ("user_schedule_associated", "config.users.schedules.updated")
    assert heard.body == {"user_uuid": user["uuid"], "schedule_id": schedule["id"]}
    assert heard.headers[f"user_uuid:{user['uuid']}"] is True
    assert told("user_schedules.associate", **ids) == []
    told_of = {"user_id": user["id"], "schedule_id": schedule["id"]}
    message = f"Resource Error - User is associated with a Schedule ({str(told_of)[1:-1]})"
    assert refusal(call, "user_schedules.associate", user_id=user["id"], schedule_id=second["id"]) == message
    call("user_schedules.associate", user_id=other["id"], schedule_id=schedule["id"])

    [shown] = call("users.get", id=user["id"])["schedules"]
    assert shown == {name: schedule[name] for name in ("id", "name", "links")}
    users = call("schedules.get", id=schedule["id"])["users"]
    summary = [{name: each[name] for name in ("uuid", "firstname", "lastname", "links")} for each in (user, other)]
    assert users == summary
    call("users.delete", id=other["id"])
    [heard] = told("user_schedules.dissociate", **ids)
    assert (heard.name, heard.key) == ("user_schedule_dissociated", "config.users.schedules.deleted")
    assert told("user_schedules.dissociate", **ids) == []
    assert call("schedules.get", id=schedule["id"])["users"] == []
    call("user_schedules.associate", user_id=user["id"], schedule_id=second["id"])
    call("schedules.delete", id=second["id"])
    assert call("users.get", id=user["id"])["schedules"] == []


def test_a_user_gets_a_schedule_of_his_tenant_only(call: Call, world: World, system: System, tenant: str) -> None:
    user, other = world.user(), str(uuid.uuid4())
    message = f"Resource Not Found - User was not found ('id': {UNKNOWN})"
    assert refusal(call, "user_schedules.associate", user_id=UNKNOWN, schedule_id=UNKNOWN) == message
    message = f"Resource Not Found - Schedule was not found ('id': {UNKNOWN})"
    assert refusal(call, "user_schedules.associate", user_id=user["id"], schedule_id=UNKNOWN) == message
    with system.client(other, visible_tenants=["*"]) as parent:
        ids = {"user_id": user["id"], "schedule_id": _schedule(parent.call)["id"]}
        told = {"user_tenant_uuid": tenant, "schedule_tenant_uuid": other}
        message = f"Resource Error - different tenants ({str(told)[1:-1]})"
        assert refusal(parent.call, "user_schedules.associate", **ids) == message
        assert refusal(call, "user_schedules.associate", **ids).startswith("Resource Not Found - Schedule")
