"""Events reach whoever listens: with all that the bus promises, in order, and only for what took effect."""

import json
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import orjson
import pytest
from nameko.exceptions import MethodNotFound
from nameko.exceptions import RemoteError as NamekoRemoteError
from nameko.standalone.rpc import ClusterRpcProxy

from confd_worker.client import Client, RemoteError, UnknownService
from confd_worker.conformance.system import System, until

from .wire import Wire

Call = Callable[..., Any]

PERSISTENT = 2


@pytest.fixture
def wire(system: System) -> Iterator[Wire]:
    with Wire(system.amqp_uri) as wire:
        yield wire


def _names(wire: Wire, queue: str, call: Call) -> list[str]:
    """Names of the events of the calls made so far."""
    marker = call("users.create", body={"firstname": "marker"})["id"]
    names: list[str] = []
    while True:
        message = wire.get(queue)
        if message.headers["name"] == "user_created" and orjson.loads(message.body)["data"]["id"] == marker:
            return names
        names.append(message.headers["name"])


def test_an_event_carries_its_envelope_and_headers(wire: Wire, call: Call, tenant: str) -> None:
    queue = wire.follow("user_created", tenant_uuid=tenant)
    user = call("users.create", body={"firstname": "Alice", "subscription_type": 3})
    message = wire.get(queue)
    payload, headers = orjson.loads(message.body), dict(message.headers)
    headers.pop("BCC", None)

    assert payload.pop("data") == {
        "id": user["id"],
        "uuid": user["uuid"],
        "subscription_type": 3,
        "created_at": user["created_at"].replace("T", " "),
        "tenant_uuid": tenant,
    }
    assert payload == headers
    timestamp, event_id = headers.pop("timestamp"), headers.pop("event_id")
    assert headers == {
        "name": "user_created",
        "origin_uuid": call("infos.get")["uuid"],
        "required_access": "event.user_created",
        "required_acl": "events.config.user.created",
        "tenant_uuid": tenant,
        "user_uuid:*": True,
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", timestamp)
    assert message.delivery_info["routing_key"] == "config.user.created"
    assert message.properties["message_id"] == event_id == str(uuid.UUID(event_id))
    assert message.properties["content_type"] == "application/json"
    assert message.properties["delivery_mode"] == PERSISTENT


def test_an_event_of_single_users_names_them_and_not_the_tenant(wire: Wire, call: Call, tenant: str) -> None:
    queue = wire.follow("users_services_dnd_updated", tenant_uuid=tenant)
    user = call("users.create", body={"firstname": "Alice"})
    call("user_services.update_one", user_id=user["id"], name="dnd", body={"enabled": True})
    headers = wire.get(queue).headers
    assert {name: value for name, value in headers.items() if name.startswith("user_uuid:")} == {
        f"user_uuid:{user['uuid']}": True
    }
    assert (headers["tenant_uuid"], headers["service_name"]) == (tenant, "dnd")


def test_an_event_between_daemons_has_no_tenant(wire: Wire, system: System) -> None:
    queue = wire.follow("live_reload_edited")
    with system.client() as client:
        client.call("configuration_live_reload.update", body={"enabled": True})
    message = wire.get(queue)
    assert not [name for name in message.headers if name.startswith(("tenant_uuid", "user_uuid"))]
    assert orjson.loads(message.body)["data"] == {"live_reload_enabled": True}


def test_events_of_one_item_keep_the_order_of_its_changes(
    wire: Wire, system: System, tenant: str, client: Client
) -> None:
    queue = wire.follow("user_created", "user_edited", "user_deleted", tenant_uuid=tenant)
    user = client.call("users.create", body={"firstname": "Alice"})["id"]
    answered: list[int] = []

    def change(own: int) -> None:
        with system.client(tenant) as other:
            for _ in range(10):
                other.call("users.update", id=user, body={"subscription_type": own})
                answered.append(own)

    threads = [Thread(target=change, args=(own,)) for own in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = client.call("users.get", id=user)["subscription_type"]
    client.call("users.delete", id=user)

    seen = [wire.get(queue) for _ in range(len(answered) + 2)]
    names = [message.headers["name"] for message in seen]
    assert names == ["user_created", *["user_edited"] * 30, "user_deleted"]
    types = [orjson.loads(message.body)["data"]["subscription_type"] for message in seen]
    assert types[-1] == types[-2] == last
    assert sorted(types[1:-1]) == sorted(answered)
    assert len({message.headers["event_id"] for message in seen}) == len(seen)


def test_one_call_with_many_changes_tells_them_in_their_order(wire: Wire, call: Call, tenant: str) -> None:
    queue = wire.follow(tenant_uuid=tenant)
    context = call("contexts.create", body={"label": "inside", "user_ranges": [{"start": "1000", "end": "1999"}]})
    body = {"context": context["name"], "endpoint_sip": {}, "extensions": [{"exten": "1000"}]}
    line = call("lines.create", body=body)
    call("lines.delete", id=line["id"], recursive=True)
    assert _names(wire, queue, call) == [
        "context_created", "line_created", "sip_endpoint_created", "line_endpoint_sip_associated", "extension_created",
        "line_extension_associated", "line_extension_dissociated", "extension_deleted",
        "line_endpoint_sip_dissociated", "sip_endpoint_deleted", "line_deleted",
    ]  # fmt: skip


TAKEN = "taken@acme.example"


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("users.create", {"body": {"firstname": 5}}),
        ("users.create", {"body": {"firstname": "Bob", "email": TAKEN}}),
        ("users.update", {"id": 2_000_000_000, "body": {}}),
        ("users.delete", {"id": 2_000_000_000}),
        ("users.import", {"body": "firstname,context,line_protocol,exten\nAlice,,,\nBob,nowhere,sip,1000\n"}),
        ("lines.create", {"body": {"context": "nowhere"}}),
    ],
)
def test_a_call_that_fails_sends_nothing(wire: Wire, call: Call, tenant: str, method: str, arguments: Any) -> None:
    queue = wire.follow(tenant_uuid=tenant)
    taken = call("users.create", body={"firstname": "Alice", "email": TAKEN})["id"]
    with pytest.raises(RemoteError):
        call(method, **arguments)
    assert [user["id"] for user in call("users.list")["items"]] == [taken]
    call("users.delete", id=taken)
    assert _names(wire, queue, call) == ["user_created", "user_deleted"]


