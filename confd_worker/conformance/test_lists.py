"""What the list of every resource must honour: what each parameter does, and that a read is one statement."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from confd_schemas.spec import Listing
from psycopg2.extensions import cursor
from sqlalchemy import Pool, event

from ..config import Settings
from ..core.context import Context
from ..core.database.wire import Statement
from ..core.runtime import Runtime
from .items import RESOURCES, Call, make
from .system import System

NONSENSE = f"no-such-{uuid.uuid4()}"
ANYTHING = ("", "-1", "1.5", "9" * 30, "1e400", "tRuE", "\0", "é\u2028'\"\\%", "{}", "2020-13-45")


def _make(call: Call, name: str, count: int) -> list[dict[str, Any]]:
    return [make(call, name, number) for number in range(1, count + 1)]


def _key(name: str, item: dict[str, Any]) -> Any:
    return item[RESOURCES[name].spec.id]


def _keys(name: str, listed: dict[str, Any]) -> list[Any]:
    return [_key(name, item) for item in listed["items"]]


def _listing(name: str) -> Listing:
    found = RESOURCES[name].spec.listing
    assert found is not None, f"the spec of {name} does not tell how its list may be asked for: listing=Listing.by(…)"
    return found


def _plain(item: dict[str, Any], column: str) -> bool:
    """Whether the item shows a value of that column that may be told in a filter."""
    return isinstance(item.get(column), str | int) and item[column] != ""


def test_pages_cover_the_list_without_gap_or_overlap(resource: str, call: Call) -> None:
    made = {_key(resource, item) for item in _make(call, resource, 5)}
    whole = call(f"{resource}.list")
    assert whole["total"] == len(whole["items"])
    assert made <= set(_keys(resource, whole))
    pages = [call(f"{resource}.list", limit=2, offset=offset) for offset in range(0, whole["total"], 2)]
    assert [item for page in pages for item in page["items"]] == whole["items"]
    assert {page["total"] for page in pages} == {whole["total"]}
    assert call(f"{resource}.list", limit=2, offset=whole["total"]) == {"total": whole["total"], "items": []}
    assert call(f"{resource}.list", offset="1")["items"] == whole["items"][1:]


def test_each_order_sorts_by_its_column_and_turns_around(resource: str, call: Call) -> None:
    _make(call, resource, 3)
    listing = _listing(resource)
    assert _keys(resource, call(f"{resource}.list")) == _keys(resource, call(f"{resource}.list", order=listing.default))
    for column in listing.order:
        up = call(f"{resource}.list", order=column)
        down = call(f"{resource}.list", order=column, direction="desc")
        assert _keys(resource, down) == _keys(resource, up)[::-1], column
        shown = [item[column] for item in up["items"] if column in item]
        values = [value for value in shown if value is not None]
        if values and not isinstance(values[0], dict | list):
            # Numbers may be ordered as texts, too.
            assert values in (sorted(values), sorted(values, key=str)), column
            assert shown == values + [None] * (len(shown) - len(values)), column


def test_a_search_finds_any_part_of_a_searched_column(resource: str, call: Call) -> None:
    [item, *_] = _make(call, resource, 2)
    item = call(f"{resource}.get", **{RESOURCES[resource].spec.id: _key(resource, item)})
    listing = _listing(resource)
    told = [item[column] for column in listing.search if isinstance(item.get(column), str) and len(item[column]) > 3]
    for text in told:
        for term in (text, text[1:-1], text.upper(), text.lower()):
            assert _key(resource, item) in _keys(resource, call(f"{resource}.list", search=term)), term
    assert call(f"{resource}.list", search=NONSENSE) == {"total": 0, "items": []}
    assert call(f"{resource}.list", search="") == call(f"{resource}.list")


def test_a_filter_shows_the_items_that_have_the_value(resource: str, call: Call) -> None:
    items = _make(call, resource, 3)
    listing = _listing(resource)
    for column in listing.filter:
        for item in items:
            if _plain(item, column):
                found = call(f"{resource}.list", **{column: item[column]})
                assert _key(resource, item) in _keys(resource, found), column
                assert {other[column] for other in found["items"]} == {item[column]}, column
        assert call(f"{resource}.list", **{column: NONSENSE}) == {"total": 0, "items": []}, column
    assert call(f"{resource}.list", nonsense="x") == call(f"{resource}.list")


def test_a_filter_or_search_by_anything_gives_a_list(resource: str, call: Call) -> None:
    for column in (*_listing(resource).filter, "search"):
        for value in ANYTHING:
            found = call(f"{resource}.list", **{column: value})
            assert found["total"] == len(found["items"]), (column, value)


def test_a_list_holds_one_tenant_and_those_below_when_asked(owned: str, tenant: str, system: System) -> None:
    child, stranger = str(uuid.uuid4()), str(uuid.uuid4())
    made = {}
    for owner in (tenant, child, stranger):
        with system.client(owner) as client:
            made[owner] = _key(owned, _make(client.call, owned, 1)[0])
    with system.client(tenant, visible_tenants=[tenant, child]) as client:
        own, below = client.call(f"{owned}.list"), client.call(f"{owned}.list", recurse="true")
    assert (made[tenant] in _keys(owned, own), made[child] in _keys(owned, own)) == (True, False)
    assert {made[tenant], made[child]} <= set(_keys(owned, below))
    assert made[stranger] not in _keys(owned, below)
    assert {item["tenant_uuid"] for item in below["items"] if "tenant_uuid" in item} <= {tenant, child}


@pytest.fixture
def statements() -> list[str]:
    """What was sent to the database in the test's own process."""
    return []


@pytest.fixture
def runtime(system: System, statements: list[str]) -> Iterator[Runtime]:
    """What a worker stands on, without the bus."""

    class Counting(cursor):
        def execute(self, query: Any, variables: Any = None) -> None:
            # A statement is prepared once a connection; that is no part of the reads that follow.
            if not query.startswith("PREPARE "):
                statements.append(query)
            super().execute(query, variables)

    def count(connection: Any, record: Any) -> None:
        connection.cursor_factory = Counting

    # All pools, as a worker may have more than one.
    event.listen(Pool, "connect", count)
    runtime = Runtime(Settings(db_uri=system.db_uri, amqp_uri=system.amqp_uri, master_tenant_uuid=""), {})
    try:
        yield runtime
    finally:
        event.remove(Pool, "connect", count)
        runtime.database.close()


@pytest.mark.parametrize("count", [0, 1, 12])
def test_a_read_is_one_statement_however_long_the_list(
    resource: str, count: int, call: Call, tenant: str, runtime: Runtime, statements: list[str]
) -> None:
    made = _make(call, resource, count)
    service = RESOURCES[resource]()
    service.work = runtime.work(Context(tenant_uuid=tenant, visible=(tenant,)))
    # A first statement has the connection set up.
    runtime.database.read(Statement("SELECT 1"), ())

    statements.clear()
    for parameters in ({}, {"search": "a", "limit": "5", "recurse": "true"}, {"direction": "desc", "offset": "1"}):
        assert service.list(**parameters)
        assert len(statements) == 1, statements
        statements.clear()
    for item in made[:1]:
        assert service.get(_key(resource, item))
        assert len(statements) == 1, statements
