"""Prepared statements: what each connection to PostgreSQL has of them, and what waits there to be sent."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg2
from psycopg2.extensions import BYTES, TRANSACTION_STATUS_IDLE, register_type
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..greenlets import GreenThread, sleep, spawn

__all__ = ["Bound", "Statement", "Wire", "unreachable"]

# Of each, the server keeps a plan for the connection.
_MOST_PREPARED = 1000
_MOST_WAITING = 200


@dataclass(frozen=True)
class Statement:
    """SQL with the placeholders $1, $2 …

    Args:
        sql: the text; it is prepared once on each connection.
        encoded: whether the text that it gives is to come as UTF-8, as for who only passes it on; outside of
            transactions.
    """

    sql: str
    encoded: bool = False

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
        self._prepared: set[str] = set()
        self._waiting: list[Bound] = []
        self._underway: GreenThread | None = None

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open on the server, be it one that has failed."""
        return bool(self._connection.info.transaction_status != TRANSACTION_STATUS_IDLE)

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
            with self._connection.cursor() as cursor:
                cursor.execute("ROLLBACK")

    def prepare(self, statement: Statement) -> None:
        """Prepare a statement, unless it is."""
        if statement.name in self._prepared:
            return
        with self._connection.cursor() as cursor:
            if len(self._prepared) >= _MOST_PREPARED:
                cursor.execute("DEALLOCATE ALL")
                self._prepared.clear()
            cursor.execute(f"PREPARE {statement.name} AS {statement.sql}")
        self._prepared.add(statement.name)

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
        after = () if then is None else (then,)
        for statement, _ in (*statements, *after):
            self.prepare(statement)
        commands = list(map(_command, statements))
        if begin and not self.in_transaction:
            commands.insert(0, "BEGIN")
        if end:
            commands.append(end)
        commands += map(_command, after)
        cursor.execute(";".join(commands), [value for _, values in (*statements, *after) for value in values])


def _command(bound: Bound) -> str:
    statement, values = bound
    return statement.command(", ".join(["%s"] * len(values)))


def unreachable(error: BaseException) -> bool:
    """Whether the connection to the server was lost, or could not be had."""
    if isinstance(error, PoolTimeout):
        return True
    original = getattr(error, "orig", error)
    if not isinstance(original, psycopg2.OperationalError | psycopg2.InterfaceError):
        return False
    code = original.pgcode
    return code is None or code[:2] in ("08", "57", "53")
