"""The session of a change: what it has to write goes out as one prepared statement a row.

SQLAlchemy's own flush first works out an order for whatever may depend on each other, which takes longer than to
write the rows. Where rows are only added and changed, the order of the tables says enough; what is deleted, and what
leaves a list, is left to SQLAlchemy, and so are mappings that are not plain (see `plain`).
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from itertools import islice
from typing import Any, NamedTuple

import psycopg2
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.orm.attributes import instance_state

from ...models.base import Base, TenantOwned
from .id_blocks import IdBlocks
from .rows import NotLocked, quoted_table
from .wire import Bound, Statement, Wire, outdated, seconds_left, unreachable
from .writing import Relation, State, Writing, pair, place, words, writing_of

__all__ = ["WIRE", "ChangeSession"]

WIRE = "wire"
"""Where the `Wire` of a connection is in what SQLAlchemy keeps of it."""

_IDS = """
    SELECT nextval(sequence)
    FROM (SELECT pg_get_serial_sequence($1, $2)::regclass AS sequence OFFSET 0) AS of, generate_series(1, $3)
"""
_statement = lru_cache(1000)(Statement)


class _Settled(NamedTuple):
    """What is settled and not written: how many of the session's new items, which of the changed, and what to hold."""

    new: int
    changed: frozenset[State]
    held: Any


_NOTHING = _Settled(0, frozenset(), None)


