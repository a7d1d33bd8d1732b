"""Forwards, services and subscriptions of users."""

from collections.abc import Callable
from typing import Any

import pytest

from confd_worker.conformance.system import System

from ..world import Call, Heard, World, refusal

Told = Callable[..., list[Heard]]

FORWARDS = ("busy", "noanswer", "unconditional")
SERVICES = ("dnd", "incallfilter")
OFF = {"enabled": False, "destination": None}
NO_BOOLEAN = "['Not a valid boolean.']"
NO_NULL = "['Field may not be null.']"
WITHOUT_DESTINATION = "Resource Error - Forward must be disabled to remove destination"
UNKNOWN = 2_000_000_000


def _event(user: dict[str, Any], kind: str, name: str, **body: Any) -> Heard:
    """The event of a forward or a service."""
    return Heard(
        f"users_{kind}s_{name}_updated",
        f"config.users.{user['uuid']}.{kind}s.{name}.updated",
        {"tenant_uuid": user["tenant_uuid"], f"user_uuid:{user['uuid']}": True, f"{kind}_name": name},
        {"user_id": user["id"], "user_uuid": user["uuid"], "tenant_uuid": user["tenant_uuid"], **body},
    )


def test_only_the_forwards_and_keys_that_are_given_change(world: World) -> None:
    user = world.user()
    assert world.call("user_forwards.get", user_id=user["id"]) == dict.fromkeys(FORWARDS, OFF)
    world.call("user_forwards.update", user_id=user["uuid"], body={"busy": {"destination": "1"}, "other": {}})
    world.call("user_forwards.update_one", user_id=user["id"], name="busy", body={"enabled": True})
    busy = {"enabled": True, "destination": "1"}
    expected = {"busy": busy, "noanswer": OFF, "unconditional": OFF}
    assert world.call("user_forwards.get", user_id=user["uuid"]) == expected
    assert world.call("user_forwards.get_one", user_id=user["uuid"], name="busy") == busy
    assert world.call("users.get", id=user["id"])["forwards"] == expected
    world.call("user_forwards.update", user_id=user["id"], body=expected)
    world.call("user_forwards.update_one", user_id=user["id"], name="busy", body={"enabled": False})
    assert world.call("user_forwards.get_one", user_id=user["id"], name="busy")["destination"] == "1"
    world.call("user_forwards.update_one", user_id=user["id"], name="busy", body={"destination": ""})
    assert world.call("user_forwards.get_one", user_id=user["id"], name="busy") == OFF


@pytest.mark.parametrize(
    ("forward", "detail"),
    [
        ({"enabled": 1}, f"'enabled': {NO_BOOLEAN}"),
        ({"enabled": None}, f"'enabled': {NO_NULL}"),
        ({"destination": 1}, "'destination': ['Not a valid string.']"),
        ({"destination": "x" * 129}, "'destination': ['Longer than maximum length 128.']"),
    ],
)
def test_a_bad_forward_is_refused(forward: dict[str, Any], detail: str, world: World) -> None:
    user = world.user()
    message = refusal(world.call, "user_forwards.update_one", user_id=user["id"], name="busy", body=forward)
    assert message == f"Input Error - {detail.replace(chr(39), '', 2)}"
    message = refusal(world.call, "user_forwards.update", user_id=user["id"], body={"noanswer": forward})
    assert message == f"Input Error - noanswer: {{{detail}}}"


def test_a_forward_that_is_enabled_has_a_destination(world: World) -> None:
    user = world.user()
    for name in FORWARDS:
        one = {"user_id": user["id"], "name": name}
        assert refusal(world.call, "user_forwards.update_one", **one, body={"enabled": True}) == WITHOUT_DESTINATION
        both = {"enabled": True, "destination": "1"}
        world.call("user_forwards.update_one", **one, body=both)
        for nothing in ("", None):
            change = {"destination": nothing}
            assert refusal(world.call, "user_forwards.update_one", **one, body=change) == WITHOUT_DESTINATION
            message = refusal(world.call, "user_forwards.update", user_id=user["id"], body={name: change})
            assert message == WITHOUT_DESTINATION
        world.call("user_forwards.update_one", **one, body={"enabled": False, "destination": None})
    message = f"Input Error - busy: {NO_NULL}"
    assert refusal(world.call, "user_forwards.update", user_id=user["id"], body={"busy": None}) == message


