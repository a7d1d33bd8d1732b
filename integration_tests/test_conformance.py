"""What every plugin must honour; a new one is covered once it is registered, a resource once it has an example here."""

import uuid
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from confd_schemas.dialplan.destinations import Destination
from confd_schemas.fields import Nested, Options, Reference, Whole
from confd_schemas.openapi import document
from confd_schemas.spec import Operation, Resource, discover

from confd_worker.client import Client, RemoteError
from confd_worker.core.plugin.discovery import discover as plugins
from confd_worker.core.plugin.resource import ResourceService

from .system import System

Call = Callable[..., Any]

SERVICES = plugins()
SPECS: list[Resource] = sorted(discover(), key=lambda spec: spec.name)
OPERATIONS = [operation for spec in SPECS for operation in spec.operations if operation.rpc]
RESOURCES = {
    name: service
    for name, service in SERVICES.items()
    if issubclass(service, ResourceService) and "create" in service.spec.methods
}
OWNED = {name: service for name, service in RESOURCES.items() if service.dao.owned}


def _context(call: Call) -> str:
    """A context with extens from 1000 to 1999 for everything."""
    ranges = [{"start": "1000", "end": "1999"}]
    names = ("user_ranges", "group_ranges", "queue_ranges", "conference_room_ranges")
    body = {"label": "inside", **dict.fromkeys(names, ranges)}
    return call("contexts.create", body=body)["name"]


HANGUP = {"type": "hangup", "cause": "normal"}
EXAMPLES: dict[str, Callable[[Call, int], dict[str, Any]]] = {
    "access_features": lambda call, n: {"host": f"{uuid.uuid4()}"},
    "callpermissions": lambda call, n: {"name": f"permission {n}"},
    "contexts": lambda call, n: {"label": f"context {n}"},
    "endpoints_custom": lambda call, n: {"interface": f"local/{uuid.uuid4()}"},
    "endpoints_sccp": lambda call, n: {},
    "endpoints_sip": lambda call, n: {"label": f"endpoint {n}"},
    "endpoints_sip_templates": lambda call, n: {"label": f"template {n}"},
    "extensions": lambda call, n: {"exten": f"1{n:03}", "context": _context(call)},
    "groups": lambda call, n: {"label": f"group {n}"},
    "incalls": lambda call, n: {"destination": HANGUP, "description": f"incall {n}"},
    "ivr": lambda call, n: {"name": f"ivr {n}", "menu_sound": "menu"},
    "lines": lambda call, n: {"context": _context(call)},
    "moh": lambda call, n: {"label": f"music {n}", "mode": "files"},
    "schedules": lambda call, n: {"name": f"schedule {n}", "closed_destination": HANGUP},
    "users": lambda call, n: {"firstname": f"Alice {n}", "lastname": "Martin"},
    "voicemails": lambda call, n: {"name": f"voicemail {n}", "number": f"1{n:03}", "context": _context(call)},
}
CHANGES: dict[str, dict[str, Any]] = {
    "access_features": {"enabled": False},
    "callpermissions": {"description": "changed"},
    "contexts": {"description": "changed"},
    "endpoints_custom": {"interface_suffix": "changed"},
    "endpoints_sccp": {"options": [["allow", "alaw"]]},
    "endpoints_sip": {"label": "changed"},
    "endpoints_sip_templates": {"label": "changed"},
    "extensions": {"enabled": False},
    "groups": {"label": "changed"},
    "incalls": {"description": "changed"},
    "ivr": {"description": "changed"},
    "lines": {"position": 2},
    "moh": {"label": "changed"},
    "schedules": {"name": "changed"},
    "users": {"description": "changed"},
    "voicemails": {"email": "changed@acme.example"},
}


def _made(call: Call, name: str, n: int = 1) -> dict[str, Any]:
    return call(f"{name}.create", body=EXAMPLES[name](call, n))


def _id(name: str, item: dict[str, Any]) -> dict[str, Any]:
    key = RESOURCES[name].spec.id
    return {key: item[key]}


def _has(item: dict[str, Any], values: dict[str, Any]) -> bool:
    return item | values == item


def _update(name: str) -> str:
    return f"{name}.update"


def _refused(call: Call, method: str, **arguments: Any) -> RemoteError:
    with pytest.raises(RemoteError) as refusal:
        call(method, **arguments)
    return refusal.value


