"""How lists and items are found: by an index that fits, however many rows there are of whomever."""

import uuid
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from sqlalchemy import Engine

from ..core.context import Context
from ..core.database.wire import Statement
from .items import GROWING, LISTED
from .plans import Planner, planner

TENANT = str(uuid.uuid4())
KEYS: dict[str, dict[str, Any]] = {"int": {"id": 1}, "uuid": {"uuid": TENANT}}
"""Keys by the type of a path's variable, and by the model's attribute; another type may be either."""


class Asking:
    """A unit of work that keeps the statement that it was to read by."""

    context: ClassVar[Context] = Context(tenant_uuid=TENANT, visible=(TENANT,))
    sql = ""

    def read(self, statement: Statement, parameters: tuple[Any, ...] = ()) -> str:
        """Keep the statement."""
        self.sql = statement.sql
        return "{}"

    page = read


@pytest.fixture(scope="module")
def planned(engine: Engine) -> Iterator[Planner]:
    with planner(engine) as connection:
        yield connection


def _list(listed: str) -> str:
    """The statement of a page in the default order, whose first parameter is the tenant, if there is one."""
    asking: Any = Asking()
    LISTED[listed].dao.list(asking, {"limit": 50})
    return str(asking.sql)


def _add(*columns: str) -> str:
    return f"add Index(None, {', '.join(map(repr, columns))}) to the model's __table_args__, and to a migration"


def test_a_list_finds_the_items_of_its_tenant_by_an_index(listed: str, planned: Planner) -> None:
    dao, listing = LISTED[listed].dao, LISTED[listed].spec.listing
    assert listing is not None
    found = planned.scans(_list(listed), dao.model.__tablename__)
    told = [str(scan) for scan in found]
    whole = any(scan.kind == "Seq Scan" for scan in found)
    if dao.owned:
        good = not whole and any(scan.by(1) for scan in found) and not any(scan.reads_all_for(1) for scan in found)
        assert good, f"{listed}.list does not look up its tenant: {_add('tenant_uuid')}; now it is {told}"
    else:
        assert not whole, f"{listed}.list reads and sorts all: {_add(listing.default)}; now it is {told}"


def test_the_list_of_a_table_that_grows_has_its_order_from_an_index(growing: str, planned: Planner) -> None:
    dao, listing = GROWING[growing].dao, GROWING[growing].spec.listing
    assert listing is not None
    if listing.default not in dao.model.__table__.columns:
        pytest.skip(f"no index can give the order by {listing.default}, which is no column of the table")
    found = planned.scans(_list(growing), dao.model.__tablename__, sorting=False)
    columns = ("tenant_uuid", listing.default, *(column.key for column in dao.model.__mapper__.primary_key))
    in_order = any(scan.by(1) and not scan.sorted for scan in found)
    assert in_order, f"{growing}.list sorts all of a tenant: {_add(*columns)}"


def test_an_item_is_found_by_an_index_whatever_its_key(listed: str, planned: Planner) -> None:
    service = LISTED[listed]
    if "get" not in service.spec.methods:
        pytest.skip("items are not read")
    kind = list(service.operation("get").variables.values())[-1]
    for name, key in KEYS.get(kind, KEYS["int"] | KEYS["uuid"]).items():
        if hasattr(service.dao.model, name):
            asking: Any = Asking()
            service.dao.show(asking, key)
            found = planned.scans(asking.sql, service.dao.model.__tablename__)
            told = [str(scan) for scan in found]
            assert any(scan.by(1) for scan in found), f"{listed}.get does not look up its {name} in an index: {told}"
