"""The lists of a resource: one statement gives a page of its items and how many there are."""

from collections.abc import Callable, Iterable
from typing import Any

from confd_schemas.schema import Schema
from confd_schemas.spec import Resource
from sqlalchemy import Select, Text, cast, func, literal_column, or_, select, true
from sqlalchemy.orm import aliased

from ...models.tally import tallies
from ..database.wire import Statement
from ..work import Json, Work
from .loading import array
from .parameters import NoMatch, Page, filter_value, page, search_pattern
from .projection import COMMA, Projection, document, joined, parameter

__all__ = ["Lists", "listed"]

_MOST_SHAPES = 200
_EMPTY = b'{"total":0,"items":[]}'


class Lists:
    """The lists of one resource.

    Args:
        model: the mapped class.
        spec: of the resource.
        tenant: the column that says whose an item is; None where nobody owns one.
        seen: limits a query to the rows that the resource sees at all.
        projection: tells what items look like by a schema's class, or in the resource's own way.
        tallied: whether the database keeps count of the items.
        sort, folded, many, search: as for a DAO.
    """

    def __init__(
        self,
        model: Any,
        spec: Resource,
        *,
        tenant: Any,
        seen: Callable[[Select[Any]], Select[Any]],
        projection: Callable[[type[Schema] | None], Projection],
        tallied: bool,
        sort: Callable[[str, type[Schema]], Any] | None,
        folded: Iterable[str],
        many: Iterable[str],
        search: Callable[[Callable[[Any], Any], Any], Any] | None,
    ) -> None:
        self.model, self.spec = model, spec
        self._tenant, self._seen, self._projection, self._tallied = tenant, seen, projection, tallied
        self._sort = sort or (lambda column, schema: getattr(model, column))
        self._folded, self._many = frozenset(folded), frozenset(many)
        self._search = search
        self._statements: dict[Any, Statement] = {}

    def show(self, work: Work, given: dict[str, Any], schema: type[Schema] | None = None) -> Json:
        """`{"total": …, "items": […]}` as JSON.

        Args:
            given: the list's parameters as the caller gave them.
            schema: shows the items in another way than the resource's own schema.
        """
        assert self.spec.listing
        wanted = page(given, self.spec.listing)
        tenants = self._tenants(work, wanted)
        try:
            values = self._values(wanted, tenants)
        except NoMatch:
            return Json(_EMPTY)
        shape = (schema, _limits(tenants), tuple(name for name, _ in wanted.filters), _searches(wanted),
                 wanted.order, wanted.descending, wanted.limit is None)  # fmt: skip
        statement = self._statements.get(shape)
        if statement is None:
            statement = self._statements[shape] = self.statement(wanted, _limits(tenants), schema)
            # There are as many as filters, orders and searches can be combined.
            while len(self._statements) > _MOST_SHAPES:
                del self._statements[next(iter(self._statements))]
        # What one searches for, the next one does not.
        return Json(work.read(statement, values)) if wanted.search else work.page(statement, values)

    def statement(self, wanted: Page, limit: str | None, schema: type[Schema] | None = None) -> Statement:
        """The statement of a page.

        Its parameters are what it is limited to, the values of the filters, the pattern, limit and offset, as far as
        there are any.

        Args:
            limit: type of the parameter that names the tenants; None means all.
        """
        number = iter(range(1, 1000))
        tenant = parameter(next(number), limit) if limit else None

        def owned(column: Any) -> Any:
            if tenant is None:
                return true()
            return column == (tenant if limit == "uuid" else func.any(tenant))

        conditions: list[Any] = [] if tenant is None else [owned(self._tenant)]
        for name, text in wanted.filters:
            value = parameter(next(number), self._filter(name, text)[1])
            column = getattr(self.model, name)
            if name in self._folded:
                column = func.lower(column)
            conditions.append(column == (func.any(value) if name in self._many else value))
        if wanted.search:
            pattern = func.confd_fold(parameter(next(number), "text"))
            if self._search is not None:
                conditions.append(self._search(owned, pattern))
            if self._search is None or _searches(wanted) == "wild":
                columns = (cast(getattr(self.model, name), Text) for name in self.spec.listing.search)  # type: ignore[union-attr]
                conditions.append(or_(*(func.confd_fold(column).like(pattern) for column in columns)))
        # First the page, so that nothing is looked up for what comes before it.
        rows = self._ordered(self._seen(select(self.model.__table__)).where(*conditions), wanted, schema)
        if wanted.limit is not None:
            rows = rows.limit(parameter(next(number), "int"))  # type: ignore[arg-type]
        page = rows.offset(parameter(next(number), "int")).subquery("item")  # type: ignore[arg-type]
        if self._tallied and not wanted.filters and not wanted.search:
            total = _tally(self.model.__tablename__, owned)
        else:
            total = self._seen(select(func.count()).select_from(self.model)).where(*conditions)
        shown = self._projection(schema).rows(aliased(self.model, page))
        items = shown.with_only_columns(func.string_agg(*shown.selected_columns, COMMA))
        return document(select(listed(total.scalar_subquery(), items.scalar_subquery())))

    def _tenants(self, work: Work, wanted: Page) -> tuple[str, ...] | None:
        if self._tenant is None:
            return None
        if not wanted.recurse:
            return (work.context.tenant,)
        return work.context.visible

    def _values(self, wanted: Page, tenants: tuple[str, ...] | None) -> tuple[Any, ...]:
        values: list[Any] = []
        if tenants is not None:
            values.append(tenants[0] if len(tenants) == 1 else array(tenants))
        for name, text in wanted.filters:
            values.append(self._filter(name, text)[0])
        if wanted.search:
            values.append(search_pattern(wanted.search))
        if wanted.limit is not None:
            values.append(wanted.limit)
        return (*values, wanted.offset)

    def _filter(self, name: str, text: str) -> tuple[Any, str]:
        type_ = getattr(self.model, name).type
        if name not in self._many:
            return filter_value(text.lower() if name in self._folded else text, type_)
        found = []
        for each in text.split(","):
            try:
                found.append(filter_value(each, type_))
            except NoMatch:
                continue
        if not found:
            raise NoMatch
        return array(value for value, _ in found), found[0][1] + "[]"

    def _ordered(self, rows: Select[Any], wanted: Page, schema: type[Schema] | None) -> Select[Any]:
        assert self.spec.listing
        assert self.spec.schema
        if wanted.order is None:
            by = getattr(self.model, self.spec.listing.default)
        else:
            by = self._sort(wanted.order, schema or self.spec.schema)
        last = self.model.__mapper__.primary_key
        if wanted.descending:
            return rows.order_by(by.desc(), *(column.desc() for column in last))
        return rows.order_by(by, *last)


def _limits(tenants: tuple[str, ...] | None) -> str | None:
    """Type of the parameter that limits a list to tenants; equality with one lets an index give the order, too."""
    if tenants is None:
        return None
    return "uuid" if len(tenants) == 1 else "uuid[]"


def _searches(wanted: Page) -> str | None:
    if not wanted.search:
        return None
    return "wild" if set(wanted.search) & set("%_") else "plain"


def _tally(table: str, owned: Callable[[Any], Any]) -> Select[Any]:
    """How many rows of a table the tenants have whom a column is limited to."""
    total = func.coalesce(func.sum(tallies.c.number), literal_column("0"))
    return select(total).where(tallies.c.table_name == table, owned(tallies.c.tenant_uuid))


def listed(total: Any, items: Any) -> Any:
    """`{"total": …, "items": […]}`"""
    return joined(['{"total":', total, ',"items":[', items, "]}"])
