"""What others delete or take on the broker: it comes back by itself, or is left alone and told."""

import json
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import amqp
import httpx
import orjson
import pytest
from click.testing import CliRunner

from confd_worker.cli import main
from confd_worker.client import Client, ClientError
from confd_worker.conformance.system import MASTER_TOKEN, System, until

from .wire import DEAD_LETTERS, EVENTS, RPC, Wire

TENANT_ADDED = "confd.tenants.auth_tenant_added"
TOPIC = "confd-events"
SOON = 15
TAKEN = "exchange_not_ours exchange=users.events"


@pytest.fixture(scope="module")
def running(own_system: System) -> Iterator[System]:
    own_system.start_worker()
    yield own_system
    own_system.close()


@pytest.fixture
def wire(running: System) -> Iterator[Wire]:
    with Wire(running.amqp_uri) as wire:
        yield wire


def _status(system: System) -> dict[str, Any]:
    done = CliRunner().invoke(main, ["status", "--json"], env=system.environment())
    told = json.loads(done.output)
    assert (told["status"] == "ok") is (done.exit_code == 0)
    return told["parts"]


def _well(system: System) -> bool:
    return all(part["status"] == "ok" for part in _status(system).values())


def _answered(client: Client, method: str = "users.list") -> bool:
    try:
        client.using(timeout=2).call(method)
    except ClientError:
        return False
    return True


def _is_there(wire: Wire, exchange: str) -> bool:
    try:
        wire.channel.exchange_declare(exchange, "headers", passive=True)
    except amqp.NotFound:
        return False
    return True


def _row_comes(system: System, query: str, value: str) -> bool:
    """Whether the query gives a row within a second."""
    with system.database() as cursor:

        def is_there() -> bool:
            cursor.execute(query, (value,))
            return bool(cursor.rowcount)

        try:
            return bool(until(is_there, "the row is there", 1))
        except AssertionError:
            return False


@contextmanager
def _held(system: System) -> Iterator[None]:
    """The worker does nothing meanwhile."""
    system.processes["worker"].send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        system.processes["worker"].send_signal(signal.SIGCONT)


def test_the_exchange_of_calls_comes_back_for_who_was_connected_and_who_is_not(running: System, wire: Wire) -> None:
    with running.client() as connected:
        assert _answered(connected)
        wire.channel.exchange_delete(RPC)
        until(lambda: _is_there(wire, RPC), "the exchange is there again", SOON)
        until(lambda: _answered(connected), "who was connected is answered", SOON)
        with running.client() as another:
            until(lambda: _answered(another), "who connects is answered", SOON)
    until(lambda: _well(running), "all is well", SOON)


def test_the_gateway_is_answered_again_when_the_exchange_is_back(running: System, wire: Wire) -> None:
    running.start_gateway()
    with httpx.Client(base_url=running.url, headers={"X-Auth-Token": MASTER_TOKEN}, timeout=15) as session:
        assert session.get("/users").status_code == 200
        wire.channel.exchange_delete(RPC)
        until(lambda: _is_there(wire, RPC), "the exchange is there again", SOON)
        until(lambda: session.get("/users").status_code == 200, "the gateway is answered", SOON)
    running.stop("gateway")


def test_the_binding_of_a_service_comes_back(running: System, wire: Wire) -> None:
    wire.channel.queue_unbind("rpc-users", RPC, "users.*")
    with running.client() as client:
        assert not _answered(client)
        until(lambda: _answered(client), "it is answered", SOON)


def test_the_queue_of_a_service_comes_back_and_the_other_ones_stay(running: System, wire: Wire) -> None:
    lost = running.log_of("worker").count("bus_lost")
    wire.channel.queue_delete("rpc-users")
    with running.client() as client:
        until(lambda: _answered(client), "it is answered", SOON)
    assert running.log_of("worker").count("bus_lost") == lost


