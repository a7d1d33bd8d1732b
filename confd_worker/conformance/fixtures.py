"""Fixtures: the servers start once, the system once; every test has a tenant of its own."""

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from ..client import Client
from ..core.database.engine import Database
from ..embedded import Broker, Postgres
from ..migrate import upgrade
from .system import CHILD, MASTER_TENANT, OTHER, PARENT, Servers, System


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A PostgreSQL and a RabbitMQ; those of CONFD_TEST_DB_URI and CONFD_TEST_AMQP_URI where they are set."""
    if "CONFD_TEST_DB_URI" in os.environ:
        yield Servers(os.environ["CONFD_TEST_DB_URI"], os.environ["CONFD_TEST_AMQP_URI"])
        return
    folder = tmp_path_factory.mktemp("servers")
    postgres, broker = Postgres(folder), Broker(folder)
    try:
        postgres.launch()
        broker.launch()
        postgres.wait_until_ready()
        broker.wait_until_ready()
        yield Servers(postgres.uri, broker.uri)
    finally:
        broker.stop()
        postgres.stop()


@pytest.fixture(scope="session")
def system(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One worker process and a gateway on a database with all tables, shared by the tests that kill nothing."""
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
    database = Database(system.db_uri, connections=4)
    yield database
    database.close()


@pytest.fixture
def tenant() -> str:
    """A tenant that nobody else uses."""
    return str(uuid.uuid4())


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
def http(system: System) -> Iterator[Callable[..., httpx.Response]]:
    """Send a request to the gateway: `http("GET", "/users", token="parent-token")`."""
    with httpx.Client(base_url=system.url, timeout=15) as session:

        def send(method: str, path: str, token: str | None = "parent-token", **content: Any) -> httpx.Response:
            headers = {"X-Auth-Token": token} if token else {}
            return session.request(method, path, headers=headers | content.pop("headers", {}), **content)

        yield send
