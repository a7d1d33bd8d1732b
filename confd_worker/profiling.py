"""Profiles of whole processes, to be read with `python -m pstats`."""

import cProfile
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["profiled"]


@contextmanager
def profiled(folder: str, name: str) -> Iterator[None]:
    """Write what ran inside to `{folder}/{name}-{pid}.prof` at the end; nothing is measured where `folder` is empty.

    Time that a greenlet or a coroutine waits counts for what it called last.
    """
    if not folder:
        yield
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    profile = cProfile.Profile()
    profile.enable()
    try:
        yield
    finally:
        profile.disable()
        profile.dump_stats(Path(folder) / f"{name}-{os.getpid()}.prof")
