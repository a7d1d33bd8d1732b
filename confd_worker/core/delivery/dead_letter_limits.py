"""How many messages that were set aside are kept, of what size, and for how long."""

import logging
from dataclasses import dataclass
from typing import Any

__all__ = ["DeadLetterLimits"]

_log = logging.getLogger(__name__)
# Small enough that no transaction takes long, whatever has gathered.
_SLICE = 5000
# One that is set aside again meanwhile is new again, and stays: it has another number of attempts by then.
_FORGET = """
    DELETE FROM dead_letters USING (
        SELECT id, attempts FROM (
            SELECT id, attempts, received_at, row_number() OVER newest AS place,
                sum(octet_length(body) + pg_column_size(headers) + pg_column_size(properties)) OVER newest AS bytes
            FROM dead_letters WINDOW newest AS (ORDER BY received_at DESC, id DESC)
        ) AS each
        WHERE place > %(number)s OR (bytes > %(bytes)s AND place > 1)
            OR received_at < timezone('utc', now()) - %(days)s * interval '1 day'
        ORDER BY place DESC LIMIT %(slice)s
    ) AS beyond
    WHERE dead_letters.id = beyond.id AND dead_letters.attempts = beyond.attempts
"""


@dataclass(frozen=True)
class DeadLetterLimits:
    """What is beyond is forgotten, the oldest first; of the size, the newest is kept whatever it has.

    Attributes:
        number: of letters.
        bytes: of all of them.
        days: since each was set aside last.
    """

    number: int
    bytes: int
    days: float

    def housekeeping(self, cursor: Any) -> bool:
        """Forget what is beyond the limits; whether there may be more.

        Args:
            cursor: of a connection in autocommit.
        """
        cursor.execute(_FORGET, {"number": self.number, "bytes": self.bytes, "days": self.days, "slice": _SLICE})
        forgotten: int = cursor.rowcount
        if forgotten:
            _log.warning("dead_letters_forgotten number=%s", forgotten)
        return forgotten == _SLICE
