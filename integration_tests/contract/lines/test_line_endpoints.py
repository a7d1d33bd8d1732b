"""Lines with SCCP and custom endpoints: what differs from SIP, and what must not."""

from collections.abc import Callable
from typing import Any

import pytest

from ..world import Call, Heard, World, names, refusal

Told = Callable[..., list[Heard]]
KINDS = ("sccp", "custom")
UNKNOWN = 2_000_000_000
LABELS = {"sccp": "SCCPEndpoint", "custom": "CustomEndpoint"}


@pytest.fixture
def interface(tenant: str) -> str:
    """An interface that nobody else has."""
    return f"Local/123@{tenant}"


@pytest.fixture
def bodies(interface: str) -> dict[str, dict[str, Any]]:
    """A body for an endpoint of each kind."""
    return {"sccp": {"options": [["allow", "alaw"]]}, "custom": {"interface": interface}}


def _endpoint(call: Call, kind: str, body: dict[str, Any]) -> Any:
    return call(f"endpoints_{kind}.create", body=body)


def test_an_sccp_endpoint_shows_its_options_in_one_order_and_keeps_its_caller_id(call: Call) -> None:
    given = [["allow", "alaw"], ["cid_num", "1000"], ["disallow", "all"], ["cid_name", "Alice"]]
    endpoint = _endpoint(call, "sccp", {"options": given})
    assert list(endpoint)[:5] == ["id", "tenant_uuid", "options", "links", "line"]
    assert endpoint["options"] == [["cid_name", "Alice"], ["cid_num", "1000"], ["disallow", "all"], ["allow", "alaw"]]
    for options, shown in (
        ([["allow", "ulaw"]], [["cid_name", "Alice"], ["cid_num", "1000"], ["allow", "ulaw"]]),
        ([["cid_num", ""], ["allow", ""]], [["cid_name", "Alice"], ["allow", ""]]),
        ([], [["cid_name", "Alice"]]),
    ):
        call("endpoints_sccp.update", id=endpoint["id"], body={"options": options})
        assert call("endpoints_sccp.get", id=endpoint["id"])["options"] == shown


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("sccp", {"options": [["nonsense", "1"]]}, "Unknown SCCP options: nonsense"),
        ("sccp", {"options": [["allow"]]}, "Input Error - options: {0: ['Length must be 2.']}"),
        ("sccp", {"options": None}, "Input Error - options: ['Field may not be null.']"),
        ("custom", {}, "Input Error - interface: ['Missing data for required field.']"),
        ("custom", {"interface": None}, "Input Error - interface: ['Field may not be null.']"),
        ("custom", {"interface": "a b"}, "Input Error - interface: ['String does not match expected pattern.']"),
        ("custom", {"interface": "a" * 129}, "Input Error - interface: ['String does not match expected pattern.']"),
        ("custom", {"interface": "a", "interface_suffix": "s" * 33}, "Longer than maximum length 32."),
        ("custom", {"interface": "a", "enabled": "yes"}, "Input Error - enabled: ['Not a valid boolean.']"),
    ],
)
def test_a_body_that_the_contract_refuses_makes_no_endpoint(
    kind: str, body: dict[str, Any], message: str, call: Call
) -> None:
    assert message in refusal(call, f"endpoints_{kind}.create", body=body)
    assert call(f"endpoints_{kind}.list")["total"] == 0


