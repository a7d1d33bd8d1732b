"""Incalls: the destinations that they lead to, and the schedule that holds for them."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from confd_worker.conformance.system import System

from ..world import Call, Heard, World, refusal

Told = Callable[..., list[Heard]]
Item = dict[str, Any]

NONE = {"type": "none"}


def _incall(call: Call) -> Item:
    return call("incalls.create", body={"destination": NONE})


def _schedule(call: Call) -> Item:
    return call("schedules.create", body={"name": "hours", "closed_destination": NONE})


@pytest.mark.parametrize(
    ("destination", "message"),
    [
        (None, "Input Error - destination: ['Field may not be null.']"),
        ([], "Input Error - destination: {'_schema': ['Invalid input type.']}"),
        ({}, "Input Error - destination: {'type': ['Missing data for required field.']}"),
        ({"type": "x"}, "Input Error - destination: {'type': ['Must be one of: application, conference, custom, "),
        ({"type": "hangup"}, "Input Error - destination: {'cause': ['Missing data for required field.']}"),
        (
            {"type": "custom", "command": "system(ls)"},
            "Input Error - destination: {'command': ['String does not match expected pattern.']}",
        ),
        ({"type": "user"}, "Input Error - destination: {'user_id': ['Missing data for required field.']}"),
        ({"type": "user", "user_id": 0}, "Input Error - field 'actionarg1': User was not found ('actionarg1': 0)"),
        ({"type": "queue", "queue_id": 1}, "Input Error - field 'actionarg1': Queue was not found ('actionarg1': 1)"),
    ],
    ids=lambda given: str(given)[:60],
)
def test_a_bad_destination_is_refused(destination: Any, message: str, call: Call) -> None:
    assert refusal(call, "incalls.create", body={"destination": destination}).startswith(message)
    made = _incall(call)
    assert refusal(call, "incalls.update", id=made["id"], body={"destination": destination}).startswith(message)
    assert call("incalls.list")["items"] == [made]


def test_a_destination_shows_the_name_of_its_target_and_goes_with_it(world: World, call: Call) -> None:
    user = world.user()
    given = {"type": "user", "user_id": user["id"], "ring_time": 2, "unknown": 1}
    stored = {"type": "user", "user_id": user["id"], "ring_time": 2.0, "moh_uuid": None}
    incall = call("incalls.create", body={"destination": given})
    assert incall["destination"] == stored | {"user_firstname": "Alice", "user_lastname": "Martin"}
    assert [each["id"] for each in call("users.get", id=user["id"])["incalls"]] == [incall["id"]]
    schedule = call("schedules.create", body={"closed_destination": given})
    call("users.delete", id=user["id"])
    assert call("incalls.get", id=incall["id"])["destination"] == NONE
    assert call("schedules.get", id=schedule["id"])["closed_destination"] == stored


def test_an_incall_has_one_schedule_and_is_joined_with_it_once(call: Call, told: Told, tenant: str) -> None:
    incall, schedule, second = _incall(call), _schedule(call), _schedule(call)
    ids = {"incall_id": incall["id"], "schedule_id": schedule["id"]}
    key, whole = "config.incalls.schedules", {"tenant_uuid": tenant, "user_uuid:*": True}
    joined = Heard("incall_schedule_associated", f"{key}.updated", whole, ids)
    assert told("incall_schedules.associate", **ids) == [joined]
    assert told("incall_schedules.associate", **ids) == []
    summary = {name: schedule[name] for name in ("id", "name", "links")}
    assert call("incalls.get", id=incall["id"])["schedules"] == [summary]
    message = f"Resource Error - Incall is associated with a Schedule ({str(ids)[1:-1]})"
    other = {"incall_id": incall["id"], "schedule_id": second["id"]}
    assert refusal(call, "incall_schedules.associate", **other) == message
    parted = Heard("incall_schedule_dissociated", f"{key}.deleted", whole, ids)
    assert told("incall_schedules.dissociate", **ids) == [parted]
    assert told("incall_schedules.dissociate", **ids) == []
    assert call("incalls.get", id=incall["id"])["schedules"] == []


def test_an_incall_takes_no_schedule_of_another_tenant(call: Call, tenant: str, system: System) -> None:
    parent = str(uuid.uuid4())
    with system.client(parent, visible_tenants=[parent, tenant]) as above:
        ids = {"incall_id": _incall(call)["id"], "schedule_id": _schedule(above.call)["id"]}
        told = f"('incall_tenant_uuid': '{tenant}', 'schedule_tenant_uuid': '{parent}')"
        message = f"Resource Error - different tenants {told}"
        assert refusal(above.call, "incall_schedules.associate", **ids) == message
        message = f"Resource Not Found - Schedule was not found ('id': {ids['schedule_id']})"
        assert refusal(call, "incall_schedules.associate", **ids) == message
