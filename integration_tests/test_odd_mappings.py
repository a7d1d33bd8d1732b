"""Whatever the shape of a mapping, a change leaves the rows that SQLAlchemy's own session would."""

import uuid
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any

import pytest
from sqlalchemy import JSON, inspect, text, types
from sqlalchemy.orm import Mapper, Session

from confd_worker.core.database.engine import Database
from confd_worker.core.database.id_blocks import IdBlocks
from confd_worker.core.database.plain import check, oddity
from confd_worker.core.database.session import ChangeSession
from confd_worker.core.query.loading import Load
from confd_worker.models.base import Base

from .odd_models import CHANGES, Animal, Counted, Dog, OddBase, Shelf

MAPPERS = sorted(Base.registry.mappers, key=lambda mapper: mapper.class_.__name__)


@pytest.fixture(scope="module")
def odd(database: Database) -> Iterator[Database]:
    """A database with the tables of the odd mappings."""
    OddBase.metadata.drop_all(database.engine)
    OddBase.metadata.create_all(database.engine)
    yield database
    OddBase.metadata.drop_all(database.engine)


class _Ids(IdBlocks):
    """Gives ids one by one, as SQLAlchemy asks for them."""

    def take(self, kind: Hashable, ask: Callable[[int], Iterable[Any]]) -> Any:
        return next(iter(ask(1)))


def _rows(session: Session, tables: Any) -> dict[str, Any]:
    return {
        table.name: session.scalars(text(f'SELECT to_jsonb(t)::text FROM "{table.name}" AS t ORDER BY 1')).all()
        for table in tables
    }


def _left(session: Session, change: Callable[[Any], None]) -> dict[str, Any]:
    """What a change leaves in the tables; nothing of it stays."""
    tables = OddBase.metadata.sorted_tables
    session.execute(text("TRUNCATE {} RESTART IDENTITY".format(", ".join(f'"{table.name}"' for table in tables))))
    change(session)
    session.flush()
    left = _rows(session, tables)
    session.rollback()
    return left


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "together"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_of_an_odd_mapping_is_written_as_sqlalchemy_writes_it(
    change: Callable[[Any], None], together: bool, odd: Database
) -> None:
    with Session(odd.engine) as usual, ChangeSession(odd.engine, None, _Ids()) as session:
        expected = _left(usual, change)
        usual.close()
        session.together = together
        assert _left(session, change) == expected


def test_items_of_odd_mappings_are_loaded_whole(odd: Database) -> None:
    with ChangeSession(odd.engine, None, _Ids()) as session:
        session.add_all([Dog(name="Rex"), Shelf(), Counted()])
        session.flush()
        session.expunge_all()
        [dog] = Load(Animal, (), lambda query: query, True).all(session, ())
        assert (type(dog), dog.name, dog.barks) == (Dog, "Rex", True)
        [counted] = Load(Counted, (), lambda query: query).all(session, ())
        assert counted.shelves == 1  # type: ignore[attr-defined]
        dog.name = "Fido"
        session.flush()
        assert session.run("SELECT name FROM odd_animals", ()) == [("Fido",)]


def _value(column: Any, other: bool) -> Any:
    """A value that a column takes; `other` than the first one."""
    type_ = column.type
    if column.nullable and column.foreign_keys:
        return None
    if isinstance(type_, types.Boolean):
        return other or column.primary_key
    if isinstance(type_, types.Integer):
        return 2 if other else 1
    if isinstance(type_, types.Uuid):
        return uuid.UUID(int=2 if other else 1)
    if isinstance(type_, JSON):
        return [["a", "b"]] if other else []
    if isinstance(type_, types.DateTime):
        return None
    if isinstance(type_, types.LargeBinary):
        return b"\x00" if other else b"\xff"
    text = "ü'\\%" if other else '"$1'
    return text[: type_.length] if isinstance(type_, types.String) else text


def _made_and_changed(session: Session, mapper: Mapper[Any]) -> Any:
    columns = {each.key: each.columns[0] for each in mapper.column_attrs}
    given = {name: column for name, column in columns.items() if getattr(column, "computed", 1) is None}
    item = mapper.class_()
    for name, column in given.items():
        value = _value(column, other=False)
        if value is not None:
            setattr(item, name, value)
    session.add(item)
    session.flush()
    for name, column in given.items():
        value = _value(column, other=True)
        if value is not None and not column.primary_key:
            setattr(item, name, value)
    session.flush()
    key = zip(mapper.primary_key, inspect(item).identity, strict=True)
    query = mapper.local_table.select().where(*(column == value for column, value in key))
    return session.execute(query).mappings().one()


@pytest.mark.parametrize("mapper", MAPPERS, ids=lambda mapper: mapper.class_.__name__)
def test_every_mapping_of_ours_is_written_as_sqlalchemy_writes_it(mapper: Mapper[Any], database: Database) -> None:
    rows = []
    for kind in (Session, ChangeSession):
        arguments = () if kind is Session else (None, _Ids())
        with kind(database.engine, *arguments) as session:
            # Neither keys nor triggers: one row alone is looked at.
            session.execute(text("SET LOCAL session_replication_role = replica"))
            session.execute(text(f"DELETE FROM {mapper.local_table.name}"))
            row = dict(_made_and_changed(session, mapper))
            session.rollback()
        rows.append({name: value for name, value in row.items() if not name.endswith("_at")})
    assert rows[0] == rows[1]


def test_what_we_rely_on_of_sqlalchemy_is_there_and_said_at_start_where_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check()
    monkeypatch.delattr(Session, "_register_persistent")
    with pytest.raises(RuntimeError, match=r"SQLAlchemy .* cannot be used: it lacks Session\._register_persistent"):
        check()


def test_our_mappings_are_plain_but_for_those_that_nobody_changes() -> None:
    assert {mapper.class_.__name__ for mapper in MAPPERS if oddity(mapper)} == {"DeadLetter"}
