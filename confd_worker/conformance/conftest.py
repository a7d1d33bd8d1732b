"""Runs each test for every service that it is about, of those that are wanted."""

from collections.abc import Generator, Iterator, Mapping

import pytest
from confd_schemas.spec import Operation
from sqlalchemy import Engine, NullPool, create_engine, make_url

from ..core.plugin.service import Service
from .items import ASSOCIATIONS, CHANGEABLE, GROWING, LISTED, OWNED, RESOURCES, SERVICES
from .plugin import wanted
from .system import System

PARAMETERS: dict[str, Mapping[str, type[Service]]] = {
    "resource": RESOURCES,
    "changeable": CHANGEABLE,
    "owned": OWNED,
    "listed": LISTED,
    "growing": GROWING,
    "association": ASSOCIATIONS,
}
"""What a test's argument of that name is: the name of one of these services after the other."""


def pytest_configure(config: pytest.Config) -> None:
    """Have the servers and the system, which other tests of the same run share."""
    config.pluginmanager.import_plugin("confd_worker.conformance.fixtures")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give tests the services that they are about."""
    chosen = wanted(metafunc.config) or SERVICES
    for argument, services in PARAMETERS.items():
        if argument in metafunc.fixturenames:
            metafunc.parametrize(argument, [name for name in services if name in chosen])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the end of the worker's log where an error says no more than that it is there."""
    report = yield
    system = getattr(item, "funcargs", {}).get("system")
    if report.failed and system is not None and "see the log of the worker" in report.longreprtext:
        report.sections.append(("The worker's log ends with", "\n".join(system.log_of("worker").splitlines()[-40:])))
    return report


@pytest.fixture(scope="session")
def operations(pytestconfig: pytest.Config) -> list[Operation]:
    """All operations of the services that are wanted."""
    specs = (SERVICES[name].spec for name in wanted(pytestconfig) or SERVICES)
    return [operation for spec in specs for operation in spec.operations if operation.rpc]


@pytest.fixture(scope="session")
def engine(system: System) -> Iterator[Engine]:
    """The database after all migrations, as SQLAlchemy uses it by itself."""
    engine = create_engine(make_url(system.db_uri).set(drivername="postgresql+psycopg2"), poolclass=NullPool)
    yield engine
    engine.dispose()
