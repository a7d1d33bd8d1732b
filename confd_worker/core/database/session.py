"""The session of a change: what it has to write goes out as one prepared statement a row.

SQLAlchemy's own flush first works out an order for whatever may depend on each other, which takes longer than to
write the rows. Where rows are only added and changed, the order of the tables says enough; what is deleted, and what
leaves a list, is left to SQLAlchemy.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache, partial
from itertools import islice
from typing import Any, NamedTuple

import psycopg2
from sqlalchemy import Column, event
from sqlalchemy.orm import (
    Mapper,
    ORMExecuteState,
    RelationshipDirection,
    RelationshipProperty,
    Session,
    with_loader_criteria,
)
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.base import PASSIVE_NO_INITIALIZE
from sqlalchemy.orm.state import InstanceState

from ...models.base import Base, TenantOwned
from .id_blocks import IdBlocks
from .rows import NotLocked, Process, processor, quoted, rows_of
from .wire import Bound, Statement, Wire, unreachable

__all__ = ["WIRE", "ChangeSession"]

State = InstanceState[Any]
Relation = RelationshipProperty[Any]

WIRE = "wire"
"""Where the `Wire` of a connection is in what SQLAlchemy keeps of it."""

_IDS = """
    SELECT nextval(sequence)
    FROM (SELECT pg_get_serial_sequence($1, $2)::regclass AS sequence OFFSET 0) AS of, generate_series(1, $3)
