"""Lists that are shown again as they were, for as long as nothing in the database has changed.

PostgreSQL itself tells whether that is so, in the very statement that would make the list: two statements that run with
the same snapshot see the same rows, and a snapshot's text tells it apart from every other one (manual of PostgreSQL,
"Transaction ID and Snapshot Information Functions"). So a list that is shown again is never an old one.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from .wire import Statement

__all__ = ["ListCache"]

_MOST_BYTES = 16 * 1024 * 1024
_LARGEST = 1024 * 1024
_MOST = 10_000
# Of an entry, without its texts.
_BESIDE = 600

Read = Callable[[Statement, Sequence[Any]], list[Sequence[Any]]]


class _Shown(NamedTuple):
    snapshot: str
    text: bytes


class ListCache:
    """What lists showed last, in a process."""

    def __init__(self) -> None:
        self._shown: OrderedDict[Any, _Shown] = OrderedDict()
        self._bytes = 0

    def show(self, statement: Statement, values: tuple[Any, ...], read: Read) -> bytes:
        """The text that a statement gives, as UTF-8.

        Args:
            read: gives the rows of a statement, outside of any transaction.
        """
        key = statement, values
        known = self._shown.get(key)
        [(snapshot, text)] = read(_unless_shown(statement, len(values)), (*values, known and known.snapshot))
        if text is not None:
            known = _Shown(snapshot.decode(), text)
            self._keep(key, known)
        elif key in self._shown:
            self._shown.move_to_end(key)
        assert known is not None
        return known.text

    def forget(self) -> None:
        """Drop all, as when the server may be another one now."""
        self._shown.clear()
        self._bytes = 0

    def _keep(self, key: Any, shown: _Shown) -> None:
        old = self._shown.pop(key, None)
        self._bytes -= _size(key, old) if old else 0
        if len(shown.text) > _LARGEST:
            return
        self._shown[key] = shown
        self._bytes += _size(key, shown)
        while self._bytes > _MOST_BYTES or len(self._shown) > _MOST:
            oldest, forgotten = self._shown.popitem(last=False)
            self._bytes -= _size(oldest, forgotten)


def _size(key: Any, shown: _Shown) -> int:
    """Bytes that a list takes here, with what is kept beside it."""
    return len(shown.text) + sum(len(str(value)) for value in key[1]) + _BESIDE


@lru_cache(1000)
def _unless_shown(statement: Statement, parameters: int) -> Statement:
    """The snapshot, and the statement's text, but null for it where that is the snapshot of the last parameter."""
    return Statement(
        f"SELECT snapshot, CASE WHEN snapshot = ${parameters + 1}::text THEN NULL ELSE ({statement.sql}) END "
        "FROM (SELECT pg_current_snapshot()::text) AS now (snapshot)",
        encoded=True,
    )
