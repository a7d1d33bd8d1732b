"""Background jobs of which only one runs in the whole system, while the other processes stand by."""

import logging
import os
import select
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

import psycopg2
from sqlalchemy import make_url

from ..greenlets import Event, GreenThread, sleep, spawn

__all__ = ["CHANNEL", "CONNECTION", "Bell", "Standby"]

CHANNEL = "confd_outbox"
"""Name of the channel on which PostgreSQL's NOTIFY wakes the jobs."""
CONNECTION = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""Of every connection to PostgreSQL, so that one whose other end is gone is noticed (manual of libpq)."""

_log = logging.getLogger(__name__)
_STANDBY = 0.5
_LONGEST = 10.0


class Standby(ABC):
    """A job that works off rows of a table; the process that holds its advisory lock does it.

    It wakes at once when a change is committed, and looks by itself every second. The lock is held by the session
    that reads the rows, so that a process that dies or loses the database gives it up with it.

    Args:
        db_uri: of the database.
    """

    lock: ClassVar[int]
    name: ClassVar[str]
    poll = 1.0
    rung: ClassVar[bool] = True
    """Whether a commit may be something to do."""

    def __init__(self, db_uri: str) -> None:
        self._dsn = make_url(db_uri).set(drivername="postgresql").render_as_string(hide_password=False)
        # How the server's list of sessions shows where the job is done; it holds 63 characters.
        self._told = f"{socket.gethostname()[:40]} {os.getpid()} {self.name}"
        self._stopping = False
        self._greenlet: GreenThread | None = None
        self._called: Event = Event()
        self.active = False

    def start(self) -> None:
        """Begin to stand by."""
        self._greenlet = spawn(self._run)

    def stop(self) -> None:
        """Finish what is being done and give the job up."""
        self._stopping = True
        self.wake()
        if self._greenlet is not None:
            self._greenlet.wait()

    def wake(self) -> None:
        """Have it look at once, where this process does the job."""
        if not self._called.ready():
            self._called.send(None)

    @abstractmethod
    def step(self, connection: "psycopg2.extensions.connection") -> bool:
        """Work off some rows; True when there may be more at once."""

    def opened(self) -> None:  # noqa: B027
        """Called when this process takes over the job."""

    def closed(self) -> None:  # noqa: B027
        """Called when the job stops here, for whatever reason."""

    def _run(self) -> None:
        pause = _STANDBY
        while not self._stopping:
            begun = time.monotonic()
            try:
                connection = psycopg2.connect(self._dsn, application_name=self._told, **CONNECTION)
                try:
                    connection.autocommit = True
                    self._stand_by(connection)
                    if not self._stopping:
                        self._work(connection)
                finally:
                    connection.close()
            except Exception as error:
                _log.warning("%s_interrupted reason=%s", self.name, " ".join(str(error).split()))
                if time.monotonic() - begun > _LONGEST:
                    pause = _STANDBY
                sleep(pause)
                pause = min(pause * 2, _LONGEST)

    def _stand_by(self, connection: "psycopg2.extensions.connection") -> None:
        # Trying again and again: a session that waits in pg_advisory_lock would hold back vacuum.
        with connection.cursor() as cursor:
            while not self._stopping:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", (self.lock,))
                if cursor.fetchone()[0]:
                    cursor.execute(f"LISTEN {CHANNEL}")
                    return
                sleep(_STANDBY)

    def _work(self, connection: "psycopg2.extensions.connection") -> None:
        self.active = True
        _log.info("%s_active", self.name)
        try:
            self.opened()
            while not self._stopping:
                connection.notifies.clear()
                self._called = Event()
                if not self.step(connection):
                    self._wait(connection)
        finally:
            self.active = False
            self.closed()

    def _wait(self, connection: "psycopg2.extensions.connection") -> None:
        if connection.notifies or self._called.ready():
            return
        listener = spawn(self._listen, connection)
        try:
            self._called.wait()
        finally:
            listener.kill()
        connection.poll()

    def _listen(self, connection: "psycopg2.extensions.connection") -> None:
        try:
            select.select([connection], [], [], self.poll)
        finally:
            self.wake()


class Bell:
    """Wakes the jobs after commits, be they done here or elsewhere; many commits at once ring it once.

    Outside of the transaction, because PostgreSQL lets transactions that notify commit only one after the other.

    Args:
        jobs: of this process.
        ring: sends the notification to other processes.
    """

    def __init__(self, jobs: Sequence[Standby], ring: Callable[[], None]) -> None:
        self._jobs = jobs
        self._ring = ring
        self._rung: Event = Event()

    def start(self) -> None:
        """Begin to listen for rings."""
        spawn(self._run)

    def ring(self) -> None:
        """Something was committed that must be told."""
        for job in self._jobs:
            job.wake()
        if not self._rung.ready() and not all(job.active for job in self._jobs):
            self._rung.send(None)

    def _run(self) -> None:
        while True:
            self._rung.wait()
            self._rung = Event()
            try:
                self._ring()
            except Exception as error:
                _log.warning("bell_not_rung reason=%s", " ".join(str(error).split()))