def test_the_queue_of_a_handler_and_its_binding_come_back(running: System, wire: Wire) -> None:
    def handled() -> bool:
        tenant = str(uuid.uuid4())
        wire.publish_event("auth_tenant_added", {"uuid": tenant, "slug": f"t{tenant[:8]}"})
        return _row_comes(running, "SELECT FROM tenants WHERE uuid = %s", tenant)

    assert handled()
    wire.channel.queue_unbind(TENANT_ADDED, EVENTS, arguments={"x-match": "all", "name": "auth_tenant_added"})
    until(handled, "events are handled again", SOON)
    wire.channel.queue_delete(TENANT_ADDED)
    until(handled, "events are handled again", SOON)
    wire.channel.exchange_delete(EVENTS)
    until(lambda: _is_there(wire, EVENTS), "the exchange is there again", SOON)
    until(handled, "events are handled again", SOON)


def test_the_exchanges_of_events_and_what_binds_them_come_back(running: System, wire: Wire) -> None:
    def told() -> bool:
        """Whether a user who is made now is told on nameko's exchange."""
        queue = wire.channel.queue_declare(exclusive=True).queue
        until(lambda: _is_there(wire, "users.events"), "the exchange is there", SOON)
        wire.channel.queue_bind(queue, "users.events", "user_created")
        with running.client() as client:
            client.call("users.create", body={"firstname": "Alice"})
        try:
            return bool(wire.get(queue, 1))
        except AssertionError:
            return False

    assert told()
    wire.channel.exchange_unbind("users.events", TOPIC, "user_created")
    until(told, "events are told again", SOON)
    wire.channel.exchange_unbind(TOPIC, EVENTS, arguments={"x-match": "all"})
    until(told, "events are told again", SOON)
    for exchange in (TOPIC, "users.events", EVENTS):
        wire.channel.exchange_delete(exchange)
        until(told, f"events are told again without {exchange}", SOON)


def test_the_place_of_dead_letters_comes_back(running: System, wire: Wire) -> None:
    def kept() -> bool:
        """Whether a message that the broker is told to set aside gets into the table."""
        mark = str(uuid.uuid4())
        wire.channel.basic_publish(_rejected(mark), DEAD_LETTERS, "x")
        return _row_comes(running, "SELECT FROM dead_letters WHERE properties->>'message_id' = %s", mark)

    assert kept()
    wire.channel.queue_unbind(
        DEAD_LETTERS, DEAD_LETTERS, arguments={"x-match": "any-with-x", "x-first-death-reason": "rejected"}
    )
    until(kept, "dead letters are kept again", SOON)
    wire.channel.queue_delete(DEAD_LETTERS)
    until(kept, "dead letters are kept again", SOON)
    wire.channel.exchange_delete(DEAD_LETTERS)
    until(lambda: _is_there(wire, DEAD_LETTERS), "the exchange is there again", SOON)
    until(kept, "dead letters are kept again", SOON)
    with running.client() as client:
        client.call("dead_letters.drop", ids="all")


def _rejected(mark: str) -> amqp.Message:
    """A message with the headers that the broker gives to one that was rejected."""
    death = {"reason": "rejected", "queue": "rpc-users", "exchange": RPC, "routing-keys": ["users.list"]}
    headers = {"x-first-death-reason": "rejected", "x-death": [death]}
    return amqp.Message(b"{", message_id=mark, application_headers=headers)


@pytest.mark.parametrize("exchange", [RPC, EVENTS])
def test_an_exchange_that_is_gone_is_told_meanwhile(exchange: str, running: System, wire: Wire) -> None:
    until(lambda: _well(running), "all is well", SOON)
    with _held(running):
        wire.channel.exchange_delete(exchange)
        bus = _status(running)["bus"]
    assert bus["status"] == "fail"
    assert f"the exchange {exchange} is gone" in bus["text"]
    until(lambda: _well(running), "all is well again", SOON)


def test_a_service_whose_binding_or_queue_is_gone_is_told_meanwhile(running: System, wire: Wire) -> None:
    with _held(running):
        wire.channel.queue_unbind("rpc-users", RPC, "users.*")
        wire.channel.queue_delete("rpc-lines")
        workers = _status(running)["workers"]
    assert (workers["status"], workers["unbound"], workers["unserved"]) == ("fail", ["users"], ["lines"])
    assert "no call gets to users" in workers["text"]
    until(lambda: _well(running), "all is well again", SOON)


