"""Processes and servers die in the middle of calls; afterwards the books must balance."""

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from confd_worker.client import ClientError, Events

from .conftest import OwnServers
from .system import MASTER_TENANT, MASTER_TOKEN, System, until


@pytest.fixture(scope="module")
def running(own_system: System) -> Iterator[System]:
    """Two workers and a gateway that may be killed, and a tenant for each test."""
    own_system.write_tokens(
        [{"uuid": tenant, "parent_uuid": MASTER_TENANT, "name": name} for name, tenant in TENANTS.items()], []
    )
    own_system.start_worker("worker-1")
    own_system.start_worker("worker-2")
    own_system.start_gateway()
    yield own_system
    for name in list(own_system.processes):
        own_system.kill(name)


class Load:
    """Makes, changes and deletes users without end, by RPC and over HTTP, and remembers what was acknowledged.

    A call whose outcome is unknown is repeated with its key until it is acknowledged.
    """

    def __init__(self, system: System, tenant: str) -> None:
        self._system, self._tenant = system, tenant
        self._stop = threading.Event()
        self.made: list[str] = []
        self.changed: list[str] = []
        self.deleted: list[str] = []
        self._pool = ThreadPoolExecutor()
        self._runs: list[Future[None]] = []

    def __enter__(self) -> "Load":
        self._runs = [self._pool.submit(run) for run in (self._by_rpc, self._by_rpc, self._by_rpc, self._over_http)]
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        for run in self._runs:
            run.result()
        self._pool.shutdown()

    def goes_on(self) -> None:
        """Wait for thirty more acknowledged creates."""
        have = len(self.made)
        until(lambda: len(self.made) >= have + 30, "thirty more users are made", 60)

    def _by_rpc(self) -> None:
        with self._system.client(self._tenant, timeout=2) as client:

            def call(method: str, **arguments: Any) -> Any:
                keyed = client.using(idempotency_key=str(uuid.uuid4()))
                return self._repeated(lambda: keyed.call(method, **arguments))

            while not self._stop.is_set():
                user = call("users.create", body={"firstname": "Alice"})["uuid"]
                self.made.append(user)
                call("users.update", id=user, body={"firstname": "Bob"})
                self.changed.append(user)
                if len(self.made) % 3 == 0:
                    call("users.delete", id=user)
                    self.deleted.append(user)

    def _over_http(self) -> None:
        headers = {"X-Auth-Token": MASTER_TOKEN, "Wazo-Tenant": self._tenant}
        with httpx.Client(base_url=self._system.url, timeout=3, headers=headers) as session:

            def create(key: str) -> str:
                answer = session.post("/users", json={"firstname": "Carol"}, headers={"Idempotency-Key": key})
                answer.raise_for_status()
                return str(answer.json()["uuid"])

            while not self._stop.is_set():
                key = str(uuid.uuid4())
                self.made.append(self._repeated(lambda key=key: create(key)))  # type: ignore[misc]

    def _repeated(self, attempt: Callable[[], Any]) -> Any:
        for _ in range(100):
            try:
                return attempt()
            except (ClientError, httpx.HTTPError):
                self._stop.wait(0.1)
        raise AssertionError("a call is not answered in 100 tries")


class Recorder:
    """A subscriber that notes every event of a tenant: its name, its user, its id."""

    def __init__(self, system: System, tenant: str) -> None:
        self.seen: list[tuple[str, str, str]] = []
        self._stop = threading.Event()
        self._events = Events(system.amqp_uri, tenant=tenant)
        self._events.open()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Recorder":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join()
        self._events.close()

    def users(self, name: str) -> list[str]:
        """The users of the events of that name, an event that came twice counted once."""
        return sorted(user for told, user, _ in set(self.seen) if told == name)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                headers, payload = self._events.get(timeout=0.2)
            except ClientError:
                continue
            self.seen.append((headers["name"], payload["data"]["uuid"], headers["event_id"]))


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


TENANTS = {name: str(uuid.uuid4()) for name in ("peace", *FAULTS, "postgres", "broker")}


def test_while_nothing_fails_one_of_the_workers_tells_each_event_once(running: System) -> None:
    tenant = TENANTS["peace"]
    with Recorder(running, tenant) as recorder:
        with Load(running, tenant) as load:
            for _ in range(3):
                load.goes_on()
        until(lambda: _outbox_is_empty(running), "the outbox is empty")
        until(lambda: len(recorder.users("user_created")) >= len(load.made), "every user has its event")
    assert len(recorder.seen) == len(set(recorder.seen))


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_lost_or_doubled_when(fault: str, running: System) -> None:
    tenant = TENANTS[fault]
    with Recorder(running, tenant) as recorder:
        with Load(running, tenant) as load:
            for _ in range(2):
                load.goes_on()
                FAULTS[fault](running)
            load.goes_on()
        until(lambda: _outbox_is_empty(running), "the outbox is empty")
        until(lambda: len(recorder.users("user_created")) >= len(load.made), "every user has its event")
    assert _stored(running, tenant) == sorted({*load.made} - {*load.deleted})
    assert recorder.users("user_created") == sorted(load.made)
    assert recorder.users("user_edited") == sorted(load.changed)
    assert recorder.users("user_deleted") == sorted(load.deleted)


@pytest.mark.parametrize("which", ["postgres", "broker"])
def test_the_system_goes_on_by_itself_when_a_server_is_restarted(
    which: str, running: System, own_servers: OwnServers
) -> None:
    tenant = TENANTS[which]
    server = getattr(own_servers, which)
    pids = {name: process.pid for name, process in running.processes.items()}
    with Load(running, tenant) as load:
        load.goes_on()
        server.stop()
        server.start()
        load.goes_on()
    until(lambda: _outbox_is_empty(running), "the outbox is empty", 30)
    assert _stored(running, tenant) == sorted({*load.made} - {*load.deleted})
    headers = {"X-Auth-Token": MASTER_TOKEN}
    until(lambda: httpx.get(f"{running.url}/users", headers=headers).status_code == 200, "the gateway answers")
    with running.events("user_created", tenant=tenant) as events, running.client(tenant) as client:
        client.call("users.create", body={"firstname": "Bob"})
        assert events.get(timeout=10)
    assert pids == {name: process.pid for name, process in running.processes.items() if process.poll() is None}


def _stored(system: System, tenant: str) -> list[str]:
    with system.database() as cursor:
        cursor.execute("SELECT uuid::text FROM users WHERE tenant_uuid = %s", (tenant,))
        return sorted(row[0] for row in cursor.fetchall())


def _outbox_is_empty(system: System) -> bool:
    with system.database() as cursor:
        cursor.execute("SELECT count(*) FROM outbox")
        return cursor.fetchone()[0] == 0
