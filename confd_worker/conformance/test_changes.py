"""What every change must honour: its event, its revision, and the revision that it may depend on."""

import uuid
from typing import Any

from confd_schemas.openapi import document
from confd_schemas.spec import Operation, discover

from ..client import Client
from .items import RESOURCES, Call, body_of, change_of, key_of, make, offered, refused
from .system import System

EVENTS = {"create": "created", "update": "edited", "delete": "deleted"}


def _event_names(resource: str) -> dict[str, str]:
    """The event that each change of an item sends, by method."""
    service = RESOURCES[resource]
    name = next((name.removesuffix("_created") for name in service.notifier.names if name.endswith("_created")), None)
    assert name, f"{service.__qualname__} tells nobody of new items: notifier = Notifier.resource(name, key)"
    names = {method: f"{name}_{EVENTS[method]}" for method in ("create", *offered(resource, "update", "delete"))}
    assert set(names.values()) <= service.events(), f"events that the notifier of {service.__qualname__} lacks"
    return names


def test_each_change_sends_its_event(resource: str, client: Client, system: System, tenant: str) -> None:
    owned, names = RESOURCES[resource].dao.owned, _event_names(resource)
    with system.events(*names.values()) as events:
        key = key_of(resource, make(client.call, resource))
        if "update" in names:
            client.call(f"{resource}.update", **key, body=change_of(resource))
        if "delete" in names:
            client.call(f"{resource}.delete", **key)
        seen: list[Any] = []
        while len(seen) < len(names):
            headers, payload = events.get(timeout=10)
            if not owned or headers.get("tenant_uuid") == tenant:
                seen.append((headers, payload))
    assert [headers["name"] for headers, _ in seen] == list(names.values())
    for headers, payload in seen:
        assert payload == {**headers, "data": payload["data"]}
        assert headers["required_access"] == f"event.{headers['name']}"
        assert headers["required_acl"].startswith("events.config.")
        assert headers.get("user_uuid:*", False) is owned
    assert len({headers["event_id"] for headers, _ in seen}) == len(names)


def test_a_change_raises_the_revision_by_one(changeable: str, call: Call) -> None:
    key = key_of(changeable, make(call, changeable))

    def revision() -> int:
        shown = call(f"{changeable}.get", **key)
        assert shown in call(f"{changeable}.list")["items"]
        assert "revision" in shown, "let the schema be an Item, and the model TenantOwned or Revised"
        return int(shown["revision"])

    assert revision() == 1
    call(f"{changeable}.update", **key, body=change_of(changeable))
    assert revision() == 2, "the migration must say: SELECT confd_revised('the table')"
    call(f"{changeable}.update", **key, body={})
    call(f"{changeable}.update", **key, body={"revision": 7})
    call(f"{changeable}.update", **key, body=change_of(changeable))
    assert revision() == 2, "nothing was changed"


def test_a_change_of_another_revision_is_refused_and_sends_nothing(
    changeable: str, client: Client, system: System
) -> None:
    key, body = key_of(changeable, make(client.call, changeable)), change_of(changeable)
    shown = client.call(f"{changeable}.get", **key)
    names = _event_names(changeable)
    changes = {"update": {"body": body}} | ({"delete": {}} if "delete" in names else {})
    del names["create"]

    def change(revision: Any, method: str) -> Any:
        return client.using(if_revision=revision).call(f"{changeable}.{method}", **key, **changes[method])

    with system.events(*names.values()) as events:
        for method in changes:
            for wrong in (2, [2, 3], "0"):
                refusal = refused(change, wrong, method)
                assert (refusal.status, refusal.type, refusal.details) == (412, "revision-mismatch", {"revision": 1})
        assert client.call(f"{changeable}.get", **key) == shown
        change(1, "update")
        if "delete" in changes:
            assert refused(change, 1, "delete").details == {"revision": 2}
            change([1, 2], "delete")
            assert refused(change, "*", "delete").status == 404
        assert [events.get(timeout=10)[0]["name"] for _ in names] == list(names.values())


def _arguments(operation: Operation, first: Any) -> dict[str, Any]:
    """Those of a call that names the first item of its path rightly, and is otherwise wrong."""
    unknown = {"int": 2_000_000_000, "uuid": str(uuid.uuid4()), "id": 2_000_000_000}
    ids = {name: unknown.get(kind, kind.split("|")[0]) for name, kind in operation.variables.items()}
    body = {"body": {} if operation.body else ""} if operation.takes_body else {}
    return ids | dict.fromkeys(list(ids)[:1], first) | operation.constants | body


def test_each_change_that_takes_a_condition_checks_it_first_and_no_other_takes_one(
    operations: list[Operation], client: Client
) -> None:
    paths = document(sorted(discover(), key=lambda spec: spec.name), version="1")["paths"]
    by_path = {service.spec.path: name for name, service in RESOURCES.items()}
    made: dict[str, dict[str, Any]] = {}
    for operation in operations:
        if not operation.changes:
            continue
        name = by_path.get(operation.item)
        if name and name not in made:
            made[name] = make(client.call, name)
        first = made[name]["id" if "id" in made[name] else "uuid"] if name else None
        refusal = refused(client.using(if_revision=999).call, operation.rpc or "", **_arguments(operation, first))
        conditional = "412" in paths[operation.plain_path][operation.method.lower()]["responses"]
        assert refusal.type == ("revision-mismatch" if conditional else "no-revision"), operation.rpc
        if conditional and name:
            assert refusal.details == {"revision": client.call(f"{name}.get", **key_of(name, made[name]))["revision"]}


def test_what_is_read_or_made_has_no_condition(resource: str, client: Client) -> None:
    key = key_of(resource, make(client.call, resource))
    conditional = client.using(if_revision="*").call
    for method, arguments in (("get", key), ("list", {}), ("create", {"body": body_of(client.call, resource)})):
        refusal = refused(conditional, f"{resource}.{method}", **arguments)
        assert (refusal.status, refusal.type) == (400, "no-revision")
