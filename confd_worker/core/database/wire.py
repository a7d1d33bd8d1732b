"""Prepared statements: what each connection to PostgreSQL has of them, and what waits there to be sent."""

import hashlib
import math
import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import psycopg2
from psycopg2 import errorcodes
from psycopg2.extensions import BYTES, TRANSACTION_STATUS_IDLE, register_type
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..greenlets import GreenThread, sleep, spawn

__all__ = ["Bound", "Statement", "Wire", "outdated", "seconds_left", "too_late", "unreachable"]

# Of each, the server keeps a plan for the connection, some of which are large.
_MOST_PREPARED = 400
# Of a statement, in a process, before it is prepared: what is rare is not worth a plan that is kept.
_FAMILIAR = 3
_PLACEHOLDER = re.compile(r"\$([0-9]+)")
_SECONDS = 60.0
_LONGEST = 86_400.0
# Before the statement itself is ended, so that who waits for a lock is told that he does.
_LOCK_SHARE = 0.9
_MOST_WAITING = 200


@dataclass(frozen=True)
class Statement:
    """SQL with the placeholders $1, $2 …

    Args:
        sql: the text; where it is used often, it is prepared once on each connection.
        encoded: whether the text that it gives is to come as UTF-8, as for who only passes it on; outside of
            transactions.
    """

    sql: str
    encoded: bool = False
    _uses: list[int] = field(default_factory=lambda: [0], compare=False, repr=False)

    def used(self) -> bool:
        """Note a use of it; whether it is one that is used often."""
        self._uses[0] += 1
        return self._uses[0] > _FAMILIAR

    @cached_property
    def spelled(self) -> tuple[str, tuple[int, ...]]:
        """The text with the driver's placeholders, and which value each of them is for."""
        text = _PLACEHOLDER.sub("%s", self.sql.replace("%", "%%"))
        return text, tuple(int(number) - 1 for number in _PLACEHOLDER.findall(self.sql))

    @cached_property
    def name(self) -> str:
        """Name of the prepared statement, the same in every process."""
        return "confd_" + hashlib.sha1(self.sql.encode(), usedforsecurity=False).hexdigest()[:24]

    def command(self, places: str) -> str:
        """What executes it, with these placeholders of the driver."""
        return f"EXECUTE {self.name} ({places})" if places else f"EXECUTE {self.name}"


Bound = tuple[Statement, Sequence[Any]]
"""A statement with the values of its placeholders."""


