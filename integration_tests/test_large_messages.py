"""A message that is larger than the broker takes is the error of its own call, and of no other."""

import uuid
from collections.abc import Callable, Iterator

import httpx
import pytest

from confd_worker.client import Client, RemoteError, TooLarge
from confd_worker.conformance.system import MASTER_TOKEN, System, until
from confd_worker.core import errors
from confd_worker.core.work import Work
from confd_worker.embedded import Broker

from .conftest import OwnServers
from .wire import Wire

LIMIT = 1024 * 1024
TAKEN = 2 * LIMIT


class NarrowBroker(Broker):
    """A RabbitMQ that takes no large messages, as version 4 does."""

    def _write_configuration(self) -> None:
        super()._write_configuration()
        with (self.folder / "rabbitmq.conf").open("a") as file:
            file.write(f"max_message_size = {TAKEN}\n")


@pytest.fixture(scope="module")
def narrow(own_servers: OwnServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system whose broker takes messages of 2 MiB, and whose worker and client believe that it is 1 MiB."""
    folder = tmp_path_factory.mktemp("narrow")
    broker = NarrowBroker(folder)
    broker.launch()
    broker.wait_until_ready()
    system = System(folder, own_servers.postgres.uri, broker.uri, {"CONFD_MESSAGE_LIMIT": str(LIMIT)})
    system.write_tokens([], [])
    try:
        system.start_worker()
        yield system
    finally:
        system.close()
        broker.stop()


@pytest.fixture(scope="module")
def crowded(narrow: System) -> str:
    """A tenant of which all users at once are more than the broker takes."""
    tenant = str(uuid.uuid4())
    with narrow.client(tenant) as client:
        client.call("users.import", body="firstname\n" + "a\n" * 2000)
    return tenant


def test_a_list_that_is_too_large_is_refused_alone_and_comes_in_pages(narrow: System, crowded: str) -> None:
    with narrow.client(crowded) as client:
        replies = [client.call_async("users.list", **({} if number == 8 else {"limit": 1})) for number in range(16)]
        with pytest.raises(RemoteError) as refusal:
            replies.pop(8).result()
        assert [reply.result()["total"] for reply in replies] == [2000] * 15
        assert (refusal.value.status, refusal.value.type) == (413, "message-too-large")
        assert refusal.value.message.startswith("users.list: a reply of ")
        assert refusal.value.message.endswith(
            f" bytes is larger than the {LIMIT} that the message bus takes; ask for a page of it with limit and offset"
        )
        seen = {
            user["uuid"]
            for offset in range(0, 2000, 500)
            for user in client.call("users.list", limit=500, offset=offset)["items"]
        }
    assert len(seen) == 2000
    assert "replies_lost" not in narrow.log_of("worker")


def test_an_export_that_is_too_large_is_refused_alone(narrow: System, tenant: str) -> None:
    with narrow.client(tenant, timeout=60) as client:
        for _ in range(2):
            client.call("users.import", body="firstname,userfield\n" + f"a,{'x' * 128}\n" * 3000)
        replies = [client.call_async(method) for method in ("users.export", "status.get")]
        with pytest.raises(RemoteError, match=r"users\.export: a reply of \d+ bytes is larger than") as refusal:
            replies[0].result()
        assert refusal.value.status == 413
        assert replies[1].result()


def test_over_http_a_list_that_is_too_large_is_413(narrow: System, crowded: str) -> None:
    narrow.start_gateway()
    headers = {"X-Auth-Token": MASTER_TOKEN}
    with narrow.client() as client:
        client.call("users.import", body="firstname\n" + "a\n" * 2000)
    with httpx.Client(base_url=narrow.url, headers=headers, timeout=20) as session:
        answer = session.get("/users")
    narrow.stop("gateway")
    assert answer.status_code == 413
    assert "ask for a page of it with limit and offset" in answer.text


def test_a_call_that_is_too_large_is_not_sent_and_ends_no_other(narrow: System, tenant: str) -> None:
    with Client(narrow.amqp_uri, message_limit=LIMIT).using(tenant_uuid=tenant) as client:
        earlier = [client.call_async("users.list") for _ in range(5)]
        with pytest.raises(TooLarge, match=rf"users\.create: a call of \d+ bytes is larger than the {LIMIT}") as error:
            client.call("users.create", body={"firstname": "a", "description": "x" * 3 * LIMIT})
        assert (error.value.status, error.value.type) == (413, "message-too-large")
        assert [reply.result()["total"] for reply in earlier] == [0] * 5


def test_a_call_that_is_too_large_for_the_worker_is_refused_unread(narrow: System) -> None:
    with Wire(narrow.amqp_uri) as wire:
        key = wire.send("users.list", b" " * (LIMIT + 1))
        error = wire.reply(key)["error"]
    assert (error["status"], error["type"]) == (413, "message-too-large")
    assert error["message"].startswith("users.list: a call of 1048577 bytes")


def test_an_error_that_is_too_large_is_told_without_its_details(narrow: System, tenant: str) -> None:
    with narrow.client(tenant) as client, pytest.raises(RemoteError) as refusal:
        client.call("users.import", body="firstname,enabled,notes\n" + f"A,x,{'x' * 950}\n" * 1000)
    assert (refusal.value.status, refusal.value.type, refusal.value.details) == (400, "import-failed", {})
    assert refusal.value.message == "1000 rows were refused; nothing was imported"


def test_a_change_whose_reply_is_too_large_is_undone(work: Callable[[], Work], system: System) -> None:
    changing, tenant = work(), str(uuid.uuid4())

    def change() -> str:
        changing.make_tenant(tenant)
        return "x" * (changing.settings.message_limit + 1)

    with pytest.raises(errors.MessageTooLarge, match="nothing was changed"):
        changing.once(change)
    with system.database() as cursor:
        cursor.execute("SELECT count(*) FROM tenants WHERE uuid = %s", (tenant,))
        assert cursor.fetchone()[0] == 0


def test_what_the_broker_says_when_it_ends_the_channel_of_replies_is_logged(narrow: System, crowded: str) -> None:
    narrow.stop("worker")
    narrow.start_worker("trusting", CONFD_MESSAGE_LIMIT=str(64 * LIMIT))
    try:
        with narrow.client(crowded) as client:
            client.call_async("users.list")
            until(lambda: "replies_lost" in narrow.log_of("trusting"), "it is logged")
            assert client.call("users.list", limit=1)["total"] == 2000
        line = next(line for line in narrow.log_of("trusting").splitlines() if "replies_lost" in line)
        assert f"is larger than configured max size {TAKEN}" in line
    finally:
        narrow.stop("trusting")
        narrow.start_worker()
