"""Joins what is written to a connection in one turn of the event loop, as each write is a system call."""

import asyncio
from typing import Any

__all__ = ["JoinedWrites"]


# What is larger is written at once: only then does who writes learn that the other side takes nothing.
LARGE = 64 * 1024


class JoinedWrites:
    """Stands before a transport, and is one in all but how it writes: to one that ends it writes nothing more."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting: list[bytes] = []
        self._ended = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write before the loop waits for anything."""
        if self._ended:
            return
        if len(data) > LARGE:
            self._waiting.append(data)
            self.flush()
            return
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append(data)

    def is_closing(self) -> bool:
        """Whether nothing more can be written."""
        return self._ended or self._transport.is_closing()

    def write_eof(self) -> None:
        """Tell the other side, once all is written, that this was all."""
        self.flush()
        if not self.is_closing():
            self._ended = True
            self._transport.write_eof()

    def close(self) -> None:
        """Close once all is written."""
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Write now."""
        waiting, self._waiting = self._waiting, []
        if waiting and not self._transport.is_closing():
            self._transport.writelines(waiting)