def test_a_custom_endpoint_is_found_by_interface_and_by_the_context_of_its_line(world: World, interface: str) -> None:
    line = world.bare_line(endpoint_custom={"interface": interface, "interface_suffix": ""})
    endpoint = world.call("endpoints_custom.get", id=line["endpoint_custom"]["id"])
    assert (endpoint["interface"], endpoint["interface_suffix"], endpoint["enabled"]) == (interface, None, True)
    assert (endpoint["trunk"], endpoint["line"]) == (None, {"id": line["id"], "links": line["links"]})
    for given in ({"interface": interface}, {"search": interface[3:20]}, {"context": line["context"]}):
        assert [each["id"] for each in world.call("endpoints_custom.list", **given)["items"]] == [endpoint["id"]]
    taken = f"Resource Error - CustomEndpoint already exists ('interface': '{interface}')"
    assert refusal(world.call, "endpoints_custom.create", body={"interface": interface}) == taken


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_and_an_endpoint_are_joined_once_and_parted_once(
    kind: str, world: World, told: Told, tenant: str, bodies: dict[str, Any]
) -> None:
    line, endpoint = world.bare_line(), _endpoint(world.call, kind, bodies[kind])
    ids = {"line_id": line["id"], "endpoint_id": endpoint["id"]}
    key = f"config.lines.{line['id']}.endpoints.{kind}.{endpoint['id']}"
    joined, parted = told(f"line_endpoints_{kind}.associate", **ids), told(f"line_endpoints_{kind}.dissociate", **ids)
    own = {"interface": bodies[kind]["interface"]} if kind == "custom" else {}
    for heard, verb, what in ((joined, "updated", "associated"), (parted, "deleted", "dissociated")):
        (event,) = heard
        assert (event.name, event.key) == (f"line_endpoint_{kind}_{what}", f"{key}.{verb}")
        assert event.headers == {"tenant_uuid": tenant, "user_uuid:*": True}
        assert event.body[f"endpoint_{kind}"] == {"id": endpoint["id"], "tenant_uuid": tenant, **own}
        assert event.body["line"].keys() == {"id", "tenant_uuid", "name"}
    assert joined[0].body["line"]["name"] == (own.get("interface") or joined[0].body["line"]["name"])
    assert parted[0].body["line"]["name"] is None
    world.call(f"line_endpoints_{kind}.associate", **ids)
    assert told(f"line_endpoints_{kind}.associate", **ids) == []
    shown = world.call("lines.get", id=line["id"])
    assert (shown["protocol"], shown["name"]) == (kind, joined[0].body["line"]["name"])
    assert world.call("lines.list", protocol=kind)["total"] == 1
    assert world.call(f"endpoints_{kind}.get", id=endpoint["id"])["line"] == {"id": line["id"], "links": line["links"]}


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_has_one_endpoint_and_an_endpoint_one_line(kind: str, world: World, bodies: dict[str, Any]) -> None:
    line, taken = world.bare_line(), world.line()
    endpoint = _endpoint(world.call, kind, bodies[kind])["id"]
    associate, dissociate = f"line_endpoints_{kind}.associate", f"line_endpoints_{kind}.dissociate"
    sip = taken["endpoint_sip"]["uuid"]
    assert refusal(world.call, associate, line_id=taken["id"], endpoint_id=endpoint) == (
        f"Resource Error - Line is associated with a Endpoint ('line_id': {taken['id']}, 'endpoint': 'sip', "
        f"'endpoint_id': UUID('{sip}'))"
    )
    world.call(associate, line_id=line["id"], endpoint_id=endpoint)
    other = world.bare_line()["id"]
    assert refusal(world.call, associate, line_id=other, endpoint_id=endpoint) == (
        f"Resource Error - Line is associated with a Endpoint ('line_id': {line['id']}, 'endpoint': '{kind}', "
        f"'endpoint_id': {endpoint})"
    )
    user = world.user()
    world.have(user, line)
    assert refusal(world.call, dissociate, line_id=line["id"], endpoint_id=endpoint) == (
        f"Resource Error - Line is associated with a User ('line_id': {line['id']}, 'user_ids': '{user['id']}')"
    )
    for ids, message in (
        ({"line_id": UNKNOWN, "endpoint_id": UNKNOWN}, f"Line was not found ('id': {UNKNOWN})"),
        ({"line_id": other, "endpoint_id": UNKNOWN}, f"{LABELS[kind]} was not found ('id': {UNKNOWN})"),
    ):
        for method in (associate, dissociate):
            assert refusal(world.call, method, **ids) == f"Resource Not Found - {message}"


