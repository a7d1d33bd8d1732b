"""The faults: each breaks something while calls are made, and mends what does not mend itself."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg2

from confd_worker.conformance.system import until

from .fakes import Cutter, Fake
from .load import Load
from .stage import CALL_SECONDS, RELAY_LOCK, Stage

__all__ = ["ENDING", "FAULTS", "PEACE", "Fault"]

PEACE = "nothing"
"""Name of the fault that is none."""
ENDING = {"worker-killed", "relay-killed", "workers-killed", "worker-ended", "all-ended", "gateway-killed"}
"""Those that end processes of the system; the others leave all of them running."""

Strike = Callable[[Stage, Load], None]

# Long enough for calls to pass their deadline meanwhile.
WHILE = CALL_SECONDS + 0.5
SLOWLY = 0.5
COMMITS = 6
# Long enough for a worker to find out what became of a commit.
PATIENCE = 8 * CALL_SECONDS
MOST_EVENTS = 10_000


@dataclass(frozen=True)
class Fault:
    """Something that breaks.

    Attributes:
        name: for the command line.
        about: what happens.
        strike: does it, and comes back when it is over.
    """

    name: str
    about: str
    strike: Strike


FAULTS: dict[str, Fault] = {}


def _fault(name: str, about: str) -> Callable[[Strike], Strike]:
    def register(strike: Strike) -> Strike:
        FAULTS[name] = Fault(name, about, strike)
        return strike

    return register


@_fault(PEACE, "nothing fails")
def _nothing(stage: Stage, load: Load) -> None:
    """Peace."""


@_fault("worker-killed", "a worker that does not hold the relay gets SIGKILL")
def _kill_worker(stage: Stage, load: Load) -> None:
    holder = stage.relay_holder()
    stage.kill_workers(next(name for name in stage.workers() if name != holder))


@_fault("relay-killed", "the worker that holds the relay gets SIGKILL")
def _kill_relay(stage: Stage, load: Load) -> None:
    stage.kill_workers(stage.relay_holder())


@_fault("workers-killed", "all workers get SIGKILL")
def _kill_workers(stage: Stage, load: Load) -> None:
    stage.kill_workers()


@_fault("workers-frozen", "all workers are stopped for longer than calls may take, and go on")
def _freeze(stage: Stage, load: Load) -> None:
    pids = stage.workers().values()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(CALL_SECONDS + 1)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@_fault("worker-ended", "a worker gets SIGTERM")
def _end_worker(stage: Stage, load: Load) -> None:
    os.kill(stage.workers()[stage.relay_holder()], signal.SIGTERM)


@_fault("all-ended", "all workers and the gateway get SIGTERM, and are started again")
def _end_all(stage: Stage, load: Load) -> None:
    stage.end("workers", "gateway")
    stage.start_workers()
    stage.start_gateway_alone()


@_fault("gateway-killed", "the gateway gets SIGKILL")
def _kill_gateway(stage: Stage, load: Load) -> None:
    stage.kill("gateway")
    stage.start_gateway_alone()


@_fault("broker-restarted", "RabbitMQ is stopped and started")
def _restart_broker(stage: Stage, load: Load) -> None:
    stage.broker.stop()
    stage.broker.start()


@_fault("broker-killed", "RabbitMQ gets SIGKILL, and is started")
def _kill_broker(stage: Stage, load: Load) -> None:
    stage.broker.processes[-1].kill()
    stage.broker.start()


@_fault("broker-connections", "RabbitMQ closes all connections by force")
def _close_connections(stage: Stage, load: Load) -> None:
    stage.rabbitmqctl("close_all_connections", "a trial")


@_fault("broker-disk-full", "RabbitMQ has its disk alarm, and takes no messages")
def _fill_disk(stage: Stage, load: Load) -> None:
    stage.rabbitmqctl("set_disk_free_limit", "100000GB")
    time.sleep(WHILE)
    stage.rabbitmqctl("set_disk_free_limit", "50MB")


@_fault("database-restarted", "PostgreSQL is stopped (fast) and started")
def _restart_database(stage: Stage, load: Load) -> None:
    stage.postgres.stop()
    stage.postgres.start()


@_fault("database-crashed", "PostgreSQL is stopped (immediate), and recovers")
def _crash_database(stage: Stage, load: Load) -> None:
    server = stage.postgres.processes[-1]
    assert server.pid is not None
    os.kill(server.pid, signal.SIGQUIT)
    assert server.wait(10)
    stage.postgres.start()


@_fault("database-cut", "all connections to PostgreSQL are ended by it, three times")
def _terminate_backends(stage: Stage, load: Load) -> None:
    with stage.database() as cursor:
        for _ in range(3):
            _terminate(cursor)
            load.go_on(10)


@_fault("database-full", "PostgreSQL has no connection left to give")
def _exhaust(stage: Stage, load: Load) -> None:
    with contextlib.ExitStack() as held, stage.database() as cursor:
        ours = [cursor.connection.info.backend_pid]
        for _ in range(2):
            ours += _take_all(stage, held)
            _terminate(cursor, ours)
        time.sleep(WHILE)


@_fault("database-locked", "another session holds locks in PostgreSQL for longer than calls may take")
def _lock(stage: Stage, load: Load) -> None:
    with stage.database() as cursor:
        cursor.execute("BEGIN; LOCK TABLE users, voicemails IN EXCLUSIVE MODE")
        time.sleep(WHILE)
        cursor.execute("COMMIT")


@_fault("commits-unanswered", "connections to PostgreSQL break after a commit, before its answer")
def _cut_commits(stage: Stage, load: Load) -> None:
    port = psycopg2.extensions.parse_dsn(stage.db_uri)["port"]
    cutter = Cutter(int(port))
    try:
        stage.start_worker("worker-cut", CONFD_DB_URI=stage.db_uri.replace(f":{port}/", f":{cutter.port}/"))
        with load.patient(PATIENCE):
            cutter.cut(COMMITS)
            until(lambda: cutter.cuts == COMMITS, "commits stay unanswered")
            load.go_on(10)
        stage.end("worker-cut")
    finally:
        cutter.close()


@_fault("neighbours-failing", "the system daemon and the authentication server are slow, then answer with errors")
def _fail_neighbours(stage: Stage, load: Load) -> None:
    fakes: tuple[Fake, ...] = (stage.auth, stage.sysconfd)
    try:
        for delay, failure in ((SLOWLY, None), (0, 503)):
            for fake in fakes:
                fake.delay, fake.failure = delay, failure
            time.sleep(WHILE / 2)
    finally:
        for fake in fakes:
            fake.delay, fake.failure = 0, None


@_fault("relay-stopped", "nobody relays while events pile up in the outbox")
def _stop_relay(stage: Stage, load: Load) -> None:
    wanted = min(10 * load.size, MOST_EVENTS)
    with stage.database() as cursor:
        until(lambda: _take_lock(cursor, RELAY_LOCK), "the relay's lock is taken")
        load.outlive(lambda: stage.count("outbox") >= wanted)


def _take_lock(cursor: Any, lock: int) -> bool:
    """Take an advisory lock from whoever holds it."""
    cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s", (lock,))
    cursor.execute("SELECT pg_try_advisory_lock(%s)", (lock,))
    return bool(cursor.fetchone()[0])


def _terminate(cursor: Any, but: Sequence[int] = ()) -> None:
    """End all sessions but this one and those."""
    cursor.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND pid <> ALL(%s)",
        (list(but),),
    )


def _take_all(stage: Stage, held: contextlib.ExitStack) -> list[int]:
    """Open connections until there are no more; their process ids in the server."""
    taken = []
    with contextlib.suppress(psycopg2.OperationalError):
        while True:
            connection = psycopg2.connect(stage.db_uri)
            held.callback(connection.close)
            taken.append(connection.info.backend_pid)
    return taken
