"""Lists and searches find their rows by an index, however many there are of other tenants."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from confd_worker.conformance.system import System
from confd_worker.core.database.engine import Database
from confd_worker.core.query.parameters import page
from confd_worker.services.users.dao import dao

_USERS = """
    INSERT INTO users (uuid, firstname, lastname, caller_id, tenant_uuid)
    SELECT gen_random_uuid(), 'A' || md5(number::text), 'B' || md5((number * 7)::text), '"x"', %s
    FROM generate_series(1, %s) AS number
"""


@pytest.fixture(scope="module")
def crowded(system: System) -> Iterator[tuple[Any, list[str]]]:
    """A cursor on a database with 500 users of a tenant and 20,000 of another one, and both tenants."""
    tenants = {str(uuid.uuid4()): 500, str(uuid.uuid4()): 20_000}
    with system.database() as cursor:
        for tenant, users in tenants.items():
            cursor.execute("INSERT INTO tenants (uuid) VALUES (%s)", (tenant,))
            cursor.execute(_USERS, (tenant, users))
        cursor.execute("ANALYZE users")
        yield cursor, list(tenants)
        cursor.execute("DELETE FROM tenants WHERE uuid = ANY(%s::uuid[])", (list(tenants),))
        cursor.execute("ANALYZE users")


@pytest.mark.parametrize(
    ("given", "index", "values"),
    [
        ({"limit": 50}, "users_tenant_uuid_lastname_id_idx", (50, 0)),
        ({"limit": 50, "search": "martin"}, "users_searched_idx", ("%martin%", 50, 0)),
    ],
    ids=["a page", "a search"],
)
def test_users_are_found_by_an_index(
    given: dict[str, Any], index: str, values: tuple[Any, ...], crowded: tuple[Any, list[str]]
) -> None:
    cursor, (tenant, _) = crowded
    plan = _plan(cursor, given, (tenant, *values))
    assert index in plan
    assert "Seq Scan on users" not in plan


def test_a_page_of_many_users_reads_no_more_than_its_users(crowded: tuple[Any, list[str]]) -> None:
    cursor, (_, large) = crowded
    plan = _plan(cursor, {"limit": 50, "offset": 100}, (large, 50, 100), "ANALYZE, TIMING OFF, BUFFERS OFF")
    read = [float(rows) for rows in re.findall(r"Scan .* on users.*\(actual rows=([0-9.]+)", plan)]
    assert read
    assert max(read) == 150
    # Neither is anything shown of those before the page.
    assert "loops=50)" in plan
    assert "loops=150)" not in plan


def test_no_plan_reads_a_whole_table_even_while_it_is_small(system: System) -> None:
    database = Database(system.db_uri, connections=1)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("CREATE TEMPORARY TABLE small (key text PRIMARY KEY) ON COMMIT DROP")
        connection.exec_driver_sql("ANALYZE small")
        plan = connection.exec_driver_sql("EXPLAIN SELECT FROM small WHERE key = 'x'").scalars().all()
    database.close()
    assert "small_pkey" in plan[0]


def _plan(cursor: Any, given: dict[str, Any], values: tuple[Any, ...], *options: str) -> str:
    """How PostgreSQL lists users."""
    assert dao.spec.listing is not None
    statement = dao.lists.statement(page(given, dao.spec.listing), "uuid")
    cursor.execute(f"PREPARE plan AS {statement.sql}".replace("%", "%%"), ())
    try:
        # As after a few calls, when PostgreSQL no longer looks at the values.
        cursor.execute("SET plan_cache_mode = force_generic_plan")
        marks = ", ".join(["%s"] * len(values))
        cursor.execute(f"EXPLAIN ({', '.join((*options, 'COSTS OFF'))}) EXECUTE plan({marks})", values)
        return "\n".join(row[0] for row in cursor.fetchall())
    finally:
        cursor.execute("DEALLOCATE plan")
