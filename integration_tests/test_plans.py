"""Lists and searches find their rows by an index, however many there are of other tenants."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from confd_worker.core.listing import page
from confd_worker.services.users.dao import dao

from .system import System

_USERS = """
    INSERT INTO users (uuid, firstname, lastname, caller_id, tenant_uuid)
    SELECT gen_random_uuid(), 'A' || md5(number::text), 'B' || md5((number * 7)::text), '"x"', %s
    FROM generate_series(1, %s) AS number
"""


@pytest.fixture(scope="module")
def crowded(system: System) -> Iterator[tuple[Any, str]]:
    """A cursor on a database with 500 users of a tenant and 20,000 of another one, and the tenant."""
    tenants = {str(uuid.uuid4()): 500, str(uuid.uuid4()): 20_000}
    with system.database() as cursor:
        for tenant, users in tenants.items():
            cursor.execute("INSERT INTO tenants (uuid) VALUES (%s)", (tenant,))
            cursor.execute(_USERS, (tenant, users))
        cursor.execute("ANALYZE users")
        yield cursor, next(iter(tenants))
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
    given: dict[str, Any], index: str, values: tuple[Any, ...], crowded: tuple[Any, str]
) -> None:
    cursor, tenant = crowded
    assert dao.spec.listing is not None
    statement = dao._list_statement(page(given, dao.spec.listing), "uuid", None)
    cursor.execute(f"PREPARE plan AS {statement.sql}".replace("%", "%%"), ())
    try:
        # As after a few calls, when PostgreSQL no longer looks at the values.
        cursor.execute("SET plan_cache_mode = force_generic_plan")
        marks = ", ".join(["%s"] * (len(values) + 1))
        cursor.execute(f"EXPLAIN EXECUTE plan({marks})", (tenant, *values))
        plan = "\n".join(row[0] for row in cursor.fetchall())
    finally:
        cursor.execute("DEALLOCATE plan")
    assert index in plan
    assert "Seq Scan on users" not in plan