def test_all_forwards_are_told_of_or_the_one_that_is_changed(world: World, told: Told) -> None:
    user = world.user()
    off = {"enabled": False, "destination": None}
    heard = told("user_forwards.update", user_id=user["id"], body={})
    assert heard == [_event(user, "forward", name, **off) for name in FORWARDS]
    body = {"enabled": True, "destination": "5"}
    heard = told("user_forwards.update_one", user_id=user["id"], name="noanswer", body=body)
    assert heard == [_event(user, "forward", "noanswer", **body)]


def test_only_the_services_that_are_given_change(world: World) -> None:
    user = world.user()
    off, on = {"enabled": False}, {"enabled": True}
    assert world.call("user_services.get", user_id=user["id"]) == {"dnd": off, "incallfilter": off}
    world.call("user_services.update", user_id=user["uuid"], body={"dnd": on})
    assert world.call("user_services.get", user_id=user["id"]) == {"dnd": on, "incallfilter": off}
    world.call("user_services.update_one", user_id=user["id"], name="incallfilter", body=on)
    assert world.call("user_services.get_one", user_id=user["id"], name="incallfilter") == on
    assert world.call("users.get", id=user["id"])["services"] == {"dnd": on, "incallfilter": on}
    missing = "['Missing data for required field.']"
    for method, body, message in (
        ("update", {"dnd": {}}, f"dnd: {{'enabled': {missing}}}"),
        ("update", {"dnd": None}, f"dnd: {NO_NULL}"),
        ("update", {"incallfilter": {"enabled": 0}}, f"incallfilter: {{'enabled': {NO_BOOLEAN}}}"),
        ("update_one", {}, f"enabled: {missing}"),
        ("update_one", {"enabled": None}, f"enabled: {NO_NULL}"),
        ("update_one", {"enabled": "true"}, f"enabled: {NO_BOOLEAN}"),
    ):
        name = {"name": "dnd"} if method == "update_one" else {}
        refused = refusal(world.call, f"user_services.{method}", user_id=user["id"], **name, body=body)
        assert refused == f"Input Error - {message}"


def test_all_services_are_told_of_or_the_one_that_is_changed(world: World, told: Told) -> None:
    user = world.user()
    heard = told("user_services.update", user_id=user["id"], body={})
    assert heard == [_event(user, "service", name, enabled=False) for name in SERVICES]
    heard = told("user_services.update_one", user_id=user["id"], name="dnd", body={"enabled": True})
    assert heard == [_event(user, "service", "dnd", enabled=True)]


@pytest.mark.parametrize("kind", ["user_forwards", "user_services"])
def test_the_parts_of_a_user_who_is_not_seen_are_not_found(kind: str, world: World, system: System) -> None:
    user = world.user()
    name = "busy" if kind == "user_forwards" else "dnd"
    whole: list[tuple[str, dict[str, Any]]] = [("get", {}), ("update", {"body": {"busy": 1, "dnd": 1}})]
    one: list[tuple[str, dict[str, Any]]] = [
        ("get_one", {"name": name}),
        ("update_one", {"name": name, "body": {"enabled": "x"}}),
    ]
    with system.client("00000000-0000-4000-8000-0000000000ff") as elsewhere:
        for id_, call in ((user["id"], elsewhere.call), (UNKNOWN, world.call)):
            message = f"Resource Not Found - User was not found ('id': {id_})"
            for method, given in (*whole, *one):
                assert refusal(call, f"{kind}.{method}", user_id=id_, **given) == message


def test_users_are_counted_by_subscription_type_in_their_tenant_alone(
    call: Call, world: World, tenant: str, system: System
) -> None:
    assert call("users_subscriptions.list") == {"total": 0, "items": []}
    for type_ in (3, 3, 0):
        world.user(subscription_type=type_)
    parent = "00000000-0000-4000-8000-0000000000fe"
    with system.client(parent, visible_tenants=[parent, tenant]) as above:
        assert above.call("users_subscriptions.list") == {"total": 0, "items": []}
    counted = call("users_subscriptions.list")
    assert counted["total"] == 2
    assert sorted(counted["items"], key=lambda each: each["id"]) == [{"id": 0, "count": 1}, {"id": 3, "count": 2}]
