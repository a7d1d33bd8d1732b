"""Blocks of ids and the like: what the database gives out one by one, a process asks for in blocks, and has at hand.

Like the cached values of a sequence (manual of PostgreSQL, CREATE SEQUENCE, CACHE), what a process has at hand when it
ends is not used, and ids of several processes are not given in one order.
"""

import time
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["IdBlocks"]

_FEWEST = 32
_MOST = 1024
# A block that is used up faster, as by a change that makes many rows, is followed by a larger one.
_SECONDS = 1.0


@dataclass
class _Block:
    size: int = 0
    asked: float = 0.0
    left: list[Any] = field(default_factory=list)


class IdBlocks:
    """What one process has at hand."""

    def __init__(self) -> None:
        self._blocks: dict[Hashable, _Block] = {}

    def take(self, kind: Hashable, ask: Callable[[int], Iterable[Any]]) -> Any:
        """One of a kind, for whoever takes it alone.

        Args:
            kind: tells apart what is held.
            ask: gets so many new ones, or at least one.
        """
        block = self._blocks.setdefault(kind, _Block())
        if not block.left:
            now = time.monotonic()
            block.size = min(block.size * 2, _MOST) if now - block.asked < _SECONDS and block.size else _FEWEST
            block.asked = now
            block.left[:0] = reversed(list(ask(block.size)))
        return block.left.pop()

    def forget(self) -> None:
        """Use nothing of what is at hand."""
        self._blocks.clear()