def test_every_resource_that_can_be_made_has_an_example() -> None:
    assert set(RESOURCES) <= set(EXAMPLES)


@pytest.mark.parametrize("name", RESOURCES)
def test_what_is_made_can_be_read_listed_changed_and_deleted(name: str, call: Call) -> None:
    made = _made(call, name)
    key = _id(name, made)
    shown = call(f"{name}.get", **key)
    if RESOURCES[name]().answer("create") is None:
        assert shown == made
    listed = call(f"{name}.list")["items"]
    assert shown in listed

    call(_update(name), **key, body=CHANGES[name])
    assert _has(call(f"{name}.get", **key), CHANGES[name])

    call(_update(name), **key, body={})
    assert _has(call(f"{name}.get", **key), CHANGES[name])

    call(f"{name}.delete", **key)
    assert _refused(call, f"{name}.get", **key).type == "not-found"
    assert _refused(call, f"{name}.delete", **key).status == 404


@pytest.mark.parametrize("name", RESOURCES)
@pytest.mark.parametrize("method", ["get", "update", "delete"])
def test_an_unknown_id_is_not_found(name: str, method: str, call: Call) -> None:
    key = RESOURCES[name].spec.id
    unknown: Any = str(uuid.uuid4()) if key == "uuid" else 2_000_000_000
    # The id is looked up first, so that a bad body does not matter.
    body: dict[str, Any] = {"body": {CHANGES[name].copy().popitem()[0]: {}}} if method == "update" else {}
    refusal = _refused(call, _update(name) if method == "update" else f"{name}.{method}", **{key: unknown}, **body)
    assert (refusal.status, refusal.type) == (404, "not-found")
    assert refusal.message.startswith(f"Resource Not Found - {RESOURCES[name].spec.label} was not found")


@pytest.mark.parametrize("name", OWNED)
def test_another_tenant_sees_and_changes_nothing(name: str, call: Call, system: System) -> None:
    made = _made(call, name)
    key = _id(name, made)
    with system.client(str(uuid.uuid4())) as stranger:
        assert call(f"{name}.get", **key)
        assert made not in stranger.call(f"{name}.list", recurse=True)["items"]
        for method, body in (("get", {}), (_update(name).rpartition(".")[2], {"body": CHANGES[name]}), ("delete", {})):
            assert _refused(stranger.call, f"{name}.{method}", **key, **body).status == 404
    assert call(f"{name}.get", **key)


@pytest.mark.parametrize("name", OWNED)
def test_a_parent_reaches_the_items_of_its_child_tenant(name: str, call: Call, tenant: str, system: System) -> None:
    made = _made(call, name)
    parent = str(uuid.uuid4())
    with system.client(parent, visible_tenants=[parent, tenant]) as client:
        assert client.call(f"{name}.list")["total"] == 0
        assert _has(client.call(f"{name}.list", recurse=True)["items"][0], _id(name, made))
        client.call(_update(name), **_id(name, made), body=CHANGES[name])
        client.call(f"{name}.delete", **_id(name, made))


def _wrong(field: Any) -> Any:
    """A value of a type that the field does not take."""
    return 5 if isinstance(field, Nested | Reference | Destination | Options | Whole) else {"a": ["b"]}


@pytest.mark.parametrize("name", RESOURCES)
def test_a_field_of_another_type_is_named_and_nothing_is_stored(name: str, call: Call) -> None:
    schema = RESOURCES[name].operation("create").body
    assert schema is not None
    fields = schema().load_fields
    example = EXAMPLES[name](call, 1)
    before = call(f"{name}.list")["total"]
    for field, shape in fields.items():
        refusal = _refused(call, f"{name}.create", body=example | {field: _wrong(shape)})
        assert (refusal.status, refusal.type) == (400, "schema"), field
        assert field in refusal.details["fields"]
        assert any(message.startswith(f"Input Error - {field}: ") for message in refusal.details["messages"])
    refusal = _refused(call, f"{name}.create", body={field: _wrong(shape) for field, shape in fields.items()})
    assert [field for field in refusal.details["fields"] if field != "_schema"] == list(fields)
    assert call(f"{name}.list")["total"] == before


