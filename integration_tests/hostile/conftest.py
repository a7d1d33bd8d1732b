"""Fixtures: a system of its own, which lives through all of the suite, and whose logs are read at the end."""

import os
from collections.abc import Iterator

import psycopg2
import pytest
from hypothesis import HealthCheck, Phase, settings
from sqlalchemy import make_url

from confd_worker.conformance.system import MASTER_TENANT, MASTER_TOKEN, OTHER, PARENT, System
from confd_worker.migrate import upgrade

from ..conftest import OwnServers
from .caller import Caller
from .tally import TALLY

DATABASE = "hostile"
SHORT = 6
SECRETS = {
    "CONFD_AUTH_PASSWORD": "the-password-of-the-worker",
    "CONFD_ARI_PASSWORD": "the-password-of-asterisk",
}
"""Settings that no log may show."""


def pytest_configure(config: pytest.Config) -> None:
    """The number of examples, and where they come from: `hostile`, and a third of it where each takes long."""
    examples = int(os.environ.get("CONFD_TEST_HOSTILE", SHORT))
    for name, number in (("hostile", examples), ("hostile-http", max(examples // 3, 1))):
        settings.register_profile(
            name,
            max_examples=number,
            derandomize=config.getoption("--hypothesis-seed") is None,
            database=None,
            deadline=None,
            phases=(Phase.explicit, Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many inputs were tried."""
    if TALLY.inputs:
        terminalreporter.section("hostile input")
        for line in TALLY.lines():
            terminalreporter.write_line(line)


@pytest.fixture(scope="package")
def hostile(own_servers: OwnServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with a database of its own, as what is done to it leaves nothing in order."""
    addresses = own_servers.addresses
    _execute(addresses.db_uri, f"CREATE DATABASE {DATABASE}")
    db_uri = make_url(addresses.db_uri).set(database=DATABASE).render_as_string(hide_password=False)
    upgrade(db_uri)
    system = System(tmp_path_factory.mktemp("hostile"), db_uri, addresses.amqp_uri, {**SECRETS})
    system.write_tokens(
        [{"uuid": uuid, "parent_uuid": MASTER_TENANT, "name": uuid[-1]} for uuid in (PARENT, OTHER)],
        [{"token": f"token-of-{uuid}", "tenant_uuid": uuid, "acl": ["confd.#"]} for uuid in (PARENT, OTHER)],
    )
    try:
        system.start_worker()
        system.start_gateway()
        started = dict(system.processes)
        yield system
        _check_processes(system, started)
        _check_logs(system)
    finally:
        system.close()
        _execute(addresses.db_uri, f"DROP DATABASE {DATABASE} WITH (FORCE)")


@pytest.fixture(autouse=True)
def kind(request: pytest.FixtureRequest) -> None:
    """Count by module."""
    TALLY.begin(request.module.__name__.rpartition("test_")[2].replace("_", " "))


@pytest.fixture(scope="package")
def caller(hostile: System) -> Iterator[Caller]:
    caller = Caller(hostile.amqp_uri)
    with caller:
        yield caller


def _execute(db_uri: str, statement: str) -> None:
    connection = psycopg2.connect(db_uri)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def _check_processes(system: System, started: dict) -> None:
    """The same processes still run, and answer."""
    assert system.processes == started
    assert [name for name, process in started.items() if process.poll() is not None] == []
    with system.client() as client:
        assert client.call("status.get")["database"] == {"status": "ok"}


def _check_logs(system: System) -> None:
    """No error that nobody foresaw was logged, and no secret, and no line that a caller made up."""
    secrets = [*SECRETS.values(), MASTER_TOKEN, make_url(system.db_uri).password, make_url(system.amqp_uri).password]
    for name in system.processes:
        log = system.log_of(name)
        for words in ("Traceback (most recent call last)", "call_failed", "request_failed", FORGED_START):
            at = log.find(words)
            assert at < 0, f"{name}: {log[max(at - 300, 0) : at + 3000]}"
        assert [secret for secret in secrets if secret and secret in log] == [], name


FORGED_START = "\nforged_line"
"""How a line of the log would begin that a caller has forged."""
