"""The generic data access object: one model, read as projections and changed through the ORM."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache, cached_property
from typing import Any
from uuid import UUID

from confd_schemas.schema import Schema
from confd_schemas.spec import Resource, discover
from sqlalchemy import Select, Text, and_, cast, func, inspect, literal_column, select
from sqlalchemy.orm import RelationshipDirection
from sqlalchemy.orm.attributes import set_committed_value

from ...models.base import TenantOwned
from .. import errors
from ..database.wire import Statement
from ..work import Json, Shown, Work
from .lists import Lists, listed
from .loading import Load, array, bound, typed
from .projection import COMMA, Projection, compiled, document, parameter

__all__ = ["DAO", "of_item", "of_resource"]

# No id has more, and Python refuses to read numbers of thousands of digits.
_DIGITS = re.compile(r"[0-9]{1,18}")
_INTEGER_MAX = 2**31 - 1


_by_resource: dict[str, "DAO"] = {}


def of_resource(name: str) -> "DAO | None":
    """The DAO of another resource, or None while no plugin provides that resource."""
    return _by_resource.get(name)


def of_item(path: str) -> "DAO | None":
    """The DAO of the items with that path, as `Operation.item` tells it; None while no plugin provides them."""
    return next((dao for dao in _by_resource.values() if path and dao.spec.path == path), None)


@cache
def schemas() -> dict[str, type[Schema]]:
    """Schemas of all resources by name, for the summaries that embed them."""
    return {resource.name: resource.schema for resource in discover() if resource.schema}


class DAO:
    """Tables and queries of one resource; knows no rules and no events.

    Args:
        model: the mapped class.
        spec: of the resource: its label, its id, its schema and what may be listed how.
        where: limits the rows that this resource sees at all, given the model or an alias.
        sort: makes the expression to order by from a column's name that the caller gives and the schema shown, where
            it is not the column itself.
        folded: filters that ignore case.
        many: filters that take a comma-separated list, any of which may match.
        locks: relationships whose rows change with an item, and so are loaded and locked with it.
        tenant: name of the column with the tenant, where the model is not owned by one in the usual way.
        shown: makes what errors show of an id.
        search: makes a condition that indexes answer, from what limits a column to the caller's tenants, and a pattern:
            that one of the searched columns holds it. It may let too much through for a pattern with wildcards.
    """

    def __init__(
        self,
        model: Any,
        spec: Resource,
        *,
        where: Callable[[Any], Any] | None = None,
        sort: Callable[[str, type[Schema]], Any] | None = None,
        folded: Iterable[str] = (),
        many: Iterable[str] = (),
        locks: Sequence[Any] = (),
        tenant: str | None = None,
        shown: Callable[[Any], Any] | None = None,
        search: Callable[[Callable[[Any], Any], Any], Any] | None = None,
    ) -> None:
        self.model, self.spec = model, spec
        self.owned = tenant is not None or issubclass(model, TenantOwned)
        self._tenant: Any = getattr(model, tenant or "tenant_uuid", None)
        self._key_shown = shown or _shown
        self._where, self._locks = where, tuple(locks)
        self.lists = Lists(
            model, spec, tenant=self._tenant if self.owned else None, seen=self._seen, projection=self._projection,
            tallied=where is None and getattr(model, "tallied", False),
            sort=sort, folded=folded, many=many, search=search,
        )  # fmt: skip
        self._statements: dict[Any, Statement] = {}
        self._loads: dict[Any, Load] = {}
        _by_resource.setdefault(spec.name, self)

    def not_found(self, key: Any, **more: Any) -> errors.NotFound:
        """The error for an id that is not there."""
        return errors.NotFound(self.spec.label, metadata={self.spec.id: self._key_shown(key), **more})

    def get(self, work: Work, key: Any, *relations: Any) -> Any:
        """The item to change, locked against other changes until the end of the transaction, as it is then.

        Args:
            key: integer id or uuid, as the resource's path has it.
            relations: relationships to load along.

        Raises:
            NotFound: there is none in the tenants that the caller sees.
        """
        column, value = self._key(key)
        load = self._load(work, (column,), relations, lock=True)
        items = load.all(work.session, self._given(work, value))
        if not items:
            raise self.not_found(key)
        return items[0]

    def all(self, work: Work, keys: Iterable[Any], *, lock: bool = True) -> dict[Any, Any]:
        """The items with these ids (all integers, or all uuids) that the caller sees, by id, locked in one order."""
        wanted = set(keys)
        if not wanted:
            return {}
        column = self.model.uuid if isinstance(next(iter(wanted), None), UUID) else self.model.__mapper__.primary_key[0]
        load = self._load(work, (column,), many=True, lock=lock)
        items = load.all(work.session, self._given(work, array(wanted)))
        return {getattr(item, column.key): item for item in items}

    def _load(
        self, work: Work, columns: Sequence[Any], relations: Sequence[Any] = (), *,
        many: bool = False, lock: bool = False, all_tenants: bool = False,
    ) -> Load:  # fmt: skip
        """A query by the values of some columns, of which the last parameter limits it to the caller's tenants."""
        limited = self._limited(work) and not all_tenants
        shape = (tuple(each.key for each in columns), tuple(each.key for each in relations), many, lock, limited)

        def limit(query: Select[Any]) -> Select[Any]:
            query = self._seen(query)
            for number, column in enumerate(columns, 1):
                value = typed(number, column, many)
                query = query.where(column == (func.any(value) if many else value))
            if limited:
                query = self._within(query, len(columns) + 1)
            return query.order_by(*columns) if many else query

        if shape not in self._loads:
            self._loads[shape] = Load(self.model, relations, limit, lock, self._locks if lock else ())
        return self._loads[shape]

    def _given(self, work: Work, *values: Any, all_tenants: bool = False) -> list[Any]:
        limited = self._limited(work) and not all_tenants
        return [*map(bound, values), *([array(work.context.visible)] if limited else [])]

    def _within(self, query: Select[Any], number: int) -> Select[Any]:
        """The query, limited to the tenants that its parameter $number lists."""
        return query.where(self._tenant == func.any(parameter(number, "uuid[]")))

    def _limited(self, work: Work) -> bool:
        return work.context.visible is not None and issubclass(self.model, TenantOwned)

    def new(self, fields: dict[str, Any]) -> Any:
        """An item with these values, not in the database yet."""
        item = self.model()
        # There is no history to keep of it yet, which is what setting an attribute is about.
        vars(item).update({name: value for name, value in fields.items() if name in self._plain})
        return self.change(item, {name: value for name, value in fields.items() if name not in self._plain})

    def change(self, item: Any, fields: dict[str, Any]) -> Any:
        """Give the item these values; what is not a column, or a hybrid that can be set, is left to others."""
        for name, value in fields.items():
            if name in self._settable:
                setattr(item, name, value)
        return item

    @cached_property
    def _referring(self) -> list[tuple[str, bool]]:
        """Relationships in which other rows refer to an item, and whether they are lists."""
        relations = (each for each in inspect(self.model).relationships if not each.viewonly)
        return [(each.key, each.uselist) for each in relations if each.direction is not RelationshipDirection.MANYTOONE]

    @cached_property
    def _settable(self) -> frozenset[str]:
        mapper = inspect(self.model)
        hybrids = (name for name, each in mapper.all_orm_descriptors.items() if getattr(each, "fset", None))
        return frozenset((*mapper.column_attrs.keys(), *hybrids))

    @cached_property
    def _plain(self) -> frozenset[str]:
        """Columns whose values are taken as they are."""
        mapper = inspect(self.model)
        return frozenset(mapper.column_attrs.keys()) - frozenset(mapper.validators)

    def find(self, work: Work, *, all_tenants: bool = False, **equal: Any) -> Any:
        """The first item whose columns equal the given values, or None."""
        if None in equal.values() or not _fits(equal.values()):
            return None
        load = self._load(work, [getattr(self.model, name) for name in equal], all_tenants=all_tenants)
        items = load.all(work.session, self._given(work, *equal.values(), all_tenants=all_tenants))
        return items[0] if items else None

    def find_if_taken(self, work: Work, **equal: Any) -> Any:
        """The same for values that a constraint keeps unique and that mostly nobody has: asked only where it told."""
        return None if work.trusts() else self.find(work, **equal)

    def among(self, work: Work, names: Sequence[str], wanted: Iterable[tuple[Any, ...]]) -> dict[tuple[Any, ...], Any]:
        """The items that have one of the wanted combinations of values in these columns, by their combinations."""
        columns = [getattr(self.model, name) for name in names]
        shape = ("among", *names, self._limited(work))

        def limit(query: Select[Any]) -> Select[Any]:
            lists = (typed(number, column, many=True) for number, column in enumerate(columns, 1))
            rows = func.unnest(*lists).table_valued(*names, name="wanted").render_derived()
            query = self._seen(query).join(rows, and_(*(getattr(self.model, name) == rows.c[name] for name in names)))
            return self._within(query, len(names) + 1) if self._limited(work) else query

        if shape not in self._loads:
            self._loads[shape] = Load(self.model, (), limit)
        values = list(zip(*(each for each in set(wanted) if _fits(each)), strict=True))
        if not values:
            return {}
        items = self._loads[shape].all(work.session, self._given(work, *map(array, values)))
        return {tuple(getattr(item, name) for name in names): item for item in items}

    def add(self, work: Work, item: Any) -> None:
        """Insert the item; its constraints are checked by the end of the transaction."""
        work.session.place(item)
        # Nothing can refer to what was not there before, so that nobody needs to ask.
        for name, many in self._referring:
            if name not in vars(item):
                set_committed_value(item, name, [] if many else None)

    def delete(self, work: Work, item: Any) -> None:
        """Delete the item and what belongs to it."""
        work.session.delete(item)
        work.session.flush()

    def only(self, work: Work) -> Any:
        """The one row that this resource sees, locked."""
        if "only" not in self._loads:
            self._loads["only"] = Load(self.model, (), self._seen, True, self._locks)
        return self._loads["only"].all(work.session, ())[0]

    def show(self, work: Work, key: Any, schema: type[Schema] | None = None) -> Json:
        """The item as JSON.

        Args:
            schema: shows the item in another way than the resource's own schema.

        Raises:
            NotFound: there is none in the tenants that the caller sees.
        """
        return Json(self._one(work, key, self._showing(work, key, schema)))

    def shown(self, work: Work, key: Any, schema: type[Schema] | None = None) -> Shown:
        """The item as JSON, as the reply of a change that made it; arguments as for `show`."""
        return Shown(*self._showing(work, key, schema))

    def show_only(self, work: Work) -> Json:
        """The one row that this resource sees, as JSON."""
        if "only" not in self._statements:
            self._statements["only"] = document(self._seen(self._shown.row(self.model)))
        return Json(work.read(self._statements["only"]))

    def value(self, work: Work, key: Any, attribute: str, part: str | None = None) -> str:
        """The text of an attribute of the item that is JSON, or of one part of it.

        Raises:
            NotFound: there is no such item in the tenants that the caller sees.
        """
        column = getattr(self.model, attribute)
        shown = column if part is None else column.op("->")(literal_column(f"'{part}'"))
        asked = self._asking(work, key, ("value", attribute, part), lambda: select(cast(shown, Text)), compiled)
        return self._one(work, key, asked)

    def related(self, work: Work, key: Any, relation: str, schema: type[Schema]) -> Json:
        """The items of one of the item's relationships, as `{"total": …, "items": […]}`.

        Raises:
            NotFound: there is no such item in the tenants that the caller sees.
        """

        def make() -> Select[Any]:
            items = self._shown.many(self.model, relation, schema)
            return select(listed(func.cardinality(items), func.array_to_string(items, COMMA))).select_from(self.model)

        return Json(self._one(work, key, self._asking(work, key, ("related", relation), make)))

    def _one(self, work: Work, key: Any, asked: tuple[Statement, tuple[Any, ...]]) -> Any:
        text = work.read(*asked)
        if text is None:
            raise self.not_found(key)
        return text

    def _showing(self, work: Work, key: Any, schema: type[Schema] | None) -> tuple[Statement, tuple[Any, ...]]:
        return self._asking(work, key, ("show", schema), lambda: self._projection(schema).row(self.model))

    def _asking(
        self, work: Work, key: Any, shape: tuple[Any, ...], make: Callable[[], Select[Any]],
        finish: Callable[[Select[Any]], Statement] = document,
    ) -> tuple[Statement, tuple[Any, ...]]:  # fmt: skip
        """The statement that asks for something of one item, and its parameters."""
        column, value = self._key(key)
        limited = self.owned and work.context.visible is not None
        shape = (*shape, column.key, limited)
        if shape not in self._statements:
            query = self._seen(make()).where(column == _typed(1, value))
            if limited:
                query = self._within(query, 2)
            self._statements[shape] = finish(query)
        return self._statements[shape], (str(value),) + ((array(work.context.visible),) if limited else ())

    def list(self, work: Work, given: dict[str, Any], schema: type[Schema] | None = None) -> Json:
        """A page of items as JSON; arguments as for `Lists.show`."""
        return self.lists.show(work, given, schema)

    def _projection(self, schema: type[Schema] | None) -> Projection:
        return self._shown if schema is None else Projection(schema, self.model, schemas())

    @cached_property
    def _shown(self) -> Projection:
        assert self.spec.schema
        return Projection(self.spec.schema, self.model, schemas())

    def _seen(self, query: Select[Any]) -> Select[Any]:
        return query if self._where is None else query.where(self._where(self.model))

    def _key(self, key: Any) -> tuple[Any, Any]:
        """The column that `key` is of, and its value; a key that no item can have is an error."""
        if isinstance(key, UUID):
            return self.model.uuid, key
        text = str(key)
        if _DIGITS.fullmatch(text) and not isinstance(key, bool):
            if hasattr(self.model, "id") and int(text) <= _INTEGER_MAX:
                return self.model.id, int(text)
        elif hasattr(self.model, "uuid"):
            try:
                return self.model.uuid, UUID(text)
            except ValueError:
                pass
        raise self.not_found(key)


def _fits(values: Iterable[Any]) -> bool:
    """Whether PostgreSQL can compare all of the values with a column."""
    return not any(isinstance(value, int) and value > _INTEGER_MAX for value in values)


def _typed(number: int, value: Any) -> Any:
    return parameter(number, "uuid" if isinstance(value, UUID) else "int")


def _shown(key: Any) -> Any:
    """The key as messages show it: `1`, or `UUID('…')`."""
    if isinstance(key, bool):
        return str(key)
    try:
        return UUID(str(key)) if not isinstance(key, int) and not _DIGITS.fullmatch(str(key)) else int(key)
    except ValueError:
        return str(key)
