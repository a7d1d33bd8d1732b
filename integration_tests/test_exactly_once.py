"""A call takes effect once, however often it is delivered."""

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest

from confd_worker.client import Client, RemoteError, Timeout
from confd_worker.conformance.system import System, until

from .wire import Wire

ALICE = {"args": [], "kwargs": {"body": {"firstname": "Alice"}}}


def test_a_repeat_with_the_same_key_gets_the_same_reply_and_changes_nothing(client: Client, tenant: str) -> None:
    keyed = client.using(idempotency_key=f"create-{tenant}")
    first = keyed.call("users.create", body={"firstname": "Alice"})
    assert keyed.call("users.create", body={"firstname": "Alice"}) == first
    assert client.call("users.list")["total"] == 1


@pytest.mark.parametrize(
    ("method", "arguments", "event"),
    [
        ("users.create", {"body": {"firstname": "Alice"}}, "user_created"),
        ("users.update", {"id": "{id}", "body": {"firstname": "Alice"}}, "user_edited"),
        ("users.delete", {"id": "{id}"}, "user_deleted"),
        ("users.import", {"body": "firstname\nAlice\n"}, "user_created"),
        ("users.import_rows", {"rows": [{"firstname": "Alice"}]}, "user_created"),
    ],
)
def test_a_repeat_with_the_same_key_tells_nothing(
    method: str, arguments: dict[str, Any], event: str, client: Client, system: System, tenant: str
) -> None:
    keyed = client.using(idempotency_key=str(uuid.uuid4()))
    with Wire(system.amqp_uri) as wire:
        queue = wire.follow(tenant_uuid=tenant)
        user = client.call("users.create", body={"firstname": "Bob"})["id"]
        given = orjson.loads(orjson.dumps(arguments).replace(b'"{id}"', str(user).encode()))
        replies = [keyed.call(method, **given) for _ in range(3)]
        assert replies == [replies[0]] * 3
        client.call("contexts.create", body={"label": "marker"})
        told = [wire.get(queue).headers["name"] for _ in range(3)]
    assert told == ["user_created", event, "context_created"]


def test_the_same_key_for_another_call_is_an_error(client: Client, tenant: str) -> None:
    keyed = client.using(idempotency_key=f"create-{tenant}")
    keyed.call("users.create", body={"firstname": "Alice"})
    with pytest.raises(RemoteError) as refusal:
        keyed.call("users.create", body={"firstname": "Bob"})
    assert refusal.value.type == "idempotency-key-reused"
    assert client.call("users.list")["total"] == 1


def test_the_same_key_for_another_import_is_an_error(client: Client) -> None:
    keyed = client.using(idempotency_key=str(uuid.uuid4()))
    keyed.call("users.import", body="firstname\nAlice\n")
    with pytest.raises(RemoteError) as refusal:
        keyed.call("users.import", body="firstname\nBob\n")
    assert refusal.value.type == "idempotency-key-reused"
    assert client.call("users.list")["total"] == 1


def test_a_key_counts_in_its_tenant_only(client: Client, system: System) -> None:
    key = str(uuid.uuid4())
    client.using(idempotency_key=key).call("users.create", body={"firstname": "Alice"})
    with system.client(str(uuid.uuid4()), idempotency_key=key) as other:
        other.call("users.create", body={"firstname": "Alice"})
        assert other.call("users.list")["total"] == 1


def test_a_call_that_failed_may_be_repeated_with_its_key(client: Client, tenant: str) -> None:
    keyed = client.using(idempotency_key=f"create-{tenant}")
    with pytest.raises(RemoteError):
        keyed.call("users.create", body={})
    assert keyed.call("users.create", body={"firstname": "Alice"})["firstname"] == "Alice"


def test_over_http_the_key_is_a_header(http: Callable[..., Any]) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first = http("POST", "/users", json={"firstname": "Alice"}, headers=headers)
    again = http("POST", "/users", json={"firstname": "Alice"}, headers=headers)
    assert (first.status_code, first.json()) == (again.status_code, again.json())