class Wire:
    """One connection of the driver, in autocommit: BEGIN and COMMIT travel with other statements.

    Args:
        connection: of psycopg2.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._prepared: OrderedDict[str, None] = OrderedDict()
        self._seconds, self._limit = _SECONDS, 0
        self._waiting: list[Bound] = []
        self._underway: GreenThread | None = None

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open on the server, be it one that has failed."""
        return bool(self._connection.info.transaction_status != TRANSACTION_STATUS_IDLE)

    def within(self, seconds: float) -> None:
        """Have the server end what takes longer from now on, and what waits for a lock for as long."""
        self._seconds = max(seconds, 0.001)

    def rows(self, statement: Statement, values: Sequence[Any], *, transaction: bool = True) -> list[Sequence[Any]]:
        """The rows that a statement gives, after all that waits.

        Args:
            transaction: whether it is part of one, which begins when none is open.
        """
        statements = [*self._take(), (statement, values)]
        with self._connection.cursor() as cursor:
            if statement.encoded:
                register_type(BYTES, cursor)
            self._execute(cursor, statements, begin=transaction)
            return cursor.fetchall() if cursor.description else []

    def send(self, statement: Statement, values: Sequence[Any]) -> None:
        """Execute a statement with the next one, in the same round trip; where many wait, while the caller goes on."""
        self._waiting.append((statement, values))
        if len(self._waiting) >= _MOST_WAITING:
            self._underway = spawn(self._execute_all, self._take())
            # Lets it begin.
            sleep(0)

    def deliver(self) -> None:
        """Execute what waits."""
        if waiting := self._take():
            self._execute_all(waiting)

    def commit(self, last: Sequence[Bound] = (), then: Bound | None = None) -> list[Sequence[Any]]:
        """Execute what waits and these statements, and commit, in one round trip; none where there is nothing to.

        Args:
            then: a statement to execute once that is committed; its rows are given.
        """
        statements = [*self._take(), *last]
        if not statements and not self.in_transaction:
            return []
        with self._connection.cursor() as cursor:
            if then is not None and then[0].encoded:
                register_type(BYTES, cursor)
            self._execute(cursor, statements, begin=True, end="COMMIT", then=then)
            return cursor.fetchall() if cursor.description else []

    def roll_back(self) -> None:
        """End the transaction, if one is open, without what waits."""
        with suppress(psycopg2.Error):
            self._take()
        if self.in_transaction:
            # What was set in it is undone as well.
            self._limit = 0
            with self._connection.cursor() as cursor:
                cursor.execute("ROLLBACK")

    def prepare(self, statement: Statement) -> bool:
        """Whether a statement is prepared, as it is now where it is used often."""
        if not statement.used():
            return False
        if statement.name in self._prepared:
            self._prepared.move_to_end(statement.name)
            return True
        # It waits for who has locked a table, too.
        limits = self.limits()
        with self._connection.cursor() as cursor:
            cursor.execute(f"{limits}{';' if limits else ''}PREPARE {statement.name} AS {statement.sql}")
        self._prepared[statement.name] = None
        return True

    def limits(self) -> str:
        """What sets how long statements may take, where that has changed; rounded up, so that it seldom does."""
        seconds = math.ceil(self._seconds) if self._seconds <= 10 else math.ceil(self._seconds / 10) * 10
        if seconds == self._limit:
            return ""
        self._limit = seconds
        return f"SET statement_timeout = {seconds * 1000};SET lock_timeout = {int(seconds * 1000 * _LOCK_SHARE)}"

    def _forget_oldest(self, cursor: Any, needed: set[str]) -> None:
        """Prepare no more than so many statements, but for those of what is executed now."""
        for name in list(self._prepared):
            if len(self._prepared) <= _MOST_PREPARED:
                return
            if name not in needed:
                del self._prepared[name]
                cursor.execute(f"DEALLOCATE {name}")

    def _take(self) -> list[Bound]:
        """What waits, once nothing is under way any more; raises what went wrong there."""
        waiting, self._waiting = self._waiting, []
        underway, self._underway = self._underway, None
        if underway is not None:
            underway.wait()
        return waiting

    def _execute_all(self, statements: Sequence[Bound]) -> None:
        with self._connection.cursor() as cursor:
            self._execute(cursor, statements, begin=True)

    def _execute(
        self, cursor: Any, statements: Sequence[Bound], begin: bool, end: str = "", then: Bound | None = None
    ) -> None:
        every = [*statements, *(() if then is None else (then,))]
        prepared = [self.prepare(statement) for statement, _ in every]
        if len(self._prepared) > _MOST_PREPARED:
            self._forget_oldest(cursor, {statement.name for statement, _ in every})
        commands: list[str] = []
        values: list[Any] = []
        for each, is_prepared in zip(every, prepared, strict=True):
            command, given = _command(each, is_prepared)
            commands.append(command)
            values += given
        if end:
            commands.insert(len(statements), end)
        if begin and not self.in_transaction:
            commands.insert(0, "BEGIN")
        if limits := self.limits():
            commands.insert(0, limits)
        cursor.execute(";".join(commands), values)


def seconds_left(deadline: float | None) -> float:
    """Until the deadline of a call, or so long as one without a deadline may take."""
    return _SECONDS if deadline is None else min(max(deadline - time.time(), 0.001), _LONGEST)


def _command(bound: Bound, prepared: bool) -> tuple[str, Sequence[Any]]:
    statement, values = bound
    if prepared:
        return statement.command(", ".join(["%s"] * len(values))), values
    text, places = statement.spelled
    return text, [values[place] for place in places]


def unreachable(error: BaseException) -> bool:
    """Whether the connection to the server was lost, or could not be had."""
    if isinstance(error, PoolTimeout):
        return True
    original = getattr(error, "orig", error)
    if not isinstance(original, psycopg2.OperationalError | psycopg2.InterfaceError):
        return False
    code = original.pgcode
    return code is None or (code[:2] in ("08", "57", "53") and code != errorcodes.QUERY_CANCELED)


def too_late(error: BaseException) -> bool:
    """Whether the server ended a statement, since it took or waited too long."""
    original = getattr(error, "orig", error)
    return getattr(original, "pgcode", None) in (errorcodes.QUERY_CANCELED, errorcodes.LOCK_NOT_AVAILABLE)


def outdated(error: BaseException) -> bool:
    """Whether what a connection has prepared no longer goes with the tables, as after a migration."""
    original = getattr(error, "orig", error)
    code = getattr(original, "pgcode", None)
    return code == errorcodes.INVALID_SQL_STATEMENT_NAME or (
        code == errorcodes.FEATURE_NOT_SUPPORTED and "cached plan" in str(original)
    )