"""
# Of the statements that insert into one table; each is prepared for each connection.
_MOST_SHAPES = 32
_NEVER = object()
_WORD = re.compile(r"\w+")
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

    Attributes:
        together: whether what gives no rows waits for what does, and so makes no round trip of its own, and what is
            settled waits until something may ask for it; an error in it then comes later.
    """

    together = False

    def __init__(self, bind: Any, visible: tuple[str, ...] | None, ids: IdBlocks) -> None:
        super().__init__(bind, autoflush=False, expire_on_commit=False)
        self.visible = visible
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
        if self.together and not self._complete(_writing(state.mapper), state.dict):
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
            _writing(state.mapper).take_keys(state)
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
            if unreachable(error):
                self.connection().invalidate(error)
            raise

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write what is new and what was changed."""
        if not self._is_clean():
            self._write_all([*self._new, *self._dirty_states])

    def write_settled(self, sql: str | None = None) -> None:
        """Write what is settled; given a statement, only where it names a table of that."""
        states = [*islice(self._new, self._settled.new), *self._settled.changed]
        if any(sql is None or _writing(state.mapper).tables & _words(sql) for state in states):
            self._write_all(states)

    def forget_settled(self) -> None:
        """Have nothing that is settled and not written."""
        self._settled = _NOTHING

    def _write_all(self, states: Sequence[State]) -> None:
        settled, self._settled = self._settled, _NOTHING
        self._check_locks(states)
        if self._deleted or not all(_writing(state.mapper).only_grows(state) for state in states):
            super().flush()
            self.locked(state.key for state in states)
            return
        pairs: list[tuple[Relation, State, State]] = []
        for state in sorted(states, key=_place):
            writing = _writing(state.mapper)
            writing.take_keys(state)
            self._write(writing, state)
            writing.give_keys(state)
            pairs += writing.pairs(state)
        # What SQLAlchemy itself does after a flush; there is no public name for it.
        self._register_persistent(set(states))
        self.locked(state.key for state in states)
        for sql, values in dict.fromkeys(_pair(*pair) for pair in pairs):
            self.send(sql, values)
        # Nothing else may hold them.
        del settled

    def _check_locks(self, states: Iterable[State]) -> None:
        """Refuse to change a row that is not locked, unless what it belongs to is."""
        for state in states:
            if state.key is not None and state.key not in self._locked and state not in self._deleted:
                writing = _writing(state.mapper)
                if writing.changed(state) and self._locked.isdisjoint(writing.owners(state)):
                    raise NotLocked(f"{state.mapper.class_.__name__} {state.key[1]} is changed, but not locked")

    def _write(self, writing: "_Writing", state: State) -> None:
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

    def _complete(self, writing: "_Writing", values: dict[str, Any]) -> tuple[str, ...]:
        """Give a new row the values that it lacks; the columns that are left to the database."""
        if self.together and writing.numbered not in values and writing.numbered is not None:
            values[writing.numbered] = self._ids_at_hand.take(writing, partial(self._ids, writing))
        return writing.complete(values)

    def _ids(self, writing: "_Writing", number: int) -> list[int]:
        key = writing.rows.table.autoincrement_column.name
        return [id_ for (id_,) in self.run(_IDS, (writing.rows.table.name, key, number))]


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


class _Insert(NamedTuple):
    """An INSERT: its text, the values it takes, and those that the database gives back."""

    sql: str
    given: list[tuple[str, Process]]
    generated: list[tuple[str, Process]]


class _Writing:
    """How the rows of one mapped class are written.

    Attributes:
        rows: of the class.
        tables: names of the tables that are written to.
        numbered: attribute with the id that a sequence gives.
    """

    def __init__(self, mapper: Mapper[Any]) -> None:
        self.rows = rows_of(mapper)
        relations = [each for each in mapper.relationships if not each.viewonly]
        self._to_one = _named(each for each in relations if each.direction is RelationshipDirection.MANYTOONE)
        one_to_many = (each for each in relations if each.direction is RelationshipDirection.ONETOMANY)
        # Where the other side knows of the reference as well, it takes the key by itself.
        self._to_many = _named(each for each in one_to_many if not each.back_populates)
        self._paired = _named(each for each in relations if each.secondary is not None)
        self._owning = self._paired | _named(each for each in relations if each.cascade.delete_orphan)
        self._references = list(_references(mapper))
        secondary = {str(each.secondary) for each in self._paired.values()}
        self.tables = frozenset({self.rows.table.name, *secondary})
        key = self.rows.table.autoincrement_column
        self.numbered = None if key is None else mapper.get_property_by_column(key).key
        self._implied = {name: self._implied_in(name, column) for name, column in self.rows.columns.items()}
        self._inserts: dict[tuple[tuple[str, ...], ...], _Insert] = {}
        self._updates: dict[tuple[str, ...], str] = {}

    def owners(self, state: State) -> Iterator[Any]:
        """Identities of the rows that the item's row refers to, as the database has it."""
        for name, mapper in self._references:
            value = state.committed_state.get(name, state.dict.get(name))
            if value is not None:
                yield mapper.identity_key_from_primary_key((value,))

    def only_grows(self, state: State) -> bool:
        """Whether nothing has left the item that has to be deleted then."""
        return not any(each is not None for _, history in _touched(state, self._owning) for each in history.deleted)

    def take_keys(self, state: State) -> None:
        """Write the keys of what the item refers to into the item."""
        for relation, history in _touched(state, self._to_one):
            for other in history.added:
                _copy_key(relation, state, other)

    def give_keys(self, state: State) -> None:
        """Write the item's key into what was added to it."""
        for relation, history in _touched(state, self._to_many):
            for other in history.added:
                _copy_key(relation, instance_state(other), state.obj())

    def pairs(self, state: State) -> Iterator[tuple[Relation, State, State]]:
        """What was added to lists that have a table of their own."""
        for relation, history in _touched(state, self._paired):
            for other in history.added:
                yield relation, state, instance_state(other)

    def complete(self, values: dict[str, Any]) -> tuple[str, ...]:
        """Give a new row what Python knows of defaults; the columns that are left to the database."""
        return tuple(name for name in self.rows.columns if name not in values and not self._default(name, values))

    def insert(self, values: dict[str, Any], generated: tuple[str, ...]) -> _Insert:
        """The statement that inserts a row; what the database gives to it anyhow is not among what it takes."""
        given = tuple(name for name, implied in self._implied.items() if values.get(name, implied) != implied)
        if (given, generated) not in self._inserts and len(self._inserts) >= _MOST_SHAPES:
            given = tuple(name for name in self.rows.columns if name not in generated)
        if (given, generated) not in self._inserts:
            self._inserts[given, generated] = self._insert(given, generated)
        return self._inserts[given, generated]

    def _default(self, name: str, values: dict[str, Any]) -> bool:
        column = self.rows.columns[name]
        if column.default is not None:
            values[name] = column.default.arg(None) if column.default.is_callable else column.default.arg
        elif column.server_default is None and column is not self.rows.table.autoincrement_column:
            values[name] = None
        return name in values

    def _implied_in(self, name: str, column: Column[Any]) -> Any:
        """The value of a column that an INSERT need not give; where there is none, something that nothing equals."""
        if column.server_default is None:
            return _NEVER if self.rows.bind[name](None) is not None else None
        default: Any = column.default
        return default.arg if default is not None and default.is_scalar else _NEVER

    def _insert(self, given: tuple[str, ...], generated: tuple[str, ...]) -> _Insert:
        columns = self.rows.columns
        sql = _insert(self.rows.table, [columns[name] for name in given])
        if generated:
            sql += " RETURNING " + ", ".join(quoted(columns[name]) for name in generated)
        read = [(name, processor(columns[name], "result_processor", None)) for name in generated]
        return _Insert(sql, [(name, self.rows.bind[name]) for name in given], read)

    def changed(self, state: State) -> tuple[str, ...]:
        """The columns that have another value than in the database."""
        columns, committed, values = self.rows.columns, state.committed_state, state.dict
        return tuple(
            name
            for name in committed
            if name in columns and not columns[name].type.compare_values(committed[name], values[name])
        )

    def update(self, changed: tuple[str, ...]) -> str:
        """The statement that changes these columns of the row with the given key."""
        if changed not in self._updates:
            names = (quoted(self.rows.columns[name]) for name in (*changed, *self.rows.keys))
            places = [f"{name} = ${number}" for number, name in enumerate(names, 1)]
            new, key = ", ".join(places[: len(changed)]), " AND ".join(places[len(changed) :])
            self._updates[changed] = f"UPDATE {self.rows.table.name} SET {new} WHERE {key}"
        return self._updates[changed]

    def identity(self, state: State) -> list[Any]:
        """The key that the item's row has in the database."""
        return [self.rows.bind[name](value) for name, value in zip(self.rows.keys, state.key[1], strict=True)]  # type: ignore[index]


