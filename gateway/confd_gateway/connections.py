"""How many clients may be connected, and for how long without asking for anything."""

import asyncio
import resource
from typing import Protocol

import structlog

from .settings import ConfigurationError

__all__ = ["Client", "Connections", "most_connections"]

# Files that the process needs beside the connections of clients that it serves: to the authentication server and the
# broker, of clients that are refused or ended, and a few of its own.
OTHER_FILES = 128
# More are of no use to one process.
MOST = 10_000
# So many that are refused have time to read why, and so much; and so many at once may be closed for others.
MOST_LEAVING, LEAVING_SECONDS = 32, 1.0
# Who has just come gets so long to ask, and who was answered to ask again, however many others want to come.
ASKING_GRACE, IDLE_GRACE = 1.0, 5.0
# Deadlines are looked at so often.
LONGEST_PAUSE = 1.0
SECONDS_BETWEEN_WARNINGS = 60.0

_log = structlog.get_logger(__name__)


class Client(Protocol):
    """A connection."""

    def end(self) -> None:
        """It has asked for nothing in its time: close it."""

    def abort(self) -> None:
        """Close it at once."""

    def unsent(self) -> int:
        """Bytes that were written to it and that it has not taken."""


def most_connections(wanted: int) -> int:
    """How many clients may be connected at once.

    Args:
        wanted: 0 for as many as the process's limit of open files allows.

    Raises:
        ConfigurationError: it does not allow what is wanted.
    """
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return wanted or MOST
    allowed = max(files - OTHER_FILES, files // 2)
    if wanted > allowed:
        raise ConfigurationError(
            f"connections (CONFD_HTTP_CONNECTIONS): {wanted} need a limit of {wanted + OTHER_FILES} open files; this "
            f"process has {files} (`ulimit -n`, or LimitNOFILE of systemd), so that {allowed} are possible"
        )
    return wanted or min(allowed, MOST)


class Connections:
    """All connections, the waiting ones by what they wait for.

    Args:
        most: clients at once.
        headers_seconds: for which a client may be about to ask.
        idle_seconds: for which a client that was answered may be silent.
        stall_seconds: for which a client may take nothing of what was written to it.
    """

    def __init__(self, most: int, *, headers_seconds: float, idle_seconds: float, stall_seconds: float) -> None:
        self._most = most
        self._stall_seconds = stall_seconds
        # In each, since when; and so the one that waits for longest is the first.
        self._asking: dict[Client, float] = {}
        self._idle: dict[Client, float] = {}
        self._leaving: dict[Client, float] = {}
        self._deadlines = (
            (self._leaving, LEAVING_SECONDS),
            (self._asking, headers_seconds),
            (self._idle, idle_seconds),
        )
        self._all: set[Client] = set()
        # They are still here, and have no place.
        self._refused: set[Client] = set()
        self._pushed_out: set[Client] = set()
        # What each has not taken, and since when.
        self._unsent: dict[Client, tuple[int, float]] = {}
        self._pause = min(LONGEST_PAUSE, headers_seconds / 4, idle_seconds / 4, stall_seconds / 4)
        self._timer: asyncio.TimerHandle | None = None
        self._next_warning = 0.0

    def opened(self, client: Client, loop: asyncio.AbstractEventLoop) -> bool:
        """Take in a client that has connected; whether there is a place for it."""
        now = loop.time()
        self._all.add(client)
        if self._timer is None:
            self._timer = loop.call_later(self._pause, self._look, loop)
        if self._has_place() or self._make_place(now):
            self._asking[client] = now
            return True
        if now >= self._next_warning:
            self._next_warning = now + SECONDS_BETWEEN_WARNINGS
            _log.warning("connections_full", connections=self._most)
        self._refuse(client, now)
        return False

    def closed(self, client: Client) -> None:
        """Forget a client that is gone."""
        self._stop_waiting(client)
        self._unsent.pop(client, None)
        for clients in (self._all, self._refused, self._pushed_out):
            clients.discard(client)

    def asked(self, client: Client) -> None:
        """A whole request has come, or all but its body."""
        self._asking.pop(client, None)
        self._idle.pop(client, None)

    def begins_to_ask(self, client: Client, now: float) -> None:
        """Something of a request has come."""
        if self._idle.pop(client, None) is not None:
            self._asking[client] = now

    def answered(self, client: Client, now: float, *, whole: bool) -> None:
        """The client was answered; whether all of its request has come."""
        self._asking.pop(client, None)
        (self._idle if whole else self._asking)[client] = now

    def leaves(self, client: Client, now: float) -> None:
        """The client was told that nothing else will be answered."""
        self._stop_waiting(client)
        self._leaving[client] = now

    def _stop_waiting(self, client: Client) -> None:
        for waiting, _ in self._deadlines:
            waiting.pop(client, None)

    def _has_place(self) -> bool:
        return len(self._all) - len(self._refused) - len(self._pushed_out) <= self._most

    def _refuse(self, client: Client, now: float) -> None:
        """Wait for what it sends: who is closed with something unread may not see the answer."""
        if len(self._refused) >= MOST_LEAVING:
            longest = next((each for each in self._leaving if each in self._refused), None)
            if longest is not None:
                del self._leaving[longest]
                longest.end()
        self._refused.add(client)
        self._leaving[client] = now

    def _make_place(self, now: float) -> bool:
        """Close the connection of whoever waits for nothing for longest; whether there was one."""
        if len(self._pushed_out) >= MOST_LEAVING:
            return False
        for waiting, grace in (
            (self._leaving, 0.0),
            (self._asking, ASKING_GRACE),
            (self._idle, IDLE_GRACE),
        ):
            first = next((client for client in waiting if client not in self._refused), None)
            if first is not None and now - waiting[first] >= grace:
                self._stop_waiting(first)
                self._pushed_out.add(first)
                first.abort()
                return True
        return False

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Keep the deadlines."""
        self._timer = loop.call_later(self._pause, self._look, loop) if self._all else None
        now = loop.time()
        for waiting, seconds in self._deadlines:
            while waiting and now - waiting[first := next(iter(waiting))] >= seconds:
                del waiting[first]
                first.end()
        for client in list(self._all):
            self._look_at_unsent(client, now)

    def _look_at_unsent(self, client: Client, now: float) -> None:
        size = client.unsent()
        before, since = self._unsent.get(client, (0, now))
        if size == 0:
            self._unsent.pop(client, None)
        elif size != before:
            self._unsent[client] = size, now
        elif now - since >= self._stall_seconds:
            client.abort()
