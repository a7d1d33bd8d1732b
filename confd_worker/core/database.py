"""The two ways to the database: sessions for changes, prepared statements for reads.

A read is one prepared statement in autocommit, and so one round trip without planning; a change is one ORM session
and one transaction. While a session is open, reads go through it and see what it flushed.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg2
from psycopg2 import errorcodes
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from ..models.base import TenantOwned
from . import errors
from .context import Context

__all__ = ["Database", "Statement", "lost_race", "refusal", "unreachable"]

# For a connection of the pool, in seconds.
_PATIENCE = 5
_LOST_RACES = {
    errorcodes.UNIQUE_VIOLATION,
    errorcodes.FOREIGN_KEY_VIOLATION,
    errorcodes.EXCLUSION_VIOLATION,
    errorcodes.SERIALIZATION_FAILURE,
    errorcodes.DEADLOCK_DETECTED,
}


@dataclass(frozen=True)
class Statement:
    """SQL with the placeholders $1, $2 … that gives one row of one column at the most.

    Args:
        sql: the text; it is prepared once on each connection.
    """

    sql: str

    @cached_property
    def name(self) -> str:
        """Name of the prepared statement, the same in every process."""
        return "confd_" + hashlib.sha1(self.sql.encode(), usedforsecurity=False).hexdigest()[:24]


class Database:
    """Engines to one PostgreSQL server.

    Args:
        uri: of the server.
        connections: how many calls run at once; each needs one connection at a time.
    """

    def __init__(self, uri: str, connections: int = 32) -> None:
        # JIT and a plan per execution cost more than any of these statements takes.
        options: dict[str, Any] = {
            "pool_size": connections,
            "max_overflow": 0,
            "pool_timeout": _PATIENCE,
            "pool_use_lifo": True,
            "connect_args": {"options": "-c jit=off -c plan_cache_mode=force_generic_plan", "connect_timeout": 10},
        }
        url = make_url(uri).set(drivername="postgresql+psycopg2")
        self.engine: Engine = create_engine(url, **options)
        # BEGIN goes out with the first statement of a transaction, and so costs no round trip of its own; COMMIT does
        # so where it is the end of the last statement.
        event.listen(self.engine, "connect", _do_not_begin)
        event.listen(self.engine, "before_cursor_execute", _begin, retval=True)
        event.listen(self.engine, "commit", _commit)
        event.listen(self.engine, "rollback", _roll_back)
        event.listen(self.engine, "reset", _reset)

    def close(self) -> None:
        """Close all connections that are not in use."""
        self.engine.dispose()

    @contextmanager
    def session(self, context: Context) -> Iterator[Session]:
        """A session in which every query of a tenant-owned table is limited to the tenants that the caller sees.

        `execution_options(all_tenants=True)` lifts the limit for one statement. Nothing is committed here; leaving
        rolls back what was not.
        """
        with Session(self.engine, autoflush=False, expire_on_commit=False) as session:
            if context.visible is not None:
                _limit_to(session, context.visible)
            yield session

    def notify(self, channel: str) -> None:
        """Wake those that listen on that channel of the database."""
        with self._autocommit() as connection, connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {channel}")

    def read(self, statement: Statement, parameters: tuple[Any, ...], session: Session | None = None) -> Any:
        """The value that `statement` gives, or None when it gives no row.

        Args:
            session: the open session, if any; without one, a lost connection is opened anew and the read tried
                once more.
        """
        if session is not None:
            return _execute(session.connection().connection, statement, parameters, begin=True)
        try:
            with self._autocommit() as connection:
                return _execute(connection, statement, parameters)
        except psycopg2.Error as error:
            if not unreachable(error):
                raise
        with self._autocommit() as connection:
            return _execute(connection, statement, parameters)

    @contextmanager
    def _autocommit(self) -> Iterator[Any]:
        """A connection on which each statement is a transaction; one that was lost goes, with all of its age."""
        connection: Any = self.engine.raw_connection()
        try:
            yield connection
        except BaseException as error:
            connection.invalidate(error)
            if unreachable(error):
                self.engine.dispose()
            raise
        finally:
            connection.close()


def _limit_to(session: Session, tenants: tuple[str, ...]) -> None:
    @event.listens_for(session, "do_orm_execute")
    def add_criterion(state: ORMExecuteState) -> None:
        if not (state.is_column_load or state.is_relationship_load or state.execution_options.get("all_tenants")):
            state.statement = state.statement.options(
                with_loader_criteria(TenantOwned, lambda owned: owned.tenant_uuid.in_(tenants), include_aliases=True)
            )


def _do_not_begin(connection: Any, record: Any) -> None:
    connection.autocommit = True


def _begin(
    connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> tuple[str, Any]:
    if cursor.connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
        return statement, parameters
    if executemany:
        cursor.execute("BEGIN")
        return statement, parameters
    return "BEGIN;" + statement, parameters


def _commit(connection: Connection) -> None:
    _end(connection.connection.dbapi_connection, "COMMIT")


def _roll_back(connection: Connection) -> None:
    # A connection that is lost has nothing to roll back.
    if not connection.invalidated and not connection.closed:
        with suppress(psycopg2.Error):
            _end(connection.connection.dbapi_connection, "ROLLBACK")


def _reset(connection: Any, record: Any, state: Any) -> None:
    """End what was neither committed nor rolled back, before the connection is used again."""
    if not connection.closed:
        _end(connection, "ROLLBACK")


def _end(connection: Any, how: str) -> None:
    if connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
        with connection.cursor() as cursor:
            cursor.execute(how)


def _execute(connection: Any, statement: Statement, parameters: tuple[Any, ...], *, begin: bool = False) -> Any:
    prepared = connection.info.setdefault("prepared", set())
    marks = f"({', '.join(['%s'] * len(parameters))})" if parameters else ""
    command = f"EXECUTE {statement.name}{marks}"
    with connection.cursor() as cursor:
        if begin and connection.dbapi_connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
            command = "BEGIN;" + command
        if statement.name not in prepared:
            cursor.execute(f"PREPARE {statement.name} AS {statement.sql}".replace("%", "%%"), ())
            prepared.add(statement.name)
        cursor.execute(command, parameters)
        row = cursor.fetchone()
    return row[0] if row else None


def unreachable(error: BaseException) -> bool:
    """Whether the connection to the server was lost, or could not be had."""
    if isinstance(error, PoolTimeout):
        return True
    original = getattr(error, "orig", error)
    if not isinstance(original, psycopg2.OperationalError | psycopg2.InterfaceError):
        return False
    code = original.pgcode
    return code is None or code[:2] in ("08", "57", "53")


def refusal(error: BaseException) -> errors.ServiceError:
    """What a caller is told of an error that `unreachable` is true of."""
    if isinstance(error, PoolTimeout):
        return errors.Overloaded("all database connections of the process are in use")
    return errors.Unavailable("the database cannot be reached")


def lost_race(error: BaseException) -> bool:
    """Whether another transaction was quicker, so that the same call, run again, sees what it did."""
    original = getattr(error, "orig", error)
    return isinstance(original, psycopg2.Error) and original.pgcode in _LOST_RACES