@pytest.mark.parametrize("name", RESOURCES)
def test_a_change_to_another_type_or_to_null_is_refused_and_changes_nothing(name: str, call: Call) -> None:
    key = _id(name, _made(call, name))
    shown = call(f"{name}.get", **key)
    schema = RESOURCES[name].operation("update").body
    assert schema is not None
    for field, shape in schema().load_fields.items():
        refusal = _refused(call, _update(name), **key, body={field: _wrong(shape)})
        assert (refusal.status, field in refusal.details["fields"]) == (400, True), field
        if not shape.allow_none:
            refusal = _refused(call, _update(name), **key, body={field: None})
            assert "Field may not be null." in str(refusal.details["fields"][field])
    assert call(f"{name}.get", **key) == shown


@pytest.mark.parametrize("name", RESOURCES)
def test_what_was_read_may_be_written_back(name: str, call: Call) -> None:
    key = _id(name, _made(call, name))
    shown = call(f"{name}.get", **key)
    # It conflicts with the four that it stands for.
    body = {field: value for field, value in shown.items() if field != "call_record_enabled"}
    call(_update(name), **key, body=body)
    assert call(f"{name}.get", **key) == shown


@pytest.mark.parametrize("name", RESOURCES)
def test_a_field_that_is_required_must_be_there(name: str, call: Call) -> None:
    schema = RESOURCES[name].operation("create").body
    assert schema is not None
    for field in (field for field, shape in schema().load_fields.items() if shape.required):
        body = EXAMPLES[name](call, 1)
        refusal = _refused(call, f"{name}.create", body={each: body[each] for each in body if each != field})
        assert refusal.details["messages"] == [f"Input Error - {field}: ['Missing data for required field.']"]


@pytest.mark.parametrize("body", ["text", 5, [1]], ids=str)
@pytest.mark.parametrize("name", RESOURCES)
def test_a_body_that_is_no_object_is_refused(name: str, body: Any, call: Call) -> None:
    refusal = _refused(call, f"{name}.create", body=body)
    assert refusal.details["messages"] == ["Input Error - _schema: ['Invalid input type.']"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"limit": "x"}, "Input Error - limit: ['Not a valid integer.']"),
        ({"limit": 0}, "Input Error - field 'limit': wrong type. Should be a positive number"),
        ({"limit": -1}, "limit"),
        ({"offset": "-1"}, "offset"),
        ({"recurse": "perhaps"}, "Input Error - recurse: ['Not a valid boolean.']"),
        ({"order": "nonsense"}, "Input Error - order: column 'nonsense' was not found"),
        ({"direction": "up"}, "Input Error - direction: must be 'asc' or 'desc'"),
    ],
)
@pytest.mark.parametrize("name", RESOURCES)
def test_a_bad_list_parameter_is_refused(name: str, given: dict[str, Any], message: str, call: Call) -> None:
    refusal = _refused(call, f"{name}.list", **given)
    assert refusal.status == 400
    assert message in refusal.message


@pytest.mark.parametrize("name", RESOURCES)
def test_each_change_sends_its_event(name: str, client: Client, system: System, tenant: str) -> None:
    service = RESOURCES[name]
    base = next(iter(sorted(service.notifier.names))).rpartition("_")[0]
    names = [f"{base}_{what}" for what in ("created", "edited", "deleted")]
    assert set(names) <= service.events()
    with system.events(*names) as events:
        made = _made(client.call, name)
        client.call(_update(name), **_id(name, made), body=CHANGES[name])
        client.call(f"{name}.delete", **_id(name, made))
        seen: list[Any] = []
        while len(seen) < 3:
            headers, payload = events.get(timeout=10)
            if not service.dao.owned or headers.get("tenant_uuid") == tenant:
                seen.append((headers, payload))
    assert [headers["name"] for headers, _ in seen] == names
    for headers, payload in seen:
        assert payload == {**headers, "data": payload["data"]}
        assert headers["required_access"] == f"event.{headers['name']}"
        assert headers["required_acl"].startswith("events.config.")
        assert headers.get("user_uuid:*", False) is service.dao.owned
    assert len({headers["event_id"] for headers, _ in seen}) == 3


@pytest.mark.parametrize("name", RESOURCES)
def test_a_change_raises_the_revision_by_one(name: str, call: Call) -> None:
    key = _id(name, _made(call, name))

    def revision() -> int:
        shown = call(f"{name}.get", **key)
        assert shown in call(f"{name}.list")["items"]
        return shown["revision"]

    assert revision() == 1
    call(_update(name), **key, body=CHANGES[name])
    assert revision() == 2
    call(_update(name), **key, body={})
    call(_update(name), **key, body={"revision": 7})
    call(_update(name), **key, body=CHANGES[name])
    assert revision() == 2


