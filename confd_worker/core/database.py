"""The two ways to the database: sessions for changes, prepared statements for reads.

A read is one prepared statement in autocommit, and so one round trip without planning; a change is one ORM session
and one transaction, whose statements are prepared as well. While a session is open, reads go through it and see what
it flushed.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import psycopg2
from psycopg2 import errorcodes
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.orm.exc import StaleDataError

from ..models.base import TenantOwned
from . import errors
from .context import Context
from .writing import ChangeSession

__all__ = ["Database", "Statement", "lost_race", "refusal", "unreachable"]

# For a connection of the pool, in seconds.
_PATIENCE = 5
# Prepared on one connection; of each PostgreSQL keeps a plan.
_STATEMENTS = 1000
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
        with ChangeSession(self.engine, _run, autoflush=False, expire_on_commit=False) as session:
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
        rows = self._read(statement, parameters) if session is None else _run(session, statement.sql, parameters)
        return rows[0][0] if rows else None

    def commit(self, session: Session, last: Sequence[tuple[Statement, Sequence[Any]]]) -> None:
        """Execute the last statements of the session's transaction and commit it, in one round trip."""
        values = [value for _, parameters in last for value in parameters]
        with _connected(session) as connection, connection.cursor() as cursor:
            commands = [_prepared(cursor, connection, statement, len(parameters)) for statement, parameters in last]
            begin = [] if _in_transaction(connection.dbapi_connection) else ["BEGIN"]
            cursor.execute(";".join([*begin, *commands, "COMMIT"]), values)
        session.commit()

    def _read(self, statement: Statement, parameters: tuple[Any, ...]) -> list[Sequence[Any]]:
        try:
            with self._autocommit() as connection:
                return _rows(connection, statement, parameters)
        except psycopg2.Error as error:
            if not unreachable(error):
                raise
        with self._autocommit() as connection:
            return _rows(connection, statement, parameters)

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
    connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> tuple[str, Any]:
    """Begin the transaction where none is open, and use a prepared statement for what SQLAlchemy compiled."""
    begin = "" if _in_transaction(cursor.connection) else "BEGIN;"
    if executemany:
        if begin:
            cursor.execute(begin)
        return statement, parameters
    if context.compiled is not None and isinstance(parameters, dict) and parameters:
        prepared, statement = _preparable(statement)
        _prepare(cursor, connection.info, prepared)
    return begin + statement, parameters


class _Places(dict[str, str]):
    """The placeholder $1, $2 … of each name, in the order in which they are asked for."""

    def __missing__(self, name: str) -> str:
        self[name] = f"${len(self) + 1}"
        return self[name]


@lru_cache(_STATEMENTS)
def _preparable(statement: str) -> tuple[Statement, str]:
    """A statement with the placeholders %(name)s to be prepared, and what executes it then."""
    places = _Places()
    prepared = Statement(statement % places)
    return prepared, f"EXECUTE {prepared.name} ({', '.join(f'%({name})s' for name in places)})"


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
    if _in_transaction(connection):
        with connection.cursor() as cursor:
            cursor.execute(how)


def _in_transaction(connection: Any) -> bool:
    return bool(connection.info.transaction_status != TRANSACTION_STATUS_IDLE)


def _run(session: Session, sql: str, parameters: Sequence[Any]) -> list[Sequence[Any]]:
    """The rows that a statement with the placeholders $1, $2 … gives in the transaction of a session."""
    with _connected(session) as connection:
        return _rows(connection, _statement(sql), parameters, begin=True)


_statement = lru_cache(_STATEMENTS)(Statement)


@contextmanager
def _connected(session: Session) -> Iterator[Any]:
    """The driver's connection of a session, which is told when it is lost."""
    connection = session.connection()
    try:
        yield connection.connection
    except psycopg2.Error as error:
        if unreachable(error):
            connection.invalidate(error)
        raise


def _rows(
    connection: Any, statement: Statement, parameters: Sequence[Any], *, begin: bool = False
) -> list[Sequence[Any]]:
    with connection.cursor() as cursor:
        command = _prepared(cursor, connection, statement, len(parameters))
        if begin and not _in_transaction(connection.dbapi_connection):
            command = "BEGIN;" + command
        cursor.execute(command, parameters)
        return cursor.fetchall() if cursor.description else []


def _prepared(cursor: Any, connection: Any, statement: Statement, parameters: int) -> str:
    """What executes a statement, which is prepared where the connection does not have it yet."""
    _prepare(cursor, connection.info, statement)
    return f"EXECUTE {statement.name}" + (f" ({', '.join(['%s'] * parameters)})" if parameters else "")


def _prepare(cursor: Any, known: dict[str, Any], statement: Statement) -> None:
    """Prepare a statement, unless the connection has it."""
    prepared = known.setdefault("prepared", set())
    if statement.name in prepared:
        return
    if len(prepared) >= _STATEMENTS:
        cursor.execute("DEALLOCATE ALL")
        prepared.clear()
    cursor.execute(f"PREPARE {statement.name} AS {statement.sql}")
    prepared.add(statement.name)


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
    return isinstance(error, StaleDataError) or (
        isinstance(original, psycopg2.Error) and original.pgcode in _LOST_RACES
    )
