"""The command `up`, as a whole: what it leaves on the disk is its owner's alone."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from confd_worker.cli import main
from confd_worker.conformance.system import until


@contextmanager
def up(state: Path, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """A whole system, with few services, by one who lets others read what he writes."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONFD_")}
    chosen = {"http_listen": "127.0.0.1:0", "services": "status,tenants"} | settings
    environment |= {f"CONFD_{name.upper()}": value for name, value in chosen.items()}
    output = state.with_name("output")
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "confd_worker", "up", "--state", str(state)],
            env=environment, stdout=file, stderr=file, umask=0o022,
        )  # fmt: skip
    try:
        until(lambda: "is ready" in output.read_text() or process.poll() is not None, "it is ready", 90)
        assert process.poll() is None, output.read_text()
        yield process
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state folder of a system that runs, which an earlier version had left open."""
    folder = tmp_path_factory.mktemp("up") / "state"
    (folder / "logs").mkdir(parents=True)
    (folder / "logs" / "worker-1.log").write_text("of an earlier run\n")
    (folder / "lock").touch()
    folder.chmod(0o711)
    with up(folder):
        yield folder


def test_nothing_of_a_system_is_open_to_others(state: Path) -> None:
    assert (state / "logs" / "gateway.log").exists()
    assert (state / "rabbitmq" / "data").exists()
    assert (state / "confd.yml").exists()
    opened = [path for path in (state, *state.rglob("*")) if not path.is_symlink() and path.stat().st_mode & 0o077]
    assert opened == []


def test_a_folder_in_which_others_have_something_stays_open_to_them(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("of others")
    (tmp_path / "logs").mkdir()
    modes = {"": 0o755, "notes": 0o644, "logs": 0o755}
    for name, mode in modes.items():
        (tmp_path / name).chmod(mode)
    before = os.umask(0o022)
    try:
        done = CliRunner().invoke(main, ["up", "--state", str(tmp_path)], env={"CONFD_HTTP_LISTEN": "192.0.2.1:80"})
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    assert "cannot be used" in done.stderr
    assert {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in modes} == modes | {"logs": 0o700}
    assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o600
