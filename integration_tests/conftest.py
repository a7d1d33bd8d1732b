"""Fixtures beside those of the conformance suite, which the tests here share."""

import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from confd_worker.config import Settings
from confd_worker.conformance.system import Servers, System
from confd_worker.core.context import Context
from confd_worker.core.database.engine import Database
from confd_worker.core.work import Facts, Work
from confd_worker.embedded import Broker, Postgres
from confd_worker.migrate import upgrade

from .system_daemon import Daemon

SITES = Path(__file__).parent.parent / "examples" / "sites"
OFFLINE = ["--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", "--no-build-isolation"]


def pytest_configure(config: pytest.Config) -> None:
    """Have the servers and the system of the conformance suite, so that they start once for all."""
    config.pluginmanager.import_plugin("confd_worker.conformance.fixtures")


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


def install(project: Path, target: Path) -> None:
    """Install a distribution into a folder, without a network."""
    command = [sys.executable, "-m", "pip", "install", *OFFLINE, "--target", str(target), str(project)]
    subprocess.run(command, check=True)


@pytest.fixture(scope="session")
def sites_installed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder in which a plugin is installed as its distribution: that of `examples/sites`."""
    target = tmp_path_factory.mktemp("site-packages")
    install(SITES, target)
    return str(target)


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
def work(database: Database, system: System, tenant: str) -> Callable[[], Work]:
    """Makes a call's unit of work in this process."""
    facts = Facts(Settings(db_uri=system.db_uri, amqp_uri=system.amqp_uri), "", lambda: None)
    return lambda: Work(database, Context(tenant_uuid=tenant, visible=(tenant,), key=str(uuid.uuid4())), facts)


@pytest.fixture
def context(call: Callable[..., Any]) -> str:
    """Name of a context in the test's tenant, with ranges."""
    ranges = [{"start": "1000", "end": "1999"}]
    return str(call("contexts.create", body={"label": "x", "user_ranges": ranges, "voicemail_ranges": ranges})["name"])