class ChangeSession(Session):
    """A session that writes rows by prepared statements.

    Args:
        visible: uuids of the tenants that every query of a tenant-owned table is limited to; None means all.
        ids: has ids at hand.
        deadline: Unix time after which nobody waits for the change.

    Attributes:
        together: whether what gives no rows waits for what does, and so makes no round trip of its own, and what is
            settled waits until something may ask for it; an error in it then comes later.
    """

    together = False

    def __init__(
        self, bind: Any, visible: tuple[str, ...] | None, ids: IdBlocks, deadline: float | None = None
    ) -> None:
        super().__init__(bind, autoflush=False, expire_on_commit=False)
        self.visible, self.deadline = visible, deadline
        self._ids_at_hand = ids
        self._wire: Wire | None = None
        self._settled = _NOTHING
        self._locked: set[Any] = set()

    def locks(self, key: Any) -> bool:
        """Whether the transaction has locked the row with that identity, or written it."""
        return key in self._locked

    def locked(self, keys: Iterable[Any]) -> None:
        """The transaction has locked the rows with these identities."""
        self._locked.update(keys)

    def lock(self, state: ORMExecuteState) -> Any:
        """The result of a query that locks what it gives: as it is then, whatever the session had of it."""
        self.flush()
        result = state.invoke_statement(execution_options={"populate_existing": True}).freeze()
        self.locked(instance_state(each).key for row in result() for each in row if isinstance(each, Base))
        return result()

    def forget_locks(self) -> None:
        """Lock nothing any more, as after a rollback to wherever."""
        self._locked.clear()

    def place(self, item: Any) -> None:
        """Insert a new item, and settle it; what the database gives to it is there at once."""
        self.add(item)
        state = instance_state(item)
        if self.together and not self._complete(writing_of(state.mapper), state.dict):
            self.settle(item)
        else:
            self.flush()

    def settle(self, *items: Any) -> None:
        """Write what was made and changed so far: now, or, where statements may wait, before anything can ask for it.

        Args:
            items: which get the keys of what they refer to at once.
        """
        if not self.together:
            self.flush()
            return
        for state in map(instance_state, items):
            writing_of(state.mapper).take_keys(state)
        held = self._settled.held, items
        self._settled = _Settled(len(self._new), frozenset(self._dirty_states), held)

    def run(self, sql: str, values: Sequence[Any]) -> list[Sequence[Any]]:
        """The rows that a statement with the placeholders $1, $2 … gives in the session's transaction."""
        self.write_settled(sql)
        return self._on_wire(Wire.rows, _statement(sql), values)

    def send(self, sql: str, values: Sequence[Any]) -> None:
        """Execute a statement that gives no rows."""
        self._on_wire(Wire.send if self.together else Wire.rows, _statement(sql), values)

    def finish(self, last: Sequence[Bound], then: Bound | None = None) -> list[Sequence[Any]]:
        """Write what is left to write, execute these statements and commit, in one round trip.

        Args:
            then: a statement to execute once that is committed; its rows are given.
        """
        self.flush()
        rows: list[Sequence[Any]] = self._on_wire(Wire.commit, last, then)
        self.commit()
        return rows

    def rollback(self) -> None:
        """Undo all; what comes then may use another connection."""
        self._wire = None
        super().rollback()

    def _on_wire(self, do: Callable[..., Any], *arguments: Any) -> Any:
        if self._wire is None:
            self._wire = self.connection().info[WIRE]
        try:
            return do(self._wire, *arguments)
        except psycopg2.Error as error:
            if unreachable(error) or outdated(error):
                self.connection().invalidate(error)
            raise

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write what is new and what was changed."""
        if not self._is_clean():
            self._write_all([*self._new, *self._dirty_states])

    def write_settled(self, sql: str | None = None) -> None:
        """Write what is settled; given a statement, only where it names a table of that."""
        states = [*islice(self._new, self._settled.new), *self._settled.changed]
        if any(sql is None or writing_of(state.mapper).tables & words(sql) for state in states):
            self._write_all(states)

    def forget_settled(self) -> None:
        """Have nothing that is settled and not written."""
        self._settled = _NOTHING

    def let_go(self) -> None:
        """Forget all that is written, and what was asked and locked: it is read and locked anew by who needs it."""
        self.forget_settled()
        self.forget_locks()
        self.expunge_all()
        self.info.clear()

    def _write_all(self, states: Sequence[State]) -> None:
        # Nothing else may hold them, once they are written.
        held, self._settled = (self._settled, [state.obj() for state in states]), _NOTHING
        self._check_locks(states)
        if self._deleted or not all(writing_of(state.mapper).manages(state) for state in states):
            super().flush()
            self.locked(state.key for state in states)
            return
        pairs: list[tuple[Relation, State, State]] = []
        for state in sorted(states, key=place):
            writing = writing_of(state.mapper)
            writing.take_keys(state)
            self._write(writing, state)
            writing.give_keys(state)
            pairs += writing.pairs(state)
        # What SQLAlchemy itself does after a flush; there is no public name for it.
        self._register_persistent(set(states))
        self.locked(state.key for state in states)
        for sql, values in dict.fromkeys(pair(*each) for each in pairs):
            self.send(sql, values)
        del held

    def _check_locks(self, states: Iterable[State]) -> None:
        """Refuse to change a row that is not locked, unless what it belongs to is."""
        for state in states:
            if state.key is not None and state.key not in self._locked and state not in self._deleted:
                writing = writing_of(state.mapper)
                if writing.changed(state) and self._locked.isdisjoint(writing.owners(state)):
                    raise NotLocked(f"{state.mapper.class_.__name__} {state.key[1]} is changed, but not locked")

    def _write(self, writing: Writing, state: State) -> None:
        values = state.dict
        if state.key is None:
            insert = writing.insert(values, self._complete(writing, values))
            given = [bind(values[name]) for name, bind in insert.given]
            if not insert.generated:
                self.send(insert.sql, given)
                return
            for row in self.run(insert.sql, given):
                values.update((name, read(value)) for (name, read), value in zip(insert.generated, row, strict=True))
        elif changed := writing.changed(state):
            new = [writing.rows.bind[name](values[name]) for name in changed]
            self.send(writing.update(changed), [*new, *writing.identity(state)])

    def _complete(self, writing: Writing, values: dict[str, Any]) -> tuple[str, ...]:
        """Give a new row the values that it lacks; the columns that are left to the database."""
        if self.together and writing.numbered not in values and writing.numbered is not None:
            values[writing.numbered] = self._ids_at_hand.take(writing, partial(self._ids, writing))
        return writing.complete(values)

    def _ids(self, writing: Writing, number: int) -> list[int]:
        key = writing.rows.table.autoincrement_column.name
        return [id_ for (id_,) in self.run(_IDS, (quoted_table(writing.rows.table), key, number))]


@event.listens_for(ChangeSession, "after_begin")
def _limit_time(session: ChangeSession, transaction: Any, connection: Any) -> None:
    connection.info[WIRE].within(seconds_left(session.deadline))


@event.listens_for(ChangeSession, "after_soft_rollback")
def _forget(session: ChangeSession, previous: Any) -> None:
    session.forget_settled()
    session.forget_locks()


@event.listens_for(ChangeSession, "do_orm_execute")
def _limit(state: ORMExecuteState) -> Any:
    session: Any = state.session
    session.write_settled()
    tenants = session.visible
    inner = state.is_column_load or state.is_relationship_load
    if tenants is not None and not inner and not state.execution_options.get("all_tenants"):
        state.statement = state.statement.options(
            with_loader_criteria(TenantOwned, lambda owned: owned.tenant_uuid.in_(tenants), include_aliases=True)
        )
    return session.lock(state) if getattr(state.statement, "_for_update_arg", None) is not None else None
