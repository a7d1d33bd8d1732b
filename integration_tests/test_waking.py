"""A commit wakes the jobs that tell of it at once, wherever they are done."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from confd_worker.conformance.system import System, until


class Process:
    """A process with a job that only looks when it is woken."""

    def __init__(self, popen: subprocess.Popen[str], output: Path) -> None:
        self._popen, self._output = popen, output

    @property
    def told(self) -> list[str]:
        """What it has told so far."""
        return self._output.read_text().splitlines()

    def ring(self) -> None:
        """Have it ring, as after a commit."""
        assert self._popen.stdin is not None
        self._popen.stdin.write("\n")
        self._popen.stdin.flush()

    def looks(self, times: int) -> None:
        """Wait until the job has looked so many times."""
        until(lambda: self.told.count("looked") >= times, f"the job looks {times} times")


@contextmanager
def _process(db_uri: str, output: Path) -> Iterator[Process]:
    command = [sys.executable, "-W", "ignore", "-m", "integration_tests.patient", db_uri]
    with output.open("w") as told, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=told, text=True) as popen:
        try:
            yield Process(popen, output)
        finally:
            popen.kill()


def test_a_job_of_the_same_process_is_woken_without_the_database(system: System, tmp_path: Path) -> None:
    with _process(system.db_uri, tmp_path / "only") as only:
        only.looks(1)
        for times in (2, 3):
            only.ring()
            only.looks(times)
        assert only.told == ["active", "looked", "looked", "looked"]


def test_a_job_of_another_process_is_woken_by_the_database(system: System, tmp_path: Path) -> None:
    with _process(system.db_uri, tmp_path / "active") as active:
        active.looks(1)
        with _process(system.db_uri, tmp_path / "other") as other:
            for times in (2, 3):
                other.ring()
                active.looks(times)
                until(lambda times=times: other.told == ["notified others"] * (times - 1), "it has notified")
