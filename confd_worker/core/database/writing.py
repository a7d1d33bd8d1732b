"""How the rows of a mapped class are written by prepared statements, and whether they can be.

SQLAlchemy's own flush knows every shape of a mapping. Ours knows plain ones; any other mapping is left to SQLAlchemy.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Column
from sqlalchemy.orm import Mapper, RelationshipDirection, RelationshipProperty
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.base import PASSIVE_NO_INITIALIZE
from sqlalchemy.orm.state import InstanceState

from .plain import oddity, order_of
from .rows import Process, processor, quoted, quoted_table, rows_of

__all__ = ["Relation", "State", "Writing", "pair", "place", "words", "writing_of"]

State = InstanceState[Any]
Relation = RelationshipProperty[Any]

# Of the statements that insert into one table; each is prepared for each connection.
_MOST_SHAPES = 32
_NEVER = object()
_WORD = re.compile(r"\w+")


class _Insert(NamedTuple):
    """An INSERT: its text, the values it takes, and those that the database gives back."""

    sql: str
    given: list[tuple[str, Process]]
    generated: list[tuple[str, Process]]


class Writing:
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
        self._losing = self._paired | self._to_many | _named(each for each in relations if each.cascade.delete_orphan)
        self._odd = oddity(mapper) is not None
        self._references = list(_references(mapper))
        secondary = {str(each.secondary) for each in self._paired.values()}
        self.tables = frozenset({*(str(each) for each in mapper.tables), *secondary})
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

    def manages(self, state: State) -> bool:
        """Whether an item can be written here: of a plain mapping, with the key that it had, and nothing has left it.

        Unless the other side of a relationship notes what has left.
        """
        if self._odd or any(name in state.committed_state for name in self.rows.keys if state.key is not None):
            return False
        return not any(each is not None for _, history in _touched(state, self._losing) for each in history.deleted)

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
            self._updates[changed] = f"UPDATE {quoted_table(self.rows.table)} SET {new} WHERE {key}"
        return self._updates[changed]

    def identity(self, state: State) -> list[Any]:
        """The key that the item's row has in the database."""
        return [self.rows.bind[name](value) for name, value in zip(self.rows.keys, state.key[1], strict=True)]  # type: ignore[index]


@lru_cache(1000)
def words(sql: str) -> frozenset[str]:
    """The words of a statement, among which are the tables that it names."""
    return frozenset(_WORD.findall(sql))


@cache
def writing_of(mapper: Mapper[Any]) -> Writing:
    """How rows of a mapper are written."""
    return Writing(mapper)


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


def pair(relation: Relation, left: State, right: State) -> tuple[str, tuple[Any, ...]]:
    """The statement that joins two items by the table of a relationship, and its values."""
    values: dict[Any, Any] = {target: _value(left.obj(), source) for source, target in relation.synchronize_pairs}
    values |= {target: _value(right.obj(), source) for source, target in relation.secondary_synchronize_pairs or ()}
    columns = sorted(values, key=lambda column: column.name)
    bound = tuple(processor(column, "bind_processor")(values[column]) for column in columns)
    return _insert(relation.secondary, columns), bound


def _insert(table: Any, columns: Sequence[Column[Any]]) -> str:
    if not columns:
        return f"INSERT INTO {quoted_table(table)} DEFAULT VALUES"
    names, places = ", ".join(map(quoted, columns)), ", ".join(f"${n}" for n in range(1, len(columns) + 1))
    return f"INSERT INTO {quoted_table(table)} ({names}) VALUES ({places})"


def place(state: State) -> tuple[Any, ...]:
    """Tables that others refer to come first, then new rows, in the order of their making, then others by key."""
    table: Any = state.mapper.local_table
    order = (state.insert_order,) if state.key is None else state.key[1]
    return order_of(table.metadata, len(table.metadata.tables)).get(table, 0), state.key is not None, order