def test_a_part_of_a_call_that_fails_late_leaves_its_events_to_nobody(wire: Wire, call: Call, tenant: str) -> None:
    queue = wire.follow(tenant_uuid=tenant)
    lost = {"firstname": "Ann", "voicemail_name": "x", "voicemail_number": "1", "voicemail_context": "nowhere"}
    done = call("users.import_rows", rows=[lost, {"firstname": "Bob"}, lost])
    assert (len(done["created"]), len(done["errors"])) == (1, 2)
    assert _names(wire, queue, call) == ["user_created"]


def test_a_plain_nameko_event_handler_hears_events_of_a_service_and_of_all(
    system: System, call: Call, tenant: str, context: str, tmp_path: Path
) -> None:
    heard = tmp_path / "heard"
    command = [sys.executable, "-W", "ignore", "-m", "integration_tests.listener", system.amqp_uri]
    with heard.open("wb") as output, subprocess.Popen(command, stdout=output) as listener:
        try:
            until(lambda: heard.read_text().startswith("listening\n"), "the daemon listens")
            made = [call("users.create", body={"firstname": "Alice"}) for _ in range(3)]
            line = call("lines.create", body={"context": context, "endpoint_sip": {}})
            call("user_lines.associate", user_id=made[0]["id"], line_id=line["id"])
            until(lambda: heard.read_text().count("\n") == 2 + len(made), "it hears of all users, and of the line")
        finally:
            listener.kill()
    events = [json.loads(line) for line in heard.read_text().splitlines()[1:]]
    events = [event for event in events if event["tenant_uuid"] == tenant]
    assert [event["data"].get("uuid") for event in events] == [*(user["uuid"] for user in made), None]
    assert [event["name"] for event in events] == ["user_created"] * 3 + ["user_line_associated"]


def test_a_handler_that_is_away_hears_what_happened_meanwhile(system: System, call: Call, tenant: str) -> None:
    queue = f"test-{tenant}"
    with Wire(system.amqp_uri) as wire:
        wire.follow("user_created", queue=queue, tenant_uuid=tenant)
    user = call("users.create", body={"firstname": "Alice"})
    with Wire(system.amqp_uri) as wire:
        assert orjson.loads(wire.get(queue).body)["data"]["id"] == user["id"]
        wire.channel.queue_delete(queue)


def test_a_plain_nameko_client_calls_with_its_context_data(system: System, tenant: str, call: Call) -> None:
    config = {"AMQP_URI": system.amqp_uri}
    with ClusterRpcProxy(config, context_data={"tenant_uuid": tenant, "language": "en"}, timeout=10) as rpc:
        user = rpc.users.create(body={"firstname": "Alice"})
        assert rpc.users.get(user["id"]) == call("users.get", id=user["id"])
        pending = [rpc.users.get.call_async(id=user["id"]) for _ in range(3)]
        assert [reply.result()["tenant_uuid"] for reply in pending] == [tenant] * 3
        with pytest.raises(NamekoRemoteError) as refusal:
            rpc.users.get(id=2_000_000_000)
    assert refusal.value.exc_type == "NotFound"
    assert "User was not found" in str(refusal.value)


def test_the_outbox_is_empty_once_all_is_told(system: System, call: Call) -> None:
    call("users.create", body={"firstname": "Alice"})
    with system.database() as cursor:

        def emptied() -> bool:
            cursor.execute("SELECT count(*) FROM outbox")
            return cursor.fetchone()[0] == 0

        until(emptied, "an empty outbox")


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("groups.edit", "Service 'groups' has no method 'edit'; there is groups.update"),
        ("users.associate", "Service 'users' has no method 'associate'; there is "),
        ("endpoints_sip_templates.associate", "Service 'endpoints_sip_templates' has no method 'associate'"),
    ],
)
def test_who_calls_a_method_that_is_not_there_is_told_the_nearest(wanted: str, told: str, call: Call) -> None:
    with pytest.raises(RemoteError) as refusal:
        call(wanted)
    assert (refusal.value.status, refusal.value.type) == (404, "unknown-method")
    assert refusal.value.message.startswith(told)


def test_who_calls_a_service_that_is_not_there_is_told_the_nearest(call: Call) -> None:
    with pytest.raises(UnknownService, match=r"; there is user_lines\.associate"):
        call("user_line.associate", user_id=1, line_id=1)


def test_arguments_have_the_names_of_the_path(call: Call) -> None:
    with pytest.raises(RemoteError, match=r"missing a required argument: 'user_id'"):
        call("user_lines.associate", left=1, right=2)


def test_a_plain_nameko_client_is_told_the_nearest_method(system: System) -> None:
    with ClusterRpcProxy({"AMQP_URI": system.amqp_uri}, timeout=10) as rpc, pytest.raises(MethodNotFound) as refusal:
        rpc.groups.edit(uuid=1, body={})
    assert str(refusal.value).startswith("Service 'groups' has no method 'edit'; there is groups.update")
