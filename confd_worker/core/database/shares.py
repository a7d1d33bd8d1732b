"""Who may have how many of a process's connections: no service takes them all while others want some."""

import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager

from .. import errors
from ..greenlets import Event, Timeout

__all__ = ["Shares"]

_SECONDS = 5.0


class Shares:
    """Connections of one process, shared among its services.

    A service that has one already takes at most three quarters of what the others leave.

    Args:
        size: how many there are.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: Counter[str] = Counter()
        self._waiting: deque[tuple[str, Event]] = deque()

    @contextmanager
    def one(self, service: str, until: float | None) -> Iterator[None]:
        """Have a connection meanwhile.

        Args:
            until: Unix time to wait for it at the longest; None waits a few seconds.

        Raises:
            Overloaded: there was none in time.
        """
        self._take(service, until)
        try:
            yield
        finally:
            self._held[service] -= 1
            self._pass_on()

    def _free_for(self, service: str) -> bool:
        used, own = self._held.total(), self._held[service]
        return used < self._size and (not own or own < (self._size - used + own) * 0.75)

    def _take(self, service: str, until: float | None) -> None:
        if not self._waiting and self._free_for(service):
            self._held[service] += 1
            return
        mine = service, Event()
        self._waiting.append(mine)
        self._pass_on()
        seconds = _SECONDS if until is None else max(until - time.time(), 0)
        with Timeout(seconds, False):
            mine[1].wait()
        if not mine[1].ready():
            self._waiting.remove(mine)
            raise errors.Overloaded("all database connections that the service may have are in use")

    def _pass_on(self) -> None:
        """Give what is free to who waits for it, the longest first; who may not have it yet lets others pass."""
        for waiting in list(self._waiting):
            if self._free_for(waiting[0]):
                self._waiting.remove(waiting)
                self._held[waiting[0]] += 1
                waiting[1].send(None)
