"""Greenlets, as eventlet gives them: the one module that knows what the worker's concurrency is made of."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import eventlet
from eventlet import tpool
from eventlet.event import Event
from eventlet.greenthread import GreenThread
from eventlet.semaphore import Semaphore

__all__ = [
    "Event",
    "GreenThread",
    "Semaphore",
    "Timeout",
    "in_thread",
    "pause",
    "sleep",
    "spawn",
    "spawn_after",
    "spawn_n",
    "within",
]

Timeout = eventlet.Timeout
spawn = eventlet.spawn
spawn_after = eventlet.spawn_after
spawn_n = eventlet.spawn_n
sleep = eventlet.sleep


def pause() -> None:
    """Let other greenlets run, as who computes for long must now and then: heartbeats and other calls wait for it."""
    eventlet.sleep(0)


def within(seconds: float) -> AbstractContextManager[Any]:
    """Leaves the block, without an error, when it takes longer."""
    return eventlet.Timeout(seconds, False)


def in_thread(run: Callable[..., Any], *arguments: Any) -> Any:
    """What a function gives that blocks, as one that waits for a disk does, while other greenlets go on."""
    return tpool.execute(run, *arguments)
