"""A call takes effect once, however often it is delivered."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import amqp
import orjson
import pytest

from confd_worker.client import Client, RemoteError
from confd_worker.connection import connect, disconnect

from .system import System

Call = Callable[..., Any]


def test_a_repeat_with_the_same_key_gets_the_same_reply_and_changes_nothing(client: Client, tenant: str) -> None:
    keyed = client.using(idempotency_key=f"create-{tenant}")
    first = keyed.call("users.create", body={"firstname": "Alice"})
    assert keyed.call("users.create", body={"firstname": "Alice"}) == first
    assert client.call("users.list")["total"] == 1


def test_the_same_key_for_another_call_is_an_error(client: Client, tenant: str) -> None:
    keyed = client.using(idempotency_key=f"create-{tenant}")
    keyed.call("users.create", body={"firstname": "Alice"})
    with pytest.raises(RemoteError) as refusal:
        keyed.call("users.create", body={"firstname": "Bob"})
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


def test_a_call_past_its_deadline_is_not_run(system: System, client: Client, tenant: str) -> None:
    error = _raw_call(system, tenant, {"nameko.deadline": f"{time.time() - 1:.3f}"})
    assert error["type"] == "deadline-exceeded"
    assert client.call("users.list")["total"] == 0


def test_a_message_that_comes_twice_takes_effect_once(system: System, client: Client, tenant: str) -> None:
    """The worker is told that the broker delivers again what it has delivered before."""
    key = str(uuid.uuid4())
    for _ in range(2):
        _raw_call(system, tenant, {"nameko.idempotency_key": key})
    assert client.call("users.list")["total"] == 1


def _raw_call(system: System, tenant: str, headers: dict[str, Any]) -> Any:
    connection = connect(system.amqp_uri, 5)
    try:
        channel = connection.channel()
        queue = channel.queue_declare(exclusive=True).queue
        channel.queue_bind(queue, "nameko-rpc", queue)
        replies: list[Any] = []
        channel.basic_consume(queue, no_ack=True, callback=lambda message: replies.append(orjson.loads(message.body)))
        channel.basic_publish(
            amqp.Message(
                b'{"args": [], "kwargs": {"body": {"firstname": "Alice"}}}',
                content_type="application/json",
                content_encoding="utf-8",
                reply_to=queue,
                correlation_id=str(uuid.uuid4()),
                application_headers={"nameko.tenant_uuid": tenant, **headers},
            ),
            "nameko-rpc",
            "users.create",
        )
        while not replies:
            connection.drain_events(timeout=10)
        return replies[0]["error"] or replies[0]["result"]
    finally:
        disconnect(connection)
