"""Fixtures: the servers start once, the system once; every test has a tenant of its own."""

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from confd_worker.client import Client
from confd_worker.config import Settings
from confd_worker.core.context import Context
from confd_worker.core.database.engine import Database
from confd_worker.core.work import Facts, Work
from confd_worker.embedded import Broker, Postgres
from confd_worker.migrate import upgrade

from .system import MASTER_TENANT, System
from .system_daemon import Daemon

PARENT = "00000000-0000-4000-8000-00000000000a"
CHILD = "00000000-0000-4000-8000-00000000000b"
OTHER = "00000000-0000-4000-8000-00000000000c"


@dataclass(frozen=True)
class Servers:
    """Where the servers are."""

    db_uri: str
    amqp_uri: str


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A PostgreSQL and a RabbitMQ; those of CONFD_TEST_DB_URI and CONFD_TEST_AMQP_URI where they are set."""
    if "CONFD_TEST_DB_URI" in os.environ:
        yield Servers(os.environ["CONFD_TEST_DB_URI"], os.environ["CONFD_TEST_AMQP_URI"])
        return
    folder = tmp_path_factory.mktemp("servers")
    postgres, broker = Postgres(folder), Broker(folder)
    try:
        postgres.start()
        broker.start()
        yield Servers(postgres.uri, broker.uri)
    finally:
        broker.stop()
        postgres.stop()


@dataclass(frozen=True)
class OwnServers:
    """Servers that a test may stop and start; ports and data stay."""

    postgres: Postgres
    broker: Broker

    @property
    def addresses(self) -> Servers:
        """Where they are."""
        return Servers(self.postgres.uri, self.broker.uri)


@pytest.fixture(scope="session")
def own_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServers]:
    """A PostgreSQL and a RabbitMQ of which the modules that end processes have the use, one after the other."""
    folder = tmp_path_factory.mktemp("own")
    servers = OwnServers(Postgres(folder), Broker(folder))
    try:
        servers.postgres.launch()
        servers.broker.launch()
        servers.postgres.wait_until_ready()
        servers.broker.wait_until_ready()
        upgrade(servers.postgres.uri)
        yield servers
    finally:
        servers.broker.stop()
        servers.postgres.stop()


@pytest.fixture(scope="module")
def own_system(own_servers: OwnServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system on servers of its own, of which nothing runs yet, for a module that ends processes."""
    addresses = own_servers.addresses
    system = System(tmp_path_factory.mktemp("own-system"), addresses.db_uri, addresses.amqp_uri)
    system.write_tokens([], [])
    try:
        yield system
    finally:
        system.close()


@pytest.fixture(scope="session")
def system(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One worker process and a gateway, shared by the tests that kill nothing."""
    upgrade(servers.db_uri)
    system = System(tmp_path_factory.mktemp("system"), servers.db_uri, servers.amqp_uri)
    system.write_tokens(
        [
            {"uuid": PARENT, "parent_uuid": MASTER_TENANT, "name": "parent"},
            {"uuid": CHILD, "parent_uuid": PARENT, "name": "child"},
            {"uuid": OTHER, "parent_uuid": MASTER_TENANT, "name": "other"},
        ],
        [
            {"token": "parent-token", "tenant_uuid": PARENT, "acl": ["confd.#"]},
            {"token": "child-token", "tenant_uuid": CHILD, "acl": ["confd.#"]},
            {"token": "other-token", "tenant_uuid": OTHER, "acl": ["confd.#"]},
            {"token": "reader-token", "tenant_uuid": PARENT, "acl": ["confd.users.read"]},
        ],
    )
    try:
        system.start_worker()
        system.start_gateway()
        yield system
    finally:
        system.close()


@pytest.fixture(scope="session")
def database(system: System) -> Iterator[Database]:
    """The system's database as the worker uses it, for tests that look closer than a caller can."""
    database = Database(system.db_uri, connections=2)
    yield database
    database.close()


@pytest.fixture(scope="module")
def listening() -> Iterator[Daemon]:
    """A system daemon."""
    daemon = Daemon()
    daemon.start()
    yield daemon
    daemon.stop()


@pytest.fixture(scope="module")
def reloading(system: System, listening: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A worker that knows the system daemon, in the place of the one that does not."""
    settings = {"CONFD_SYSCONFD_URL": listening.url, "CONFD_SYSCONFD_MERGE_SECONDS": "0.3"}
    reloading = System(tmp_path_factory.mktemp("reloading"), system.db_uri, system.amqp_uri, settings)
    system.stop("worker")
    try:
        reloading.start_worker()
        yield reloading
    finally:
        reloading.close()
        system.start_worker()


@pytest.fixture
def tenant() -> str:
    """A tenant that nobody else uses."""
    return str(uuid.uuid4())


@pytest.fixture
def work(database: Database, system: System, tenant: str) -> Callable[[], Work]:
    """Makes a call's unit of work in this process."""
    facts = Facts(Settings(db_uri=system.db_uri, amqp_uri=system.amqp_uri), "", lambda: None)
    return lambda: Work(database, Context(tenant_uuid=tenant, visible=(tenant,), key=str(uuid.uuid4())), facts)


@pytest.fixture
def client(system: System, tenant: str) -> Iterator[Client]:
    """A client that acts in the test's tenant."""
    with system.client(tenant) as client:
        yield client


@pytest.fixture
def call(client: Client) -> Callable[..., Any]:
    """Call a method in the test's tenant: `call("users.get", id=1)`."""
    return client.call


@pytest.fixture
def context(call: Callable[..., Any]) -> str:
    """Name of a context in the test's tenant, with ranges."""
    ranges = [{"start": "1000", "end": "1999"}]
    return str(call("contexts.create", body={"label": "x", "user_ranges": ranges, "voicemail_ranges": ranges})["name"])


@pytest.fixture
def http(system: System) -> Iterator[Callable[..., httpx.Response]]:
    """Send a request to the gateway: `http("GET", "/users", token="parent-token")`."""
    with httpx.Client(base_url=system.url, timeout=15) as session:

        def send(method: str, path: str, token: str | None = "parent-token", **content: Any) -> httpx.Response:
            headers = {"X-Auth-Token": token} if token else {}
            return session.request(method, path, headers=headers | content.pop("headers", {}), **content)

        yield send
