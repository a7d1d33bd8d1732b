"""Removes what is kept for a while only: the records of calls, once nobody can repeat them any more."""

import time
from collections.abc import Callable
from typing import Any, ClassVar

from .health import HOUSEKEEPING
from .standby import Standby

__all__ = ["Housekeeping"]

# Small enough that no transaction takes long, whatever has gathered.
_SLICE = 5000
_EXPIRED = """
    DELETE FROM calls WHERE key = ANY(ARRAY(
        SELECT key FROM calls WHERE expires_at < now() ORDER BY expires_at LIMIT %s))
"""


class Housekeeping(Standby):
    """Removes all that is over, slice by slice, every few seconds.

    Args:
        db_uri: of the database.
        more: removes something else, given a cursor, and tells whether more of it is left.
    """

    lock: ClassVar[int] = HOUSEKEEPING
    name = "housekeeping"
    poll = 10.0
    rung = False

    def __init__(self, db_uri: str, more: Callable[[Any], bool]) -> None:
        super().__init__(db_uri)
        self._more = more
        self._next = 0.0

    def step(self, connection: Any) -> bool:
        """Remove a slice; being woken for another job does not make it look again at once."""
        if time.monotonic() < self._next:
            return False
        with connection.cursor() as cursor:
            cursor.execute(_EXPIRED, (_SLICE,))
            more = cursor.rowcount == _SLICE
            more |= self._more(cursor)
        if not more:
            self._next = time.monotonic() + self.poll
        return more