@pytest.mark.parametrize("name", RESOURCES)
def test_a_change_of_another_revision_is_refused_and_sends_nothing(name: str, client: Client, system: System) -> None:
    service = RESOURCES[name]
    base = next(iter(sorted(service.notifier.names))).rpartition("_")[0]
    key = _id(name, _made(client.call, name))
    shown = client.call(f"{name}.get", **key)
    with system.events(f"{base}_edited", f"{base}_deleted") as events:
        for method, body in ((_update(name), {"body": CHANGES[name]}), (f"{name}.delete", {})):
            for wrong in (2, [2, 3], "0"):
                refusal = _refused(client.using(if_revision=wrong).call, method, **key, **body)
                assert (refusal.status, refusal.type, refusal.details) == (412, "revision-mismatch", {"revision": 1})
        assert client.call(f"{name}.get", **key) == shown
        client.using(if_revision=1).call(_update(name), **key, body=CHANGES[name])
        assert _refused(client.using(if_revision=1).call, f"{name}.delete", **key).details == {"revision": 2}
        client.using(if_revision=[1, 2]).call(f"{name}.delete", **key)
        assert _refused(client.using(if_revision="*").call, f"{name}.delete", **key).status == 404
        told = (events.get(timeout=10) for _ in range(2))
        seen = [headers["name"] for headers, payload in told if service.dao.owned or _has(payload["data"], key)]
    assert seen == [f"{base}_edited", f"{base}_deleted"]


def _arguments(operation: Operation, first: Any) -> dict[str, Any]:
    """Those of a call that names the first item of its path rightly, and is otherwise wrong."""
    unknown = {"int": 2_000_000_000, "uuid": str(uuid.uuid4()), "id": 2_000_000_000}
    ids = {name: unknown.get(kind, kind.split("|")[0]) for name, kind in operation.variables.items()}
    body = {"body": {} if operation.body else ""} if operation.takes_body else {}
    return ids | dict.fromkeys(list(ids)[:1], first) | operation.constants | body


def test_each_change_that_takes_a_condition_checks_it_first_and_no_other_takes_one(client: Client) -> None:
    paths = document(SPECS, version="1")["paths"]
    by_path = {service.spec.path: name for name, service in RESOURCES.items()}
    made: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        if not operation.changes:
            continue
        name = by_path.get(operation.item)
        if name and name not in made:
            made[name] = _made(client.call, name, len(made))
        first = made[name]["id" if "id" in made[name] else "uuid"] if name else None
        refusal = _refused(client.using(if_revision=999).call, operation.rpc, **_arguments(operation, first))
        conditional = "412" in paths[operation.plain_path][operation.method.lower()]["responses"]
        assert refusal.type == ("revision-mismatch" if conditional else "no-revision"), operation.rpc
        if conditional and name:
            assert refusal.details == {"revision": client.call(f"{name}.get", **_id(name, made[name]))["revision"]}


@pytest.mark.parametrize("name", RESOURCES)
def test_what_is_read_or_made_has_no_condition(name: str, client: Client) -> None:
    key = _id(name, _made(client.call, name))
    conditional = client.using(if_revision="*").call
    for method, arguments in (("get", key), ("list", {}), ("create", {"body": EXAMPLES[name](client.call, 2)})):
        refusal = _refused(conditional, f"{name}.{method}", **arguments)
        assert (refusal.status, refusal.type) == (400, "no-revision")


def test_the_gateway_answers_every_read_and_refuses_without_a_token(http: Callable[..., Any]) -> None:
    for operation in OPERATIONS:
        if operation.method != "GET" or operation.acl is None:
            continue
        path = operation.plain_path.format(**{
            name: {"int": "2000000000", "uuid": str(uuid.uuid4()), "id": "2000000000"}.get(kind, kind.split("|")[0])
            for name, kind in operation.variables.items()
        })  # fmt: skip
        token = "the-master-token"
        answer = http("GET", path, token=token)
        assert answer.status_code in (200, 404, 503), (path, answer.text)
        head = http("HEAD", path, token=token)
        assert (head.status_code, head.content) == (answer.status_code, b"")
        assert http("GET", path, token=None).status_code == 401
        assert "GET" in http("OPTIONS", path, token=None).headers["allow"]
        if answer.headers["content-type"] == "application/json":
            assert orjson.loads(answer.content) is not None
