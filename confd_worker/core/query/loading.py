"""Items loaded by prepared statements, each of which is made once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Select, func, inspect, select, true, tuple_, types
from sqlalchemy.orm import RelationshipProperty, aliased, selectinload
from sqlalchemy.orm.attributes import instance_state, set_committed_value
from sqlalchemy.sql.selectable import LateralFromClause

from ..database.plain import oddity
from ..database.rows import Rows, rows_of
from .projection import compiled, parameter, related

__all__ = ["Load", "array", "bound", "typed"]

_PLACE = "place"


class Load:
    """A query for items of one class, with some of their relationships.

    Args:
        model: the mapped class.
        relations: relationships to load along; those to one item that the model itself loads so are always among them.
        limit: adds conditions and an order to a query; its parameters are those of `all`.
        lock: whether to lock the items.
        lock_also: relationships whose rows are locked as well, and loaded along.
    """

    def __init__(
        self,
        model: Any,
        relations: Sequence[Any],
        limit: Callable[[Select[Any]], Select[Any]],
        lock: bool = False,
        lock_also: Sequence[Any] = (),
    ) -> None:
        asked = {each.key for each in (*relations, *lock_also)}
        self._locks, self._locks_also = lock, {each.key for each in lock_also}
        wanted = [each for each in inspect(model).relationships if each.key in asked or each.lazy == "joined"]
        self._odd = any(oddity(each) for each in (inspect(model), *(relation.mapper for relation in wanted)))
        self._model, self._wanted = model, [getattr(model, each.key) for each in wanted]
        if self._odd:
            self._keys = compiled(limit(select(*inspect(model).primary_key).select_from(model))).sql
            return
        self._rows = rows_of(inspect(model))
        self._joined = _rows(each for each in wanted if not each.uselist)
        self._lists = _rows(each for each in wanted if each.uselist)
        query = limit(select(*self._rows.selected(model)))
        for name, rows in self._joined:
            other = aliased(rows.mapper.class_)
            query = query.outerjoin(getattr(model, name).of_type(other)).add_columns(*rows.selected(other))
        if self._lists:
            lists = _side_by_side(model, self._lists)
            query = query.outerjoin(lists, true()).add_columns(*lists.c).order_by(lists.c[_PLACE])
        self._before: list[str] = []
        if lock and wanted:
            # What a query that had to wait joins is from before it waited.
            self._before = [compiled(_locked(limit(select(true()).select_from(model)), model)).sql]
            self._before += [compiled(_locked_along(model, each, limit)).sql for each in lock_also]
        elif lock:
            query = _locked(query, model)
        self._sql = compiled(query).sql

    def all(self, session: Any, values: Sequence[Any]) -> list[Any]:
        """The items that the query gives for the values of its parameters."""
        if self._odd:
            return self._by_sqlalchemy(session, values)
        for lock in self._before:
            session.send(lock, values)
        found: dict[Any, list[list[Any]]] = {}
        for row in session.run(self._sql, values):
            cells = iter(row)
            item = self._rows.item(session, cells, locked=self._locks)
            for name, rows in self._joined:
                _give(item, name, rows.item(session, cells, locked=name in self._locks_also))
            lists = found.setdefault(item, [[] for _ in self._lists])
            for (name, rows), held in zip(self._lists, lists, strict=True):
                other = rows.item(session, cells, locked=name in self._locks_also)
                if other is not None:
                    held.append(other)
        for item, lists in found.items():
            for (name, _), held in zip(self._lists, lists, strict=True):
                _give(item, name, held)
        if self._locks:
            session.locked(instance_state(each).key for item in found for each in (item, *self._along(item)))
        return list(found)

    def _by_sqlalchemy(self, session: Any, values: Sequence[Any]) -> list[Any]:
        options = [selectinload(each) for each in self._wanted]
        lock = {"key_share": True, "of": self._model} if self._locks else None
        return [
            session.get(self._model, tuple(key), options=options, populate_existing=self._locks, with_for_update=lock)
            for key in session.run(self._keys, values)
        ]

    def _along(self, item: Any) -> Iterator[Any]:
        """What is locked along with an item."""
        for name in self._locks_also:
            held = vars(item)[name]
            yield from held if isinstance(held, list) else [held] if held is not None else []


def _rows(relations: Iterable[RelationshipProperty[Any]]) -> list[tuple[str, Rows]]:
    return [(each.key, rows_of(each.mapper)) for each in relations]


def _give(item: Any, name: str, value: Any) -> None:
    """What a relationship leads to, where the item does not have it yet."""
    if name not in vars(item):
        set_committed_value(item, name, value)


def _locked(query: Select[Any], model: Any) -> Select[Any]:
    return query.with_for_update(key_share=True, of=model)


def _locked_along(model: Any, relation: Any, limit: Callable[[Select[Any]], Select[Any]]) -> Select[Any]:
    """Locks the rows that a relationship of the items leads to, in one order."""
    target = relation.property.mapper.class_
    other = aliased(target)
    keys = [each.key for each in inspect(target).primary_key]
    related_keys = limit(
        select(*(getattr(other, key) for key in keys)).select_from(model).join(relation.of_type(other))
    )
    own = [getattr(target, key) for key in keys]
    return _locked(select(true()).where(tuple_(*own).in_(related_keys.order_by(None))).order_by(*own), target)


def _side_by_side(model: Any, lists: Sequence[tuple[str, Rows]]) -> LateralFromClause:
    """The lists of an item beside each other: as many rows as the longest has, with nulls behind the end of another."""
    parts: list[Any] = []
    for name, rows in lists:
        target = aliased(rows.mapper.class_)
        query, order = related(select(*rows.selected(target)), inspect(model).relationships[name], model, target)
        parts.append(query.add_columns(func.row_number().over(order_by=order or None).label(_PLACE)).subquery())
    whole, place = parts[0], parts[0].c[_PLACE]
    for part in parts[1:]:
        whole = whole.join(part, part.c[_PLACE] == place, full=True)
        place = func.coalesce(place, part.c[_PLACE])
    columns = (each for part in parts for each in part.c if each.key != _PLACE)
    return select(*columns, place.label(_PLACE)).select_from(whole).lateral()


def typed(number: int, column: Any, many: bool = False) -> Any:
    """The parameter $number of a statement for a value of the column, or for an array of them."""
    name = "text"
    for type_, known in ((types.Uuid, "uuid"), (types.Boolean, "boolean"), (types.Integer, "integer")):
        if isinstance(column.type, type_):
            name = known
    return parameter(number, f"{name}[]" if many else name)


def bound(value: Any) -> Any:
    """A value as the driver takes it for a parameter of `typed`."""
    return value if value is None or isinstance(value, bool | int) else str(value)


def array(values: Iterable[Any] | None) -> str:
    """Values as the driver takes them for a parameter that is an array."""
    quoted = ('"{}"'.format(str(value).replace("\\", "\\\\").replace('"', '\\"')) for value in values or ())
    return "{" + ",".join(quoted) + "}"
