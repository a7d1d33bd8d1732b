"""Processes and servers die in the middle of calls; afterwards the books must balance."""

import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from confd_worker.client import Client, ClientError, Events
from confd_worker.embedded import Broker, Postgres
from confd_worker.migrate import upgrade

from .system import MASTER_TOKEN, System, until


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("crashes")


@pytest.fixture(scope="module")
def own_servers(folder: Path) -> Iterator[tuple[Postgres, Broker]]:
    """Servers that may be stopped."""
    postgres, broker = Postgres(folder), Broker(folder)
    try:
        postgres.start()
        broker.start()
        upgrade(postgres.uri)
        yield postgres, broker
    finally:
        broker.stop()
        postgres.stop()


@pytest.fixture
def own_system(own_servers: tuple[Postgres, Broker], tmp_path: Path) -> Iterator[System]:
    """Two workers and a gateway that may be killed."""
    postgres, broker = own_servers
    system = System(tmp_path, postgres.uri, broker.uri)
    system.write_tokens([], [])
    try:
        system.start_worker("worker-1")
        system.start_worker("worker-2")
        system.start_gateway()
        yield system
    finally:
        system.close()


class Load:
    """Creates users without end, and remembers which creates were acknowledged.

    A create whose outcome is unknown is repeated with its key until it is acknowledged.
    """

    def __init__(self, system: System, tenant: str) -> None:
        self._system, self._tenant = system, tenant
        self._stop = threading.Event()
        self.acknowledged: list[str] = []
        self._threads = [threading.Thread(target=self._run) for _ in range(4)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def goes_on(self) -> None:
        """Wait for twenty more acknowledged creates."""
        have = len(self.acknowledged)
        until(lambda: len(self.acknowledged) >= have + 20, "twenty more users are created", 60)

    def _run(self) -> None:
        with self._system.client(self._tenant, timeout=2) as client:
            while not self._stop.is_set():
                self._create(client.using(idempotency_key=str(uuid.uuid4())))

    def _create(self, client: Client) -> None:
        for _ in range(100):
            try:
                user = client.call("users.create", body={"firstname": "Alice"})
            except ClientError:
                self._stop.wait(0.1)
            else:
                self.acknowledged.append(user["uuid"])
                return
        raise AssertionError("a create is not answered in 100 tries")


class Recorder:
    """A subscriber with a durable queue, that notes every event of a tenant."""

    def __init__(self, system: System, tenant: str) -> None:
        self.seen: list[tuple[str, str]] = []
        self._stop = threading.Event()
        self._events = Events(system.amqp_uri, names=["user_created"], tenant=tenant)
        self._events.open()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Recorder":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join()
        self._events.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                headers, payload = self._events.get(timeout=0.2)
            except ClientError:
                continue
            self.seen.append((payload["data"]["uuid"], headers["event_id"]))


def _kill(name: str) -> Callable[[System], None]:
    def fault(system: System) -> None:
        system.kill(name)
        if name == "gateway":
            system.start_gateway(name)
        else:
            system.start_worker(name)

    return fault


def _kill_all_workers(system: System) -> None:
    for name in ("worker-1", "worker-2"):
        system.kill(name)
    for name in ("worker-1", "worker-2"):
        system.start_worker(name)


def _cut_the_database(system: System) -> None:
    with system.database() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")


def _stop_gracefully(system: System) -> None:
    assert system.stop("worker-1") == 0
    system.start_worker("worker-1")


FAULTS: dict[str, Callable[[System], None]] = {
    "one worker is killed, which may be the relay": _kill("worker-1"),
    "the other worker is killed": _kill("worker-2"),
    "all workers are killed": _kill_all_workers,
    "all connections to the database are cut": _cut_the_database,
    "a worker is asked to stop": _stop_gracefully,
    "the gateway is killed": _kill("gateway"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_lost_or_doubled_when(fault: str, own_system: System) -> None:
    tenant = str(uuid.uuid4())
    with Recorder(own_system, tenant) as recorder:
        with Load(own_system, tenant) as load:
            for _ in range(2):
                load.goes_on()
                FAULTS[fault](own_system)
            load.goes_on()
        until(lambda: _outbox_is_empty(own_system), "the outbox is empty")
        stored = _stored(own_system, tenant)
        until(lambda: {uuid_ for uuid_, _ in recorder.seen} >= set(stored), "every user has its event")
    assert sorted(load.acknowledged) == sorted(stored)
    assert {uuid_ for uuid_, _ in recorder.seen} == set(stored)
    assert len(set(recorder.seen)) == len(stored)


@pytest.mark.parametrize("which", ["database", "broker"])
def test_the_system_goes_on_by_itself_when_a_server_is_restarted(
    which: str, own_system: System, own_servers: tuple[Postgres, Broker]
) -> None:
    tenant = str(uuid.uuid4())
    server = own_servers[0 if which == "database" else 1]
    with Load(own_system, tenant) as load:
        load.goes_on()
        server.stop()
        server.start()
        load.goes_on()
    until(lambda: _outbox_is_empty(own_system), "the outbox is empty", 30)
    assert sorted(load.acknowledged) == sorted(_stored(own_system, tenant))
    headers = {"X-Auth-Token": MASTER_TOKEN}
    until(lambda: httpx.get(f"{own_system.url}/users", headers=headers).status_code == 200, "the gateway answers")
    with own_system.events("user_created", tenant=tenant) as events, own_system.client(tenant) as client:
        client.call("users.create", body={"firstname": "Bob"})
        assert events.get(timeout=10)


def _stored(system: System, tenant: str) -> list[str]:
    with system.database() as cursor:
        cursor.execute("SELECT uuid::text FROM users WHERE tenant_uuid = %s", (tenant,))
        return [row[0] for row in cursor.fetchall()]


def _outbox_is_empty(system: System) -> bool:
    with system.database() as cursor:
        cursor.execute("SELECT count(*) FROM outbox")
        return cursor.fetchone()[0] == 0
