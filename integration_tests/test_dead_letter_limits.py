"""Messages that were set aside are forgotten in the end: there is room for so many, and each has its time."""

import threading
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest

from confd_worker.conformance.system import System, until
from confd_worker.core.delivery.dead_letter_limits import DeadLetterLimits

MANY = 1_000_000_000


@pytest.fixture
def cursor(system: System) -> Iterator[Any]:
    """A cursor of the database, in which there is no dead letter."""
    with system.database() as cursor:
        cursor.execute("DELETE FROM dead_letters")
        yield cursor
        cursor.execute("DELETE FROM dead_letters")


def set_aside(cursor: Any, number: int, size: int = 1, days: float = 0) -> None:
    """Make so many letters, each an hour older than the next, the newest so many days old."""
    cursor.execute(
        "INSERT INTO dead_letters (fingerprint, queue, exchange, routing_key, headers, properties, body, reason,"
        " received_at) SELECT gen_random_uuid(), number, '', '', '{}', '{}', convert_to(repeat('x', %(size)s), 'utf8'),"
        " '', timezone('utc', now()) - %(days)s * interval '1 day' - (%(last)s - number) * interval '1 hour'"
        " FROM generate_series(1, %(last)s) AS number",
        {"last": number, "size": size, "days": days},
    )


def left(cursor: Any) -> list[int]:
    cursor.execute("SELECT queue::int FROM dead_letters ORDER BY received_at")
    return [row[0] for row in cursor.fetchall()]


@pytest.mark.parametrize("number", [1, 5, 20, 21])
def test_of_too_many_letters_the_newest_stay(number: int, cursor: Any) -> None:
    set_aside(cursor, 20)
    assert DeadLetterLimits(number, MANY, 30).housekeeping(cursor) is False
    assert left(cursor) == list(range(1, 21))[-number:]


def test_a_letter_that_is_too_old_goes(cursor: Any) -> None:
    set_aside(cursor, 10, days=29.8)
    DeadLetterLimits(MANY, MANY, 30).housekeeping(cursor)
    assert left(cursor) == [6, 7, 8, 9, 10]


def test_letters_take_no_more_room_than_there_is(cursor: Any) -> None:
    set_aside(cursor, 10, size=100_000)
    DeadLetterLimits(MANY, 350_000, 30).housekeeping(cursor)
    assert left(cursor) == [8, 9, 10]


def test_the_newest_letter_is_kept_however_large(cursor: Any) -> None:
    set_aside(cursor, 3, size=100_000)
    DeadLetterLimits(MANY, 10, 30).housekeeping(cursor)
    assert left(cursor) == [3]


def test_very_many_letters_go_slice_by_slice(cursor: Any) -> None:
    set_aside(cursor, 12_000)
    limits = DeadLetterLimits(10, MANY, 3650)
    assert [limits.housekeeping(cursor) for _ in range(3)] == [True, True, False]
    assert left(cursor) == list(range(11_991, 12_001))


def test_that_letters_are_forgotten_is_told(cursor: Any, caplog: pytest.LogCaptureFixture) -> None:
    set_aside(cursor, 5)
    limits = DeadLetterLimits(2, MANY, 30)
    for _ in range(2):
        limits.housekeeping(cursor)
    assert caplog.messages == ["dead_letters_forgotten number=3"]


def test_a_letter_that_comes_again_meanwhile_stays(cursor: Any, system: System) -> None:
    set_aside(cursor, 3)
    with system.database() as other:
        other.execute("BEGIN")
        other.execute("UPDATE dead_letters SET attempts = 2, received_at = timezone('utc', now()) WHERE queue = '1'")
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
        thread = threading.Thread(target=DeadLetterLimits(1, MANY, 30).housekeeping, args=[cursor])
        thread.start()
        until(lambda: waits(other, pid), "the letter is waited for")
        other.execute("COMMIT")
        thread.join()
    assert left(cursor) == [3, 1]


def waits(cursor: "psycopg2.extensions.cursor", pid: int) -> bool:
    cursor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", (pid,))
    return bool(cursor.fetchone()[0])
