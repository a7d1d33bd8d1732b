"""Remembers what a slow look-up found, for a few seconds, and makes one look-up of many identical ones."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any

__all__ = ["Cache"]


class Cache:
    """Found values by key; failures are not kept.

    Args:
        seconds: for which a value is believed.
        size: how many are kept; the ones unused for longest go first.
    """

    def __init__(self, seconds: float, size: int = 10_000) -> None:
        self._seconds = seconds
        self._size = size
        self._found: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._running: dict[Hashable, asyncio.Task[Any]] = {}

    async def get(self, key: Hashable, look_up: Callable[[], Awaitable[Any]]) -> Any:
        """The value of `key`, known or looked up; raises what `look_up` raises."""
        known = self._found.get(key)
        if known is not None:
            if known[0] > time.monotonic():
                self._found.move_to_end(key)
                return known[1]
            del self._found[key]
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.ensure_future(self._keep(key, look_up))
            # A failure that nobody waits for any more is no news.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)

    def drop(self, unwanted: Callable[[Any, Any], bool]) -> None:
        """Forget each entry for which `unwanted(key, value)` is true; look-ups under way are not kept either."""
        self._running.clear()
        for key in [key for key, (_, value) in self._found.items() if unwanted(key, value)]:
            del self._found[key]

    def clear(self) -> None:
        """Forget everything."""
        self.drop(lambda key, value: True)

    def values(self) -> list[tuple[Any, Any]]:
        """All keys and values."""
        return [(key, value) for key, (_, value) in self._found.items()]

    async def _keep(self, key: Hashable, look_up: Callable[[], Awaitable[Any]]) -> Any:
        task = asyncio.current_task()
        try:
            value = await look_up()
            if self._running.get(key) is task:
                self._found[key] = (time.monotonic() + self._seconds, value)
                if len(self._found) > self._size:
                    self._found.popitem(last=False)
            return value
        finally:
            if self._running.get(key) is task:
                del self._running[key]
