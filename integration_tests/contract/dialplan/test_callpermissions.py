"""Call permissions, and those of users."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from confd_worker.conformance.system import System

from ..world import Call, Heard, World, refusal

Told = Callable[..., list[Heard]]
Item = dict[str, Any]

UNKNOWN = 2_000_000_000


def _permission(call: Call, name: str = "abroad", **body: Any) -> Item:
    return call("callpermissions.create", body={"name": name, **body})


def test_a_call_permission_has_defaults(call: Call, tenant: str) -> None:
    made = _permission(call)
    assert made == made | {
        "tenant_uuid": tenant, "name": "abroad", "password": None, "mode": "deny", "extensions": [], "enabled": True,
        "description": None, "outcalls": [], "groups": [], "users": [],
    }  # fmt: skip


BAD = "String does not match expected pattern."


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"name": None}, "Input Error - name: ['Field may not be null.']"),
        ({"name": ""}, "Input Error - name: ['Length must be between 1 and 128.']"),
        ({"name": "x" * 129}, "Input Error - name: ['Length must be between 1 and 128.']"),
        ({"password": "abc"}, f"Input Error - password: ['{BAD}']"),
        ({"password": "1" * 41}, f"Input Error - password: ['{BAD}']"),
        ({"mode": "maybe"}, "Input Error - mode: ['Must be one of: allow, deny.']"),
        ({"enabled": "yes"}, "Input Error - enabled: ['Not a valid boolean.']"),
        ({"extensions": None}, "Input Error - extensions: ['Field may not be null.']"),
        ({"extensions": "1"}, "Input Error - extensions: ['Not a valid list.']"),
        ({"extensions": ["1", "a"]}, f"Input Error - extensions: {{1: ['{BAD}']}}"),
        ({"extensions": ["_"]}, f"Input Error - extensions: {{0: ['{BAD}']}}"),
        ({"extensions": ["1.!"]}, f"Input Error - extensions: {{0: ['{BAD}']}}"),
        ({"extensions": ["1\n"]}, f"Input Error - extensions: {{0: ['{BAD}']}}"),
        ({"extensions": ["1." * 41]}, f"Input Error - extensions: {{0: ['{BAD}']}}"),
    ],
    ids=lambda given: str(given)[:50],
)
def test_a_bad_call_permission_is_refused(body: Item, message: str, call: Call) -> None:
    assert refusal(call, "callpermissions.create", body={"name": "abroad", **body}) == message
    made = _permission(call)
    assert refusal(call, "callpermissions.update", id=made["id"], body=body) == message


def test_extensions_are_a_set_that_is_replaced(call: Call) -> None:
    extensions = ["123", "_+33X.", "1." * 40, "*10!", "_[1-3]#", "_1_2", "1" * 1000]
    made = _permission(call, extensions=extensions * 2)
    assert sorted(made["extensions"]) == sorted(extensions)
    call("callpermissions.update", id=made["id"], body={"extensions": ["9", "9"]})
    assert call("callpermissions.get", id=made["id"])["extensions"] == ["9"]


def test_a_long_extension_that_does_not_match_is_refused_at_once(call: Call) -> None:
    start = time.monotonic()
    refusal(call, "callpermissions.create", body={"name": "abroad", "extensions": ["1" * 20_000 + "x"]})
    assert time.monotonic() - start < 5


def test_a_name_is_taken_once_in_a_tenant(call: Call, system: System) -> None:
    _permission(call)
    other = _permission(call, "mobile")
    message = "Resource Error - CallPermission already exists ('name': 'abroad')"
    assert refusal(call, "callpermissions.create", body={"name": "abroad"}) == message
    assert refusal(call, "callpermissions.update", id=other["id"], body={"name": "abroad"}) == message
    call("callpermissions.update", id=other["id"], body={"name": "mobile"})
    with system.client(str(uuid.uuid4())) as stranger:
        assert _permission(stranger.call)["name"] == "abroad"


def test_call_permissions_are_found_by_their_booleans(call: Call) -> None:
    _permission(call, "b")
    _permission(call, "a", enabled=False, mode="allow")
    assert [each["name"] for each in call("callpermissions.list")["items"]] == ["a", "b"]
    for given, name in (({"enabled": "True"}, "b"), ({"search": "TRUE"}, "b"), ({"mode": "allow"}, "a")):
        assert [each["name"] for each in call("callpermissions.list", **given)["items"]] == [name]


def test_each_change_of_a_call_permission_tells_of_it(told: Told) -> None:
    [created] = told("callpermissions.create", body={"name": "abroad"})
    [edited] = told("callpermissions.update", id=created.body["id"], body={})
    [deleted] = told("callpermissions.delete", id=created.body["id"])
    for heard, what in ((created, "created"), (edited, "edited"), (deleted, "deleted")):
        assert (heard.name, heard.key) == (f"call_permission_{what}", f"config.callpermission.{what}")
        assert heard.body == {"id": created.body["id"]}


def test_a_user_has_call_permissions_in_the_order_in_which_he_got_them(told: Told, call: Call, world: World) -> None:
    user = world.user()
    later, first = _permission(call, "later"), _permission(call, "first")

    def join(verb: str, permission: Item) -> list[Heard]:
        ids = {"user_id": user["uuid"], "call_permission_id": permission["id"]}
        return told(f"user_callpermissions.{verb}", **ids)

    def has() -> list[str]:
        return [each["name"] for each in call("users.get", id=user["id"])["call_permissions"]]

    [heard] = join("associate", first)
    assert heard.name == "user_call_permission_associated"
    assert heard.key == f"config.users.{user['uuid']}.callpermissions.updated"
    assert heard.body == {"user_uuid": user["uuid"], "call_permission_id": first["id"]}
    assert heard.headers[f"user_uuid:{user['uuid']}"] is True
    assert join("associate", first) == []
    join("associate", later)
    assert has() == ["first", "later"]
    [shown] = call("callpermissions.get", id=first["id"])["users"]
    assert shown == {name: user[name] for name in ("uuid", "firstname", "lastname", "links")}
    [heard] = join("dissociate", first)
    assert heard.name == "user_call_permission_dissociated"
    assert heard.key == f"config.users.{user['uuid']}.callpermissions.deleted"
    assert join("dissociate", first) == []
    call("callpermissions.delete", id=later["id"])
    assert has() == []
    join("associate", first)
    call("users.delete", id=user["id"])
    assert call("callpermissions.get", id=first["id"])["users"] == []


def test_a_user_gets_call_permissions_of_his_tenant_only(call: Call, world: World, system: System, tenant: str) -> None:
    user, other = world.user(), str(uuid.uuid4())
    method = "user_callpermissions.associate"
    message = f"Resource Not Found - User was not found ('id': {UNKNOWN})"
    assert refusal(call, method, user_id=UNKNOWN, call_permission_id=UNKNOWN) == message
    message = f"Resource Not Found - CallPermission was not found ('id': {UNKNOWN})"
    assert refusal(call, method, user_id=user["id"], call_permission_id=UNKNOWN) == message
    with system.client(other, visible_tenants=["*"]) as parent:
        permission = _permission(parent.call)
        told = {"user_tenant_uuid": tenant, "call_permission_tenant_uuid": other}
        message = f"Resource Error - different tenants ({str(told)[1:-1]})"
        ids = {"user_id": user["id"], "call_permission_id": permission["id"]}
        assert refusal(parent.call, method, **ids) == message
        assert refusal(call, method, **ids).startswith("Resource Not Found - CallPermission")
