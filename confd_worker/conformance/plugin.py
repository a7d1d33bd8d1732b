"""The pytest plugin: its options, and where the suite is.

pytest imports this module in every run where the worker is installed, and so it imports the worker only when asked.
"""

from pathlib import Path

import pytest

SUITE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("confd-worker", "plugins of confd-worker")
    group.addoption(
        "--confd-conformance",
        action="store_true",
        help="also run the tests of what every plugin must honour, over the plugins that are installed",
    )
    group.addoption(
        "--confd-services",
        metavar="NAMES",
        default="",
        help="limit these tests to some services: names joined by commas",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect the suite's tests, too, where they are asked for."""
    if config.getoption("confd_services"):
        _check_known(wanted(config))
    named = (Path(config.invocation_params.dir, argument).resolve() for argument in config.args)
    if config.getoption("confd_conformance") and SUITE not in named:
        config.args.append(str(SUITE))


def wanted(config: pytest.Config) -> list[str]:
    """Names of the services that are to be tried; none stand for all."""
    return [name for name in config.getoption("confd_services").split(",") if name]


def _check_known(names: list[str]) -> None:
    from ..core.plugin.discovery import UnknownPlugin, discover

    try:
        discover(names)
    except UnknownPlugin as error:
        raise pytest.UsageError(f"--confd-services: {error}") from None