@pytest.fixture
def foreign(running: System, wire: Wire) -> Iterator[str]:
    """The queue of another daemon whose service has the name of one of ours, with a message in it."""
    running.stop("worker")
    wire.channel.queue_delete("rpc-lines")
    wire.channel.queue_declare("rpc-lines", durable=True, auto_delete=False)
    wire.channel.basic_publish(amqp.Message(b"theirs"), "", "rpc-lines")
    running.start_worker()
    yield "rpc-lines"
    wire.channel.queue_delete("rpc-lines")
    until(lambda: _well(running), "all is well", SOON)


def test_the_queue_of_somebody_else_is_left_alone_and_the_other_services_serve(
    foreign: str, running: System, wire: Wire
) -> None:
    log = running.log_of("worker")
    [line] = [line for line in log.splitlines() if "queue_not_ours" in line]
    for told in ("error", foreign, "'x-max-length': 10000", "inequivalent arg", "CONFD_SERVICE_PREFIX"):
        assert told in line
    with running.client() as client:
        assert _answered(client)
        consumer = client.call("status.get")["bus_consumer"]
    assert consumer["status"] == "fail"
    assert list(consumer["refused"]) == [foreign]
    assert "inequivalent arg" in consumer["refused"][foreign]
    workers = _status(running)["workers"]
    assert (workers["status"], workers["refused"]) == ("fail", ["lines"])
    assert "rpc-lines is not ours" in workers["text"]
    found = wire.channel.queue_declare(foreign, passive=True)
    assert (found.message_count, found.consumer_count) == (1, 0)


def test_the_free_queue_of_somebody_else_is_not_deleted_either(running: System, wire: Wire) -> None:
    running.stop("worker")
    wire.channel.queue_delete("rpc-lines")
    wire.channel.queue_declare("rpc-lines", durable=True, auto_delete=False)
    wire.channel.queue_bind("rpc-lines", RPC, "theirs")
    running.start_worker()
    key = wire.send("theirs", {"args": [], "kwargs": {}})
    taken = until(lambda: wire.channel.basic_get("rpc-lines", no_ack=True), "it still has its binding")
    assert taken.properties["correlation_id"] == key
    wire.channel.queue_delete("rpc-lines")
    with running.client() as client:
        until(lambda: _answered(client, "lines.list"), "the name is free, and so the service serves", SOON)
    assert running.log_of("worker").rpartition("-- started --")[2].count("queue_not_ours") == 1


def test_an_exchange_of_another_type_takes_only_what_needs_it(running: System, wire: Wire) -> None:
    running.stop("worker")
    for exchange in (EVENTS, "users.events"):
        wire.channel.exchange_delete(exchange)
        wire.channel.exchange_declare(exchange, "fanout", durable=True, auto_delete=False)
    running.start_worker()
    with running.client() as client:
        assert _answered(client)
        assert TENANT_ADDED in client.call("status.get")["bus_consumer"]["refused"]
    wire.channel.exchange_delete(EVENTS)
    until(lambda: _well(running), "all is well but the exchange of nameko's handlers", SOON)
    queue = wire.channel.queue_declare(exclusive=True).queue
    wire.channel.queue_bind(queue, "lines.events", "line_created")
    with running.client(str(uuid.uuid4())) as client:
        context = client.call("contexts.create", body={"label": "inside"})["name"]
        line = client.call("lines.create", body={"context": context})
    assert orjson.loads(wire.get(queue).body)["data"]["id"] == line["id"]
    assert TAKEN in running.log_of("worker")
    wire.channel.exchange_delete("users.events")
    until(lambda: _is_there(wire, "users.events"), "the exchange is there", SOON)


def test_an_exchange_that_somebody_else_takes_meanwhile_keeps_no_event_of_others(running: System, wire: Wire) -> None:
    before = len(running.log_of("worker"))
    with _held(running):
        wire.channel.exchange_delete("users.events")
        wire.channel.exchange_declare("users.events", "fanout", durable=True, auto_delete=False)
    until(lambda: TAKEN in running.log_of("worker")[before:], "it is told", SOON)
    wire.channel.exchange_delete("lines.events")
    until(lambda: _is_there(wire, "lines.events"), "the others are still looked after", SOON)
    wire.channel.exchange_delete("users.events")
    until(lambda: _is_there(wire, "users.events"), "the exchange is there", SOON)
    log = running.log_of("worker")[before:]
    assert log.count(TAKEN) == 1
    assert "relay_interrupted" not in log
