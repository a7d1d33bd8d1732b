"""The command `up`, as a whole: what it leaves on the disk is its owner's alone."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml
from click.testing import CliRunner

from confd_worker.cli import main
from confd_worker.conformance.system import until

LOG_BYTES = 100_000


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
    with up(folder, log_bytes=str(LOG_BYTES), log_kept="1", moh_directory=str(folder.with_name("music"))):
        yield folder


def test_nothing_of_a_system_is_open_to_others(state: Path) -> None:
    assert (state / "logs" / "gateway.log").exists()
    assert (state / "rabbitmq" / "data").exists()
    assert (state / "confd.yml").exists()
    opened = [path for path in (state, *state.rglob("*")) if not path.is_symlink() and path.stat().st_mode & 0o077]
    assert opened == []


def test_asterisk_may_read_the_music_that_is_elsewhere(state: Path) -> None:
    assert stat.S_IMODE(state.with_name("music").stat().st_mode) == 0o755


def test_tenants_are_synchronised_by_the_command_line(state: Path) -> None:
    for words in ([], ["--force"]):
        done = CliRunner().invoke(main, ["sync-tenants", "--state", str(state), *words])
        assert done.output == "Tenants are in sync; nothing changed.\n"


def test_the_logs_of_a_system_are_put_aside_while_they_are_written(state: Path) -> None:
    settings = yaml.safe_load((state / "confd.yml").read_text())
    token = yaml.safe_load((state / "tokens.yml").read_text())["tokens"][0]["token"]
    log = state / "logs" / "gateway.log"
    with httpx.Client(base_url=f"http://{settings['http_listen']}", headers={"X-Auth-Token": token}) as client:

        def put_aside() -> bool:
            assert client.get("/1.1/status").status_code == 200
            return log.with_name("gateway.log.1").exists()

        until(put_aside, "the gateway's log is put aside", 60)
    assert log.stat().st_size + log.with_name("gateway.log.1").stat().st_size > 0.9 * LOG_BYTES
    assert max(path.stat().st_size for path in log.parent.iterdir()) <= LOG_BYTES
    limits = (state / "rabbitmq" / "rabbitmq.conf").read_text()
    assert f"log.file.rotation.size = {LOG_BYTES}\nlog.file.rotation.count = 1\n" in limits


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
