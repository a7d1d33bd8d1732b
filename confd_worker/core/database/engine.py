"""The two ways to the database: sessions for changes, prepared statements for reads.

A read is one prepared statement in autocommit, and so one round trip without planning; a change is one ORM session
and one transaction, whose statements are prepared as well. While a session is open, reads go through it and see what
it flushed.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

import psycopg2
from psycopg2 import errorcodes
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import TimeoutError as PoolTimeout

from .. import errors
from ..context import Context
from ..delivery.standby import CONNECTION
from .id_blocks import IdBlocks
from .list_cache import ListCache
from .session import WIRE, ChangeSession
from .shares import Shares
from .wire import Statement, Wire, outdated, seconds_left, too_late, unreachable

__all__ = ["Database", "lost_race", "outdated", "refusal", "too_late", "unreachable", "violated"]

# For a connection of the pool, in seconds.
_PATIENCE = 5
_LOST_RACES = {
    errorcodes.UNIQUE_VIOLATION,
    errorcodes.FOREIGN_KEY_VIOLATION,
    errorcodes.EXCLUSION_VIOLATION,
    errorcodes.SERIALIZATION_FAILURE,
    errorcodes.DEADLOCK_DETECTED,
}


class Database:
    """Engines to one PostgreSQL server.

    Args:
        uri: of the server.
        connections: how many there are at once; a quarter of them is for reads alone.

    Attributes:
        lists: what lists showed last.
        ids: what the process has at hand of ids and the like.
    """

    def __init__(self, uri: str, connections: int = 32) -> None:
        reads = max(1, connections // 4)
        changes = max(1, connections - reads)
        # JIT and a plan per execution cost more than any of these statements takes. As plans are kept, one that reads a
        # whole table, since that is small at the moment, would be wrong when the table has grown.
        options: dict[str, Any] = {
            "max_overflow": 0,
            "pool_timeout": _PATIENCE,
            "pool_use_lifo": True,
            "connect_args": {
                "options": "-c jit=off -c plan_cache_mode=force_generic_plan -c enable_seqscan=off",
                "client_encoding": "utf8",
                **CONNECTION,
            },
        }
        url = make_url(uri).set(drivername="postgresql+psycopg2")
        self.engine: Engine = create_engine(url, pool_size=changes, **options)
        self._reads: Engine = create_engine(url, pool_size=reads, **options)
        self._shares, self._shares_of_reads = Shares(changes), Shares(reads)
        # BEGIN goes out with the first statement of a transaction, and so costs no round trip of its own; COMMIT does
        # so where it is the end of the last statement.
        for engine in (self.engine, self._reads):
            event.listen(engine, "connect", _connect)
            # After a crash the server may use numbers of transactions and of sequences again, but only for new
            # connections.
            event.listen(engine, "connect", lambda *_: self._forget())
        event.listen(self.engine, "before_cursor_execute", _prepare, retval=True)
        event.listen(self.engine, "commit", _commit)
        event.listen(self.engine, "rollback", _roll_back)
        event.listen(self.engine, "reset", _reset)
        self.lists, self.ids = ListCache(), IdBlocks()

    def close(self) -> None:
        """Close all connections that are not in use."""
        self.engine.dispose()
        self._reads.dispose()

    def _forget(self) -> None:
        self.lists.forget()
        self.ids.forget()

    @contextmanager
    def session(self, context: Context, service: str = "") -> Iterator[ChangeSession]:
        """A session in which every query of a tenant-owned table is limited to the tenants that the caller sees.

        `execution_options(all_tenants=True)` lifts the limit for one statement. Nothing is committed here; leaving
        rolls back what was not.

        Args:
            service: that runs the change, which takes no more than its share of the connections.

        Raises:
            Overloaded: there is no connection for it in time.
        """
        with (
            self._shares.one(service, context.deadline),
            ChangeSession(self.engine, context.visible, self.ids, context.deadline) as session,
        ):
            yield session

    def notify(self, channel: str) -> None:
        """Wake those that listen on that channel of the database."""
        with self._autocommit() as connection, connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {channel}")

    def read(
        self, statement: Statement, parameters: Sequence[Any], service: str = "", deadline: float | None = None
    ) -> list[Sequence[Any]]:
        """The rows that a statement gives, outside of any transaction.

        A connection that is lost, or whose prepared statements no longer go with the tables, is opened anew, and the
        read tried once more.

        Args:
            service: that reads, as for `session`.
            deadline: Unix time after which nobody waits for it.

        Raises:
            Overloaded: there is no connection for it in time.
        """
        with self._shares_of_reads.one(service, deadline):
            try:
                return self._read(statement, parameters, deadline)
            except psycopg2.Error as error:
                if not unreachable(error) and not outdated(error):
                    raise
            return self._read(statement, parameters, deadline)

    def renew(self) -> None:
        """Use no connection any more that is open now."""
        self.engine.dispose()
        self._reads.dispose()

    def _read(self, statement: Statement, parameters: Sequence[Any], deadline: float | None) -> list[Sequence[Any]]:
        with self._autocommit() as connection:
            wire: Wire = connection.info[WIRE]
            wire.within(seconds_left(deadline))
            return wire.rows(statement, parameters, transaction=False)

    @contextmanager
    def _autocommit(self) -> Iterator[Any]:
        """A connection on which each statement is a transaction; one that was lost goes, with all of its age."""
        connection: Any = self._reads.raw_connection()
        try:
            yield connection
        except BaseException as error:
            connection.invalidate(error)
            if unreachable(error) or outdated(error):
                self.renew()
            raise
        finally:
            connection.close()


def _connect(connection: Any, record: Any) -> None:
    connection.autocommit = True
    record.info[WIRE] = Wire(connection)


def _prepare(
    connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> tuple[str, Any]:
    """Begin the transaction where none is open, and use a prepared statement for what SQLAlchemy compiled."""
    wire: Wire = connection.info[WIRE]
    wire.deliver()
    begin = "" if wire.in_transaction else "BEGIN;"
    if executemany:
        if begin:
            cursor.execute(begin)
        return statement, parameters
    if context.compiled is not None and isinstance(parameters, dict) and parameters:
        prepared, execute = _preparable(statement)
        if wire.prepare(prepared):
            statement = execute
    limits = wire.limits()
    return f"{limits}{';' if limits else ''}{begin}{statement}", parameters


class _Places(dict[str, str]):
    """The placeholder $1, $2 … of each name, in the order in which they are asked for."""

    def __missing__(self, name: str) -> str:
        self[name] = f"${len(self) + 1}"
        return self[name]


@lru_cache(1000)
def _preparable(statement: str) -> tuple[Statement, str]:
    """A statement with the placeholders %(name)s to be prepared, and what executes it then."""
    places = _Places()
    prepared = Statement(statement % places)
    return prepared, prepared.command(", ".join(f"%({name})s" for name in places))


def _commit(connection: Connection) -> None:
    connection.info[WIRE].commit()


def _roll_back(connection: Connection) -> None:
    # A connection that is lost has nothing to roll back.
    if not connection.invalidated and not connection.closed:
        with suppress(psycopg2.Error):
            connection.info[WIRE].roll_back()


def _reset(connection: Any, record: Any, state: Any) -> None:
    """End what was neither committed nor rolled back, before the connection is used again."""
    if not connection.closed:
        record.info[WIRE].roll_back()


def refusal(error: BaseException) -> errors.ServiceError:
    """What a caller is told of an error that `unreachable` or `too_late` is true of."""
    if isinstance(error, PoolTimeout):
        return errors.Overloaded("all database connections of the process are in use")
    if too_late(error):
        original: Any = getattr(error, "orig", error)
        locked = original.pgcode == errorcodes.LOCK_NOT_AVAILABLE
        return errors.Unavailable("the database: what the call needs is locked") if locked else errors.Overdue()
    return errors.Unavailable("the database cannot be reached")


def violated(error: BaseException) -> str | None:
    """The constraint that an error tells of, if it does."""
    original = getattr(error, "orig", error)
    return original.diag.constraint_name if isinstance(original, psycopg2.Error) else None


def lost_race(error: BaseException) -> bool:
    """Whether another transaction was quicker, so that the same call, run again, sees what it did."""
    original = getattr(error, "orig", error)
    return isinstance(original, psycopg2.Error) and (original.pgcode in _LOST_RACES or outdated(error))