def test_of_many_who_take_a_name_at_once_one_wins(client: Client, tenant: str) -> None:
    # The first write in a tenant, and the first ones of a worker, are slow: let the race begin behind them.
    for reply in [client.call_async("users.create", body={"firstname": "Bob"}) for _ in range(50)]:
        reply.result()
    body = {"firstname": "Alice", "username": f"alice-{tenant}"}
    outcomes = []
    for reply in [client.call_async("users.create", body=body) for _ in range(200)]:
        try:
            reply.result()
            outcomes.append("created")
        except RemoteError as error:
            outcomes.append(error.message)
    taken = f"Resource Error - User already exists ('username': 'alice-{tenant}')"
    assert sorted(outcomes) == [taken] * 199 + ["created"]


TAKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "email": ("users", {"firstname": "Alice", "email": "{tenant}@acme.example"}),
    "email in other letters": ("users", {"firstname": "Bob", "email": "{tenant}@ACME.example"}),
    "number of a voicemail": ("voicemails", {"name": "x", "number": "1000", "context": "{context}"}),
    "exten": ("extensions", {"exten": "1000", "context": "{context}"}),
    "name of an endpoint": ("endpoints_sip", {"name": "{tenant}"}),
}


@pytest.mark.parametrize("what", TAKEN)
def test_whatever_is_unique_is_taken_once(what: str, client: Client, tenant: str) -> None:
    context = client.call("contexts.create", body={"label": "inside"})["name"]
    name, example = TAKEN[what]
    body = {field: value.format(tenant=tenant, context=context) for field, value in example.items()}
    replies = [orjson.loads(client.call_async(f"{name}.create", body=body).raw()) for _ in range(2)]
    replies += [
        orjson.loads(each.raw()) for each in [client.call_async(f"{name}.create", body=body) for _ in range(20)]
    ]
    refusals = [reply["error"] for reply in replies if reply["error"]]
    assert {(refusal["status"], refusal["type"]) for refusal in refusals} == {(400, "resource-exists")}
    assert len(refusals) == len(replies) - 1
    assert client.call(f"{name}.list")["total"] == 1


@pytest.fixture(scope="module")
def queues(own_system: System) -> System:
    """A system whose queues are there, and which has no worker until a test starts one."""
    own_system.start_worker()
    own_system.stop("worker")
    return own_system


def test_a_call_that_nobody_waits_for_any_more_is_not_run(queues: System, tenant: str) -> None:
    with queues.client(tenant, timeout=0.3) as client, pytest.raises(Timeout):
        client.call("users.create", body={"firstname": "Alice"})
    with Wire(queues.amqp_uri) as wire:
        late = wire.send("users.create", ALICE, {"nameko.tenant_uuid": tenant, "nameko.deadline": f"{time.time()}"})
        queues.start_worker()
        assert wire.reply(late)["error"]["type"] == "deadline-exceeded"
    with queues.client(tenant) as client:
        assert client.call("users.list")["total"] == 0
    queues.stop("worker")


def test_a_call_that_is_delivered_again_is_answered_as_before(queues: System, tenant: str) -> None:
    """As when a worker dies after the commit, before the broker knows."""
    with Wire(queues.amqp_uri) as wire:
        events = wire.follow("user_created", tenant_uuid=tenant)
        headers = {"nameko.tenant_uuid": tenant}
        queues.start_worker()
        key = wire.send("users.create", ALICE, headers)
        first = wire.reply(key)
        queues.stop("worker")
        wire.send("users.create", ALICE, headers, correlation_id=key)
        message = until(lambda: wire.channel.basic_get("rpc-users"), "the call waits")
        wire.channel.basic_reject(message.delivery_tag, requeue=True)
        wire.forget(key)
        queues.start_worker()
        assert wire.reply(key) == first
        with queues.client(tenant) as client:
            assert [user["id"] for user in client.call("users.list")["items"]] == [first["result"]["id"]]
            client.call("users.create", body={"firstname": "marker"})
        told = [orjson.loads(wire.get(events).body)["data"]["id"] for _ in range(2)]
        assert told[0] == first["result"]["id"] != told[1]
    queues.stop("worker")


