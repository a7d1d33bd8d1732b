"""The embedded servers: they start again and again, after a kill too, in any folder, as root and as a plain user."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import amqp
import psycopg2
import pytest

from confd_worker.connection import connect
from confd_worker.embedded import Broker, EmbeddedError, Postgres, locked

AS_NOBODY = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
# Enough to read an interpreter that only root may; the files it writes are still nobody's.
MAY_READ = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state folder with spaces in its path."""
    folder = tmp_path / "a folder" / "with spaces"
    with locked(folder):
        yield folder


def write_row(uri: str, text: str) -> None:
    with psycopg2.connect(uri) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE IF NOT EXISTS notes (text text)")
        cursor.execute("INSERT INTO notes VALUES (%s)", (text,))


def rows(uri: str) -> list[str]:
    with psycopg2.connect(uri) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT text FROM notes")
        return [text for (text,) in cursor.fetchall()]


def publish(uri: str, body: str) -> None:
    with connect(uri, 5) as connection:
        channel = connection.channel()
        channel.confirm_select()
        channel.queue_declare("notes", durable=True, auto_delete=False)
        channel.basic_publish_confirm(amqp.Message(body, delivery_mode=2), routing_key="notes")


def waiting(uri: str) -> int:
    with connect(uri, 5) as connection:
        return int(connection.channel().queue_declare("notes", passive=True).message_count)


def kill(server: Postgres | Broker) -> None:
    for process in server.processes:
        assert process.pid
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)


def test_postgres_keeps_its_data_over_a_stop_and_over_a_kill(state: Path) -> None:
    ends = [Postgres.stop, kill, Postgres.stop]
    for number, end in enumerate(ends):
        server = Postgres(state)
        server.start()
        write_row(server.uri, str(number))
        end(server)
    server = Postgres(state)
    server.start()
    try:
        assert rows(server.uri) == ["0", "1", "2"]
    finally:
        server.stop()


def test_postgres_starts_beside_a_pid_file_of_another_process(state: Path) -> None:
    server = Postgres(state)
    server.start()
    pid_file = server.folder / "data" / "postmaster.pid"
    stale = pid_file.read_text().splitlines()
    server.stop()
    pid_file.write_text("\n".join([str(os.getpid()), *stale[1:]]) + "\n")
    shutil.chown(pid_file, pid_file.parent.owner())
    server = Postgres(state)
    server.start()
    server.stop()


def test_postgres_tells_the_end_of_its_log_when_it_cannot_start(state: Path) -> None:
    server = Postgres(state)
    server.start()
    server.stop()
    (server.folder / "data" / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(EmbeddedError, match=r"(?s)PostgreSQL ended while it started.*9\.6"):
        Postgres(state).start()


def test_rabbitmq_keeps_its_messages_over_a_stop_and_over_a_kill(state: Path) -> None:
    for end in (Broker.stop, kill):
        server = Broker(state)
        server.start()
        publish(server.uri, "note")
        end(server)
    server = Broker(state)
    server.start()
    try:
        assert waiting(server.uri) == 2
    finally:
        server.stop()


def test_both_run_for_a_plain_user(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("the other tests do that already, unless they are run by root")
    program = (
        "import sys; from pathlib import Path; from confd_worker.embedded import Broker, Postgres\n"
        "servers = [Postgres(Path(sys.argv[1])), Broker(Path(sys.argv[1]))]\n"
        "for server in servers: server.launch()\n"
        "for server in servers: server.wait_until_ready()\n"
        "for server in servers: server.stop()\n"
    )
    folder = Path(tmp_path.anchor, "tmp", f"confd-embedded-{os.getpid()}")
    folder.mkdir()
    shutil.chown(folder, "nobody")
    try:
        done = subprocess.run(
            [*AS_NOBODY, *MAY_READ, sys.executable, "-c", program, str(folder)],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert {path.owner() for path in folder.rglob("*")} == {"nobody"}
    finally:
        shutil.rmtree(folder)


def test_a_state_folder_belongs_to_one_process(state: Path) -> None:
    with pytest.raises(EmbeddedError, match=f"in use by process {os.getpid()}"), locked(state):
        pass


def test_what_to_install_is_told_when_rabbitmq_is_not_there(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("confd_worker.embedded.rabbitmq.SCRIPTS", ())
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EmbeddedError, match="install the package rabbitmq-server"):
        Broker(state).start()