def test_an_sccp_endpoint_follows_the_main_user_and_the_exten_goes_before_his_number(world: World) -> None:
    line = world.bare_line(endpoint_sccp={"options": [["allow", "alaw"]]}, caller_id_name="before", caller_id_num="7")
    assert (line["caller_id_name"], line["caller_id_num"]) == ("before", None)
    user = world.user(caller_id='"Bob" <555>')
    world.have(user, line)

    def caller_id() -> tuple[Any, Any]:
        shown = world.call("lines.get", id=line["id"])
        return shown["caller_id_name"], shown["caller_id_num"]

    assert caller_id() == ("Bob", "555")
    world.number(line)
    assert caller_id() == ("Bob", "1000")
    world.call("users.update", id=user["id"], body={"caller_id": '"Carol"'})
    assert caller_id() == ("Carol", "1000")
    world.call("lines.update", id=line["id"], body={"caller_id_name": "Dora", "caller_id_num": "1000"})
    assert caller_id() == ("Dora", "1000")
    endpoint = world.call("endpoints_sccp.get", id=line["endpoint_sccp"]["id"])
    assert endpoint["options"] == [["cid_name", "Dora"], ["cid_num", "1000"], ["allow", "alaw"]]


@pytest.mark.parametrize(
    ("endpoint", "change", "message"),
    [
        ("sccp", {"caller_id_num": "5"}, "Cannot set caller id num on endpoint of type 'sccp'"),
        ("sccp", {"caller_id_name": None}, "Cannot set caller id to None"),
        ("sccp", {"caller_id_num": None}, "Cannot set caller id num to None"),
        ("custom", {"caller_id_name": "A"}, "Cannot set caller id on endpoint of type 'custom'"),
        ("custom", {"caller_id_num": "5"}, "Cannot set caller id on endpoint of type 'custom'"),
    ],
)
def test_a_caller_id_that_the_endpoint_cannot_hold_is_refused(
    endpoint: str, change: dict[str, Any], message: str, world: World, bodies: dict[str, Any]
) -> None:
    line = world.bare_line(**{f"endpoint_{endpoint}": bodies[endpoint]})
    assert refusal(world.call, "lines.update", id=line["id"], body=change) == message


def test_a_new_line_with_a_custom_endpoint_takes_no_caller_id_name_and_drops_the_number(
    world: World, interface: str
) -> None:
    body = {"context": world.context["name"], "endpoint_custom": {"interface": interface}, "caller_id_num": "5"}
    refused = refusal(world.call, "lines.create", body=body | {"caller_id_name": "A"})
    assert refused == "Cannot set caller id on endpoint of type 'custom'"
    line = world.call("lines.create", body=body)
    assert (line["protocol"], line["name"], line["caller_id_num"]) == ("custom", interface, None)
    assert line["endpoint_custom"] == world.call("endpoints_custom.get", id=line["endpoint_custom"]["id"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("recursive", ["true", "false"])
def test_the_endpoint_goes_with_its_line_without_events_of_its_own(
    kind: str, recursive: str, world: World, told: Told, bodies: dict[str, Any]
) -> None:
    line = world.bare_line(**{f"endpoint_{kind}": bodies[kind]})
    assert names(told("lines.delete", id=line["id"], recursive=recursive)) == ["line_deleted"]
    assert world.call(f"endpoints_{kind}.list")["total"] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_stays_without_endpoint_when_that_is_deleted(kind: str, world: World, bodies: dict[str, Any]) -> None:
    line = world.bare_line(**{f"endpoint_{kind}": bodies[kind]})
    world.call(f"endpoints_{kind}.delete", id=line[f"endpoint_{kind}"]["id"])
    shown = world.call("lines.get", id=line["id"])
    assert (shown[f"endpoint_{kind}"], shown["protocol"], shown["name"]) == (None, None, None)


@pytest.mark.parametrize("kind", KINDS)
def test_the_event_of_a_users_line_tells_of_its_endpoint(
    kind: str, world: World, told: Told, bodies: dict[str, Any]
) -> None:
    line, user = world.bare_line(**{f"endpoint_{kind}": bodies[kind]}), world.user()
    (event,) = told("user_lines.associate", user_id=user["id"], line_id=line["id"])
    endpoints = {f"endpoint_{each}": event.body["line"][f"endpoint_{each}"] for each in ("sip", *KINDS)}
    assert endpoints == dict.fromkeys(endpoints) | {f"endpoint_{kind}": {"id": line[f"endpoint_{kind}"]["id"]}}
