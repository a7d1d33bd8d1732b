"""Services that have another name on the bus live beside those of somebody else that are called as ours are."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import amqp
import httpx
import orjson
import pytest
from click.testing import CliRunner

from confd_worker.cli import main
from confd_worker.client import Client, RemoteError, UnknownService
from confd_worker.conformance.system import MASTER_TENANT, MASTER_TOKEN, System, until

from .conftest import OwnServers
from .wire import Wire

EXCHANGE, PREFIX = "their-rpc", "confd_"
SETTINGS = {"CONFD_RPC_EXCHANGE": EXCHANGE, "CONFD_SERVICE_PREFIX": PREFIX}
STRANGER = """
import eventlet
eventlet.monkey_patch()
import sys
from nameko.containers import ServiceContainer
from nameko.rpc import rpc

class Status:
    name = "status"

    @rpc
    def get(self):
        return "a stranger"

container = ServiceContainer(Status, {"AMQP_URI": sys.argv[1], "rpc_exchange": sys.argv[2]})
container.start()
print("there", flush=True)
container.wait()
"""


@pytest.fixture(scope="module")
def stranger(own_servers: OwnServers) -> Iterator[None]:
    """Somebody's nameko service that has the name of one of ours, on the same exchange."""
    # One of ours may have stayed from another module, and nameko would try to declare its own for ever.
    with Wire(own_servers.broker.uri) as wire:
        wire.channel.queue_delete("rpc-status")
    command = [sys.executable, "-c", STRANGER, own_servers.broker.uri, EXCHANGE]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"there\n"
        yield
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        with Wire(own_servers.broker.uri) as wire:
            wire.channel.queue_delete("rpc-status")


@pytest.fixture(scope="module")
def prefixed(own_servers: OwnServers, stranger: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system whose services have a prefix."""
    addresses = own_servers.addresses
    system = System(tmp_path_factory.mktemp("prefixed"), addresses.db_uri, addresses.amqp_uri, SETTINGS)
    system.write_tokens([], [])
    try:
        system.start_worker()
        system.start_gateway()
        yield system
    finally:
        system.close()


def _run(system: System, *words: str) -> Any:
    done = CliRunner().invoke(main, [*words], env=system.environment())
    assert done.exit_code == 0, done.output
    return orjson.loads(done.output)


def test_ours_and_theirs_answer_under_the_same_name(prefixed: System) -> None:
    with Client(prefixed.amqp_uri, exchange=EXCHANGE) as theirs:
        assert theirs.call("status.get") == "a stranger"
    with prefixed.client() as ours:
        assert ours.call("status.get")["bus_consumer"] == {"status": "ok"}


def test_every_queue_has_the_prefix(prefixed: System) -> None:
    with Wire(prefixed.amqp_uri) as wire:
        for queue in (
            "rpc-confd_users",
            "confd.confd_tenants.auth_tenant_added",
            "confd_confd.dead-letters",
        ):
            assert wire.channel.queue_declare(queue, passive=True).consumer_count == 1
        with pytest.raises(amqp.NotFound):
            wire.channel.queue_declare("rpc-confd_nothing", passive=True)


def test_the_gateway_and_the_command_line_call_ours(prefixed: System) -> None:
    with httpx.Client(base_url=prefixed.url, headers={"X-Auth-Token": MASTER_TOKEN}) as session:
        made = session.post("/users", json={"firstname": "Alice"})
        assert made.status_code == 201
        assert {each["status"] for each in session.get("/status").json().values()} == {"ok"}
    shown = _run(prefixed, "call", "users.get", f"id={made.json()['id']}")
    assert shown["firstname"] == "Alice"
    parts = _run(prefixed, "status", "--json")["parts"]
    assert {name for name, part in parts.items() if part["status"] == "fail"} == set()


def test_callers_are_told_the_names_without_the_prefix(prefixed: System) -> None:
    with prefixed.client() as client:
        with pytest.raises(RemoteError, match=r"^Service 'groups' has no method 'edit'; there is groups\.update"):
            client.call("groups.edit")
        with pytest.raises(RemoteError, match=r"^users\.get: missing"):
            client.call("users.get")
        with pytest.raises(
            UnknownService, match=r"^No service 'user_line' is known .*; there is user_lines\.associate"
        ):
            client.call("user_line.associate")
    with Client(prefixed.amqp_uri, exchange=EXCHANGE) as client, pytest.raises(UnknownService):
        client.call("users.list")
    with httpx.Client(base_url=prefixed.url, headers={"X-Auth-Token": MASTER_TOKEN}) as session:
        assert session.get("/users/2000000000").status_code == 404


def test_events_have_the_prefix_where_nameko_listens_and_are_the_same_elsewhere(prefixed: System) -> None:
    with Wire(prefixed.amqp_uri) as wire, prefixed.client() as client:
        everybody = wire.follow("user_created")
        queue = wire.channel.queue_declare(exclusive=True).queue
        for exchange in ("confd_users.events", "confd_confd.events"):
            wire.channel.queue_bind(queue, exchange, "user_created")
            user = client.call("users.create", body={"firstname": "Alice"})["id"]
            for each in (queue, everybody):
                assert orjson.loads(wire.get(each).body)["data"]["id"] == user
            wire.channel.queue_unbind(queue, exchange, "user_created")


def test_what_is_set_aside_can_be_sent_again(prefixed: System) -> None:
    with Wire(prefixed.amqp_uri) as wire, prefixed.client() as client:
        client.call("dead_letters.drop", ids="all")
        wire.channel.basic_publish(
            amqp.Message(b"{", application_headers={"nameko.tenant_uuid": MASTER_TENANT}), EXCHANGE, "confd_users.list"
        )
        [letter] = until(lambda: client.call("dead_letters.list")["items"], "it is set aside")
        assert letter["queue"] == "rpc-confd_users"
        assert client.call("dead_letters.replay", ids=[letter["id"]])["replayed"] == [letter["id"]]
        until(lambda: client.call("dead_letters.list")["items"], "it comes back")
        client.call("dead_letters.drop", ids="all")


@pytest.mark.parametrize("prefix", ["confd.", "a b", "é", "x" * 41, "a-b"])
def test_a_prefix_that_is_no_part_of_a_name_is_refused(prefix: str, prefixed: System) -> None:
    environment = prefixed.environment() | {"CONFD_SERVICE_PREFIX": prefix}
    done = CliRunner().invoke(main, ["status"], env=environment)
    assert done.exit_code != 0
    assert "CONFD_SERVICE_PREFIX" in done.output