def test_every_call_is_answered_and_takes_effect_once_while_the_worker_is_killed(queues: System, tenant: str) -> None:
    answered: list[str] = []
    over = threading.Event()

    def create() -> None:
        # The calls bear no key of their own: the broker's message is all there is to know them by.
        with queues.client(tenant, timeout=30) as client:
            while not over.is_set():
                answered.append(client.call("users.create", body={"firstname": "Alice"})["uuid"])

    def goes_on() -> None:
        have = len(answered)
        until(lambda: len(answered) >= have + 40, "forty more calls are answered", 30)

    queues.start_worker()
    with Wire(queues.amqp_uri) as wire, ThreadPoolExecutor() as pool:
        events = wire.follow("user_created", tenant_uuid=tenant)
        callers = [pool.submit(create) for _ in range(6)]
        try:
            for _ in range(4):
                goes_on()
                queues.kill("worker")
                queues.start_worker()
        finally:
            over.set()
        for caller in callers:
            caller.result()
        with queues.database() as cursor:
            until(lambda: _count(cursor, "outbox") == 0, "all is told")
            cursor.execute("SELECT uuid::text FROM users WHERE tenant_uuid = %s", (tenant,))
            stored = [row[0] for row in cursor.fetchall()]
        assert sorted(stored) == sorted(answered)
        told = {(orjson.loads(each.body)["data"]["uuid"], each.headers["event_id"]) for each in wire.all(events)}
        assert sorted(user for user, _ in told) == sorted(stored)


def test_another_call_with_the_same_correlation_id_is_another_call(system: System, tenant: str) -> None:
    other = str(uuid.uuid4())
    with Wire(system.amqp_uri) as mine, Wire(system.amqp_uri) as theirs:
        key = mine.send("users.create", ALICE, {"nameko.tenant_uuid": tenant})
        alice = mine.reply(key)["result"]
        bob = {"args": [], "kwargs": {"body": {"firstname": "Bob"}}}
        for wire, body, headers in (
            (theirs, ALICE, {"nameko.tenant_uuid": other}),
            (theirs, ALICE, {"nameko.tenant_uuid": tenant}),
            (theirs, bob, {"nameko.tenant_uuid": tenant}),
            (mine, bob, {"nameko.tenant_uuid": tenant}),
            (mine, bob, {"nameko.tenant_uuid": tenant, "nameko.user_uuid": str(uuid.uuid4())}),
        ):
            wire.forget(key)
            wire.send("users.create", body, headers, correlation_id=key)
            made = wire.reply(key)["result"]
            assert made["uuid"] != alice["uuid"]
            assert (made["firstname"], made["tenant_uuid"]) == (
                body["kwargs"]["body"]["firstname"],
                headers["nameko.tenant_uuid"],
            )
    with system.client(tenant) as client:
        assert client.call("users.list")["total"] == 5


def test_an_idempotency_key_is_one_of_its_tenant(client: Client, system: System) -> None:
    key = str(uuid.uuid4())
    made = client.using(idempotency_key=key).call("users.create", body={"firstname": "Alice"})
    with system.client(str(uuid.uuid4()), idempotency_key=key) as other:
        assert other.call("users.create", body={"firstname": "Bob"})["firstname"] == "Bob"
    assert client.using(idempotency_key=key).call("users.create", body={"firstname": "Alice"}) == made


def _count(cursor: Any, table: str) -> int:
    cursor.execute(f"SELECT count(*) FROM {table}")
    return int(cursor.fetchone()[0])
