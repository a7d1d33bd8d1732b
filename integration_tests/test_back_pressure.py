"""More calls than can be worked off are refused at once, whoever makes them; those that were taken are run."""

import time
import uuid
from collections.abc import Iterator

import httpx
import pytest
from amqp.exceptions import MessageNacked
from kombu.exceptions import OperationalError
from nameko.standalone.rpc import ClusterRpcProxy

from confd_worker.client import Client, Overloaded, RemoteError, Reply
from confd_worker.conformance.system import MASTER_TOKEN, System, until

from .wire import delete_queues

LENGTH = 20
ALICE = {"firstname": "Alice"}


@pytest.fixture(scope="module", autouse=True)
def own_queues(own_system: System) -> Iterator[None]:
    """Queues of the lengths that are asked for here, which are nobody else's."""
    delete_queues(own_system.amqp_uri)
    yield
    own_system.close()
    delete_queues(own_system.amqp_uri)


@pytest.fixture
def full(own_system: System, tenant: str) -> Iterator[list[Reply]]:
    """A system without a worker, whose queue of calls to `users` is full; the calls that wait in it."""
    own_system.start_worker(CONFD_QUEUE_LENGTH=str(LENGTH))
    own_system.stop("worker")
    try:
        with own_system.client(tenant, timeout=30) as client:
            yield [client.call_async("users.create", body=ALICE) for _ in range(LENGTH)]
    finally:
        delete_queues(own_system.amqp_uri)


def test_the_client_is_told_at_once_and_what_was_taken_is_run(
    full: list[Reply], own_system: System, tenant: str
) -> None:
    with own_system.client(tenant, timeout=30) as client:
        begun = time.monotonic()
        late = [client.call_async("users.create", body=ALICE) for _ in range(10)]
        for reply in late:
            with pytest.raises(Overloaded, match=r"users\.create: too many calls wait"):
                reply.result()
        assert time.monotonic() - begun < 2
        own_system.start_worker(CONFD_QUEUE_LENGTH=str(LENGTH))
        assert len({reply.result()["uuid"] for reply in full}) == LENGTH
        assert client.call("users.list")["total"] == LENGTH
    own_system.stop("worker")


def test_a_plain_nameko_client_is_told_at_once(full: list[Reply], own_system: System) -> None:
    with ClusterRpcProxy({"AMQP_URI": own_system.amqp_uri}, timeout=30) as rpc:
        begun = time.monotonic()
        with pytest.raises(OperationalError) as refusal:
            rpc.users.create(body=ALICE)
    assert isinstance(refusal.value.__cause__, MessageNacked)
    assert time.monotonic() - begun < 5


def test_over_http_it_is_503_with_the_time_to_wait(full: list[Reply], own_system: System) -> None:
    own_system.start_gateway()
    with httpx.Client(base_url=own_system.url, headers={"X-Auth-Token": MASTER_TOKEN}) as session:
        answer = session.get("/users")
    own_system.stop("gateway")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json() == ["users.list: overloaded: too many calls wait; this one was not taken"]


def test_a_process_whose_connections_for_changes_are_all_in_use_says_so_and_still_reads(
    own_system: System, tenant: str
) -> None:
    own_system.start_worker(CONFD_DB_CONNECTIONS="1")
    with own_system.database() as cursor, own_system.client(tenant, timeout=20) as client:
        user = client.call("users.create", body=ALICE)["id"]
        cursor.execute("BEGIN")
        cursor.execute("SELECT FROM users WHERE id = %s FOR UPDATE", (user,))
        waits = client.call_async("users.update", id=user, body={"firstname": "Bob"})
        until(lambda: _somebody_waits(own_system), "the change waits for the lock")
        assert client.call("users.get", id=user)["firstname"] == "Alice"
        with own_system.client(tenant, timeout=2) as other, pytest.raises(RemoteError) as refusal:
            other.call("groups.create", body={"label": "sales"})
        cursor.execute("COMMIT")
        assert (refusal.value.status, refusal.value.type) == (503, "overloaded")
        assert waits.result() is None
    own_system.stop("worker")


def test_queues_keep_their_length_until_somebody_deletes_them(own_system: System) -> None:
    own_system.close()
    delete_queues(own_system.amqp_uri)
    own_system.start_worker("old", CONFD_QUEUE_LENGTH="30")
    own_system.start_worker("new", CONFD_QUEUE_LENGTH="40")
    assert "queue_not_ours queue=rpc-users" in own_system.log_of("new")
    _answers(own_system)
    own_system.stop("old")
    delete_queues(own_system.amqp_uri)
    until(lambda: "queue_ours_again queue=rpc-users" in own_system.log_of("new"), "the new worker has the queues")
    _answers(own_system)
    own_system.stop("new")


def _answers(system: System) -> None:
    with Client(system.amqp_uri, timeout=10) as client:
        assert client.using(tenant_uuid=str(uuid.uuid4())).call("users.list")["total"] == 0


def _somebody_waits(system: System) -> bool:
    with system.database() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])
