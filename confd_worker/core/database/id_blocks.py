"""What the database gives out one by one, such as ids: a process asks for many at once, and has them at hand.

Like the cached values of a sequence (manual of PostgreSQL, CREATE SEQUENCE, CACHE), what a process has at hand when it
ends is not used, and ids of several processes are not given in one order.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable
from typing import Any

__all__ = ["IdBlocks"]

_MANY = 32


class IdBlocks:
    """What one process has at hand."""

    def __init__(self) -> None:
        self._held: dict[Hashable, deque[Any]] = defaultdict(deque)

    def take(self, kind: Hashable, ask: Callable[[int], Iterable[Any]]) -> Any:
        """One of a kind, for whoever takes it alone.

        Args:
            kind: tells apart what is held.
            ask: gets so many new ones, or at least one.
        """
        held = self._held[kind]
        if not held:
            held.extend(ask(_MANY))
        return held.popleft()

    def forget(self) -> None:
        """Use nothing of what is at hand."""
        self._held.clear()
