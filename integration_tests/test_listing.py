"""Lists of every resource: what each parameter does, and that a read is one statement whatever its length."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from psycopg2.extensions import cursor
from sqlalchemy import event

from confd_worker.client import Client
from confd_worker.config import Settings
from confd_worker.conformance.items import OWNED, RESOURCES, make
from confd_worker.conformance.system import System
from confd_worker.core.context import Context
from confd_worker.core.database.wire import Statement
from confd_worker.core.runtime import Runtime

Call = Callable[..., Any]

NONSENSE = f"no-such-{uuid.uuid4()}"


def _make(call: Call, name: str, count: int) -> list[dict[str, Any]]:
    return [make(call, name, number) for number in range(1, count + 1)]


def _key(name: str, item: dict[str, Any]) -> Any:
    return item[RESOURCES[name].spec.id]


def _keys(name: str, listed: dict[str, Any]) -> list[Any]:
    return [_key(name, item) for item in listed["items"]]


def _plain(item: dict[str, Any], column: str) -> bool:
    """Whether the item shows a value of that column that may be told in a filter."""
    return isinstance(item.get(column), str | int) and item[column] != ""


@pytest.mark.parametrize("name", RESOURCES)
def test_pages_cover_the_list_without_gap_or_overlap(name: str, call: Call) -> None:
    made = {_key(name, item) for item in _make(call, name, 5)}
    whole = call(f"{name}.list")
    assert whole["total"] == len(whole["items"])
    assert made <= set(_keys(name, whole))
    pages = [call(f"{name}.list", limit=2, offset=offset) for offset in range(0, whole["total"], 2)]
    assert [item for page in pages for item in page["items"]] == whole["items"]
    assert {page["total"] for page in pages} == {whole["total"]}
    assert call(f"{name}.list", limit=2, offset=whole["total"]) == {"total": whole["total"], "items": []}
    assert call(f"{name}.list", offset="1")["items"] == whole["items"][1:]


@pytest.mark.parametrize("name", RESOURCES)
def test_each_order_sorts_by_its_column_and_turns_around(name: str, call: Call) -> None:
    _make(call, name, 3)
    listing = RESOURCES[name].spec.listing
    assert listing is not None
    assert _keys(name, call(f"{name}.list")) == _keys(name, call(f"{name}.list", order=listing.default))
    for column in listing.order:
        up = call(f"{name}.list", order=column)
        down = call(f"{name}.list", order=column, direction="desc")
        assert _keys(name, down) == _keys(name, up)[::-1], column
        shown = [item[column] for item in up["items"] if column in item]
        values = [value for value in shown if value is not None]
        if values and not isinstance(values[0], dict | list):
            # Numbers too are texts to the users' order.
            assert values == sorted(values, key=str if name == "users" else None), column
            assert shown == values + [None] * (len(shown) - len(values)), column


@pytest.mark.parametrize("name", RESOURCES)
def test_a_search_finds_any_part_of_a_searched_column(name: str, call: Call) -> None:
    [item, *_] = _make(call, name, 2)
    item = call(f"{name}.get", **{RESOURCES[name].spec.id: _key(name, item)})
    listing = RESOURCES[name].spec.listing
    assert listing is not None
    told = [item[column] for column in listing.search if isinstance(item.get(column), str) and len(item[column]) > 3]
    for text in told:
        for term in (text, text[1:-1], text.upper(), text.lower()):
            assert _key(name, item) in _keys(name, call(f"{name}.list", search=term)), term
    assert call(f"{name}.list", search=NONSENSE) == {"total": 0, "items": []}
    assert call(f"{name}.list", search="") == call(f"{name}.list")


@pytest.mark.parametrize("name", RESOURCES)
def test_a_filter_shows_the_items_that_have_the_value(name: str, call: Call) -> None:
    items = _make(call, name, 3)
    listing = RESOURCES[name].spec.listing
    assert listing is not None
    for column in listing.filter:
        for item in items:
            if _plain(item, column):
                found = call(f"{name}.list", **{column: item[column]})
                assert _key(name, item) in _keys(name, found), column
                assert {other[column] for other in found["items"]} == {item[column]}, column
        assert call(f"{name}.list", **{column: NONSENSE}) == {"total": 0, "items": []}, column
    assert call(f"{name}.list", nonsense="x") == call(f"{name}.list")


@pytest.mark.parametrize(
    "value", ["", "-1", "1.5", "9" * 30, "1e400", "tRuE", "\0", "é\u2028'\"\\%", "{}", "2020-13-45"]
)
@pytest.mark.parametrize("name", RESOURCES)
def test_a_filter_or_search_by_anything_gives_a_list(name: str, value: str, call: Call) -> None:
    listing = RESOURCES[name].spec.listing
    assert listing is not None
    for column in (*listing.filter, "search"):
        found = call(f"{name}.list", **{column: value})
        assert found["total"] == len(found["items"]), column


@pytest.mark.parametrize("value", [[], {}, ["x"], {"a": 1}, 1.5, True, 2**63], ids=repr)
def test_a_list_parameter_that_is_no_text_never_fails(value: Any, client: Client) -> None:
    for name in ("limit", "offset", "order", "direction", "search", "recurse", "view", "firstname", "enabled", "id"):
        reply = orjson.loads(client.call_raw("users.list", **{name: value}))
        assert reply["error"] is None or reply["error"]["status"] == 400, name


def test_a_search_ignores_accents_on_both_sides_and_knows_wildcards(call: Call) -> None:
    for firstname in ("Élodie", "Zoe", "a_b", "axb"):
        call("users.create", body={"firstname": firstname, "lastname": "x"})

    def found(term: str) -> list[str]:
        return sorted(user["firstname"] for user in call("users.list", search=term)["items"])

    assert found("elodie") == found("ÉLO") == ["Élodie"]
    assert found("zoë") == ["Zoe"]
    assert found("a_b") == ["a_b", "axb"]
    assert found("É%ie") == ["Élodie"]
    assert found("\\") == []


@pytest.mark.parametrize("name", OWNED)
def test_a_list_holds_one_tenant_and_those_below_when_asked(name: str, tenant: str, system: System) -> None:
    child, stranger = str(uuid.uuid4()), str(uuid.uuid4())
    made = {}
    for owner in (tenant, child, stranger):
        with system.client(owner) as client:
            made[owner] = _key(name, _make(client.call, name, 1)[0])
    with system.client(tenant, visible_tenants=[tenant, child]) as client:
        own, below = client.call(f"{name}.list"), client.call(f"{name}.list", recurse="true")
    assert (made[tenant] in _keys(name, own), made[child] in _keys(name, own)) == (True, False)
    assert {made[tenant], made[child]} <= set(_keys(name, below))
    assert made[stranger] not in _keys(name, below)
    assert {item["tenant_uuid"] for item in below["items"]} == {tenant, child}


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

    runtime = Runtime(Settings(db_uri=system.db_uri, amqp_uri=system.amqp_uri, master_tenant_uuid=""), {})

    @event.listens_for(runtime.database.engine, "connect")
    def count(connection: Any, record: Any) -> None:
        connection.cursor_factory = Counting

    runtime.database.engine.dispose()
    statements.clear()
    yield runtime
    runtime.database.close()


@pytest.mark.parametrize("count", [0, 1, 12])
@pytest.mark.parametrize("name", RESOURCES)
def test_a_read_is_one_statement_however_long_the_list(
    name: str, count: int, call: Call, tenant: str, runtime: Runtime, statements: list[str]
) -> None:
    made = _make(call, name, count)
    service = RESOURCES[name]()
    service.work = runtime.work(Context(tenant_uuid=tenant, visible=(tenant,)))
    # A first statement has the connection set up.
    runtime.database.read(Statement("SELECT 1"), ())

    statements.clear()
    for parameters in ({}, {"search": "a", "limit": "5", "recurse": "true"}, {"direction": "desc", "offset": "1"}):
        assert service.list(**parameters)
        assert len(statements) == 1, statements
        statements.clear()
    for item in made[:1]:
        assert service.get(_key(name, item))
        assert len(statements) == 1, statements


def test_texts_are_shown_as_they_are_wherever_they_are_embedded(call: Call) -> None:
    awkward = 'a "b" \\ \\u0041 \' \n\t\x01 ü 🎉 %s :x $1 ","href":"/'
    template = call("endpoints_sip_templates.create", body={"label": awkward})
    endpoint = {"label": awkward, "templates": [{"uuid": template["uuid"]}]}
    context = call("contexts.create", body={"label": awkward, "user_ranges": [{"start": "1000", "end": "1999"}]})
    line = {"context": context["name"], "endpoint_sip": endpoint}
    made = call("users.create", body={"firstname": awkward, "description": awkward, "lines": [line]})

    shown = call("users.get", id=made["id"])
    assert call("users.list")["items"] == [shown]
    assert shown["firstname"] == shown["description"] == awkward
    assert shown["lines"][0]["users"][0]["firstname"] == shown["lines"][0]["endpoint_sip"]["label"] == awkward
    assert call("lines.list")["items"] == [call("lines.get", id=made["lines"][0]["id"])]
    assert call("contexts.list")["items"][0]["label"] == awkward