@lru_cache(1000)
def _words(sql: str) -> frozenset[str]:
    return frozenset(_WORD.findall(sql))


@cache
def _writing(mapper: Mapper[Any]) -> _Writing:
    return _Writing(mapper)


def _named(relations: Iterable[Relation]) -> dict[str, Relation]:
    return {each.key: each for each in relations}


def _references(mapper: Mapper[Any]) -> Iterator[tuple[str, Mapper[Any]]]:
    """Attributes with the key of another row, but for that of its tenant, with the mappers of those rows."""
    mappers = {each.local_table: each for each in mapper.registry.mappers}
    for key in mapper.local_table.foreign_keys:
        target = mappers.get(key.column.table)
        if target is not None and key.column.primary_key and key.column.table.name != "tenants":
            yield mapper.get_property_by_column(key.parent).key, target


def _touched(state: State, relations: Mapping[str, Relation]) -> Iterator[tuple[Relation, Any]]:
    """Those of the relationships that may have changed, with what came and went."""
    for name in (*state.committed_state, *vars(state).get("_pending_mutations", ())):
        if name in relations:
            yield relations[name], state.get_history(name, PASSIVE_NO_INITIALIZE)


def _copy_key(relation: Relation, to: State, other: Any) -> None:
    for source, target in relation.synchronize_pairs:
        value = None if other is None else _value(other, source)
        name = to.mapper.get_property_by_column(target).key
        if to.dict.get(name, _copy_key) != value:
            to.manager[name].impl.set(to, to.dict, value, None)


def _value(item: Any, column: Any) -> Any:
    return getattr(item, instance_state(item).mapper.get_property_by_column(column).key)


def _pair(relation: Relation, left: State, right: State) -> tuple[str, tuple[Any, ...]]:
    values: dict[Any, Any] = {target: _value(left.obj(), source) for source, target in relation.synchronize_pairs}
    values |= {target: _value(right.obj(), source) for source, target in relation.secondary_synchronize_pairs or ()}
    columns = sorted(values, key=lambda column: column.name)
    bound = tuple(processor(column, "bind_processor")(values[column]) for column in columns)
    return _insert(relation.secondary, columns), bound


def _insert(table: Any, columns: Sequence[Column[Any]]) -> str:
    names, places = ", ".join(map(quoted, columns)), ", ".join(f"${n}" for n in range(1, len(columns) + 1))
    return f"INSERT INTO {table.name} ({names}) VALUES ({places})"


def _place(state: State) -> tuple[Any, ...]:
    """Tables that others refer to come first, then new rows, in the order of their making, then others by key."""
    order = (state.insert_order,) if state.key is None else state.key[1]
    return _places(len(Base.metadata.tables))[state.mapper.local_table], state.key is not None, order


@cache
def _places(tables: int) -> dict[Any, int]:
    return {table: place for place, table in enumerate(Base.metadata.sorted_tables)}
