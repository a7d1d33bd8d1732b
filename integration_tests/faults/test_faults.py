"""The short form of the trials: whatever fails, nothing is lost and nothing happens twice."""

from collections.abc import Iterator

import pytest

from ..conftest import OwnServers
from .faults import FAULTS
from .stage import Stage
from .trial import ZERO, try_fault

SEED, CALLS = "make test", 40
# What another fault does in a harsher way; the long form has them all.
LONG_FORM_ONLY = {"worker-killed", "all-ended", "broker-restarted", "database-restarted"}


@pytest.fixture(scope="module")
def stage(own_servers: OwnServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The system, on servers that may be stopped."""
    stage = Stage(tmp_path_factory.mktemp("faults"), own_servers.postgres, own_servers.broker)
    try:
        stage.start()
        yield stage
    finally:
        stage.close()


@pytest.fixture(scope="module")
def nested(stage: Stage) -> bool:
    """Whether whole users can be made in one call."""
    return stage.nests()


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in LONG_FORM_ONLY])
def test_every_acknowledged_change_happens_once_and_is_told_when(name: str, stage: Stage, nested: bool) -> None:
    outcome = try_fault(stage, FAULTS[name], SEED, CALLS, nested=nested)
    assert {column: outcome.findings.count(column) for column in ZERO} == dict.fromkeys(ZERO, 0), (
        outcome.findings.story()
    )
