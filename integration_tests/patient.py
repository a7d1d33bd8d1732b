"""A job that looks only when it is woken, and tells each time it does as a line; each line that it reads rings.

Run it with `python -m integration_tests.patient DB_URI`.
"""

import eventlet

eventlet.monkey_patch()

import select  # noqa: E402
import sys  # noqa: E402
from typing import Any  # noqa: E402

from confd_worker.core.database.engine import Database  # noqa: E402
from confd_worker.core.delivery.standby import CHANNEL, Bell, Standby  # noqa: E402


class Patient(Standby):
    """Does nothing, and never by itself."""

    lock = 0x7E57
    name = "patient"
    poll = 3600.0

    def opened(self) -> None:
        print("active", flush=True)

    def step(self, connection: Any) -> bool:
        print("looked", flush=True)
        return False


def main(db_uri: str) -> None:
    """Stand by, and ring for each line."""
    database, job = Database(db_uri, connections=1), Patient(db_uri)

    def notify() -> None:
        database.notify(CHANNEL)
        print("notified others", flush=True)

    bell = Bell([job], notify)
    bell.start()
    job.start()
    while select.select([sys.stdin], [], []) and sys.stdin.readline():
        bell.ring()


if __name__ == "__main__":
    main(sys.argv[1])
