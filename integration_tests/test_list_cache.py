"""Lists are shown again as they were only while that is what they are."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import psycopg2
import pytest

from confd_worker.conformance.system import System
from confd_worker.core.database.list_cache import ListCache
from confd_worker.core.database.wire import Statement
from confd_worker.core.work import Work
from confd_worker.services.users.users import Users

_INSERT = "INSERT INTO users (uuid, firstname, caller_id, tenant_uuid) VALUES (gen_random_uuid(), %s, '\"x\"', %s)"


@pytest.fixture
def names(work: Callable[[], Work]) -> Callable[[], list[str]]:
    """The first names that the list of users shows."""

    def listed() -> list[str]:
        service = Users()
        service.work = work()
        return [user["firstname"] for user in orjson.loads(orjson.dumps(service.list(order="firstname")))["items"]]

    return listed


@pytest.fixture
def others(system: System, tenant: str) -> Iterator[list[Any]]:
    """Two connections of others, each with a transaction of its own."""
    connections = [psycopg2.connect(system.db_uri) for _ in range(2)]
    with connections[0].cursor() as cursor:
        cursor.execute("INSERT INTO tenants (uuid) VALUES (%s)", (tenant,))
    connections[0].commit()
    yield connections
    for connection in connections:
        connection.close()


def test_a_list_shows_each_change_from_its_commit_on(
    names: Callable[[], list[str]], others: list[Any], tenant: str
) -> None:
    first, second = (connection.cursor() for connection in others)
    assert names() == []
    first.execute(_INSERT, ("Ada", tenant))
    second.execute(_INSERT, ("Bo", tenant))
    assert names() == []
    others[1].commit()
    assert names() == names() == ["Bo"]
    others[0].commit()
    assert names() == names() == ["Ada", "Bo"]
    first.execute("UPDATE users SET firstname = 'Cy' WHERE firstname = 'Ada' AND tenant_uuid = %s", (tenant,))
    second.execute(_INSERT, ("Di", tenant))
    others[1].rollback()
    assert names() == ["Ada", "Bo"]
    others[0].commit()
    assert names() == ["Bo", "Cy"]
    first.execute("DELETE FROM users WHERE tenant_uuid = %s", (tenant,))
    others[0].commit()
    assert names() == []


def test_a_list_is_not_made_again_while_nothing_changes_and_old_ones_make_room() -> None:
    made: list[int] = []
    snapshot = "1:1:"

    def read(statement: Statement, values: Any) -> list[Any]:
        number, known = values
        if known == snapshot:
            return [(snapshot.encode(), None)]
        made.append(number)
        return [(snapshot.encode(), b"x" * 600_000)]

    def show(*numbers: int) -> list[int]:
        made.clear()
        for number in numbers:
            assert len(pages.show(statement, (number,), read)) == 600_000
        return list(made)

    pages, statement = ListCache(), Statement("SELECT 1")
    assert show(1, 2, 1, 2) == [1, 2]
    snapshot = "2:2:"
    assert show(1, 1) == [1]
    assert show(*range(10, 50)) == list(range(10, 50))
    assert show(49, 48, 1, 49) == [1]
    pages.forget()
    assert show(49) == [49]
