"""The total of a list that is not narrowed down is kept, not counted, and yet always exact."""

import random
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import psycopg2
import pytest

from confd_worker.conformance.system import System
from confd_worker.models.base import Base

_TABLES = sorted(each.class_.__tablename__ for each in Base.registry.mappers if getattr(each.class_, "tallied", False))
_USERS = "INSERT INTO users (uuid, firstname, caller_id, tenant_uuid) SELECT gen_random_uuid(), 'A', 'A', %s FROM {}"
_EXTENSIONS = "INSERT INTO extensions (exten, context, tenant_uuid) SELECT gen_random_uuid(), %s, %s FROM {}"
_KEPT = "SELECT coalesce(sum(number), 0) FROM tallies WHERE table_name = 'users' AND tenant_uuid = ANY(%s::uuid[])"
_COUNTED = "SELECT count(*) FROM users WHERE tenant_uuid = ANY(%s::uuid[])"
_STEPS, _WRITERS = 60, 6


@pytest.fixture
def tenants(system: System) -> Iterator[list[str]]:
    """Three tenants, each with a context of the tenant's name."""
    made = [str(uuid.uuid4()) for _ in range(3)]
    with system.database() as cursor:
        for tenant in made:
            cursor.execute("INSERT INTO tenants (uuid) VALUES (%s)", (tenant,))
            context = "INSERT INTO contexts (uuid, name, label, type, tenant_uuid) VALUES (%s, %s, 'c', 'internal', %s)"
            cursor.execute(context, (str(uuid.uuid4()), tenant, tenant))
        yield made
        cursor.execute("DELETE FROM tenants WHERE uuid = ANY(%s::uuid[])", (made,))


def _differences(cursor: Any) -> list[Any]:
    """Tallies, by table and tenant, that are not what there is."""
    counted = " UNION ALL ".join(f"SELECT '{table}' AS name, tenant_uuid FROM {table}" for table in _TABLES)
    cursor.execute(f"""
        SELECT name, tenant_uuid, counted, kept
        FROM (SELECT name, tenant_uuid, count(*) AS counted FROM ({counted}) AS item GROUP BY 1, 2) AS truth
        FULL JOIN (
            SELECT table_name AS name, tenant_uuid, sum(number) AS kept
            FROM tallies GROUP BY 1, 2 HAVING sum(number) <> 0
        ) AS tally USING (name, tenant_uuid)
        WHERE counted IS DISTINCT FROM kept
    """)
    return list(cursor.fetchall())


def _write(system: System, tenants: list[str], seed: int) -> None:
    """Add and remove rows of all tenants in any order, and take some of it back."""
    dice = random.Random(seed)
    connection = psycopg2.connect(system.db_uri)
    cursor = connection.cursor()
    for _ in range(_STEPS):
        for _ in range(dice.randint(1, 5)):
            tenant, rows = dice.choice(tenants), f"generate_series(1, {dice.choice((1, 1, 1, 20))})"
            kind = dice.random()
            if kind < 0.1:
                cursor.execute("SAVEPOINT here")
                cursor.execute(_USERS.format(rows), (tenant,))
                cursor.execute("ROLLBACK TO here")
            elif kind < 0.5:
                cursor.execute(_USERS.format(rows), (tenant,))
            elif kind < 0.8:
                cursor.execute(_EXTENSIONS.format(rows), (tenant, tenant))
            else:
                cursor.execute(
                    "DELETE FROM users WHERE id IN (SELECT id FROM users WHERE tenant_uuid = %s LIMIT 5"
                    " FOR UPDATE SKIP LOCKED)",
                    (tenant,),
                )
        connection.rollback() if dice.random() < 0.3 else connection.commit()
    connection.close()


def _watch(system: System, tenants: list[str], done: Event) -> int:
    """Compare, within one snapshot each time, what is kept with what there is, until `done`; how often."""
    connection = psycopg2.connect(system.db_uri)
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
    cursor, times = connection.cursor(), 0
    while not done.is_set() or not times:
        cursor.execute(f"SELECT ({_KEPT}), ({_COUNTED})", (tenants, tenants))
        kept, counted = cursor.fetchone()
        assert kept == counted
        connection.rollback()
        times += 1
    connection.close()
    return times


def test_a_total_is_exact_at_any_time_whatever_is_written_and_taken_back(system: System, tenants: list[str]) -> None:
    done = Event()
    with ThreadPoolExecutor(_WRITERS + 1) as threads:
        watching = threads.submit(_watch, system, tenants, done)
        try:
            # Raises when one of them was in a deadlock.
            list(threads.map(lambda seed: _write(system, tenants, seed), range(_WRITERS)))
        finally:
            done.set()
        assert watching.result()
    with system.database() as cursor:
        assert _differences(cursor) == []
        cursor.execute("SELECT count(*) FROM tallies WHERE tenant_uuid = ANY(%s::uuid[])", (tenants,))
        # Of more than a thousand statements: they are folded again and again.
        assert cursor.fetchone()[0] < 600


def test_writers_of_one_tenant_do_not_wait_for_each_other(system: System, tenants: list[str]) -> None:
    with psycopg2.connect(system.db_uri) as first, psycopg2.connect(system.db_uri) as second:
        for connection in (first, second, first, second):
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '2s'")
                for _ in range(200):
                    cursor.execute(_USERS.format("generate_series(1, 1)"), (tenants[0],))
    with system.database() as cursor:
        assert _differences(cursor) == []


def test_a_row_that_changes_its_tenant_is_counted_there(system: System, tenants: list[str]) -> None:
    with system.database() as cursor:
        cursor.execute(_USERS.format("generate_series(1, 3)"), (tenants[0],))
        cursor.execute("UPDATE users SET tenant_uuid = %s WHERE tenant_uuid = %s", (tenants[1], tenants[0]))
        cursor.execute(_KEPT, (tenants[1:2],))
        assert cursor.fetchone()[0] == 3
        assert _differences(cursor) == []


def test_a_tenant_that_goes_leaves_no_tally(system: System, tenants: list[str]) -> None:
    with system.database() as cursor:
        cursor.execute(_USERS.format("generate_series(1, 3)"), (tenants[0],))
        cursor.execute(_EXTENSIONS.format("generate_series(1, 2)"), (tenants[0], tenants[0]))
        cursor.execute("DELETE FROM tenants WHERE uuid = %s", (tenants[0],))
        cursor.execute("SELECT count(*) FROM tallies WHERE tenant_uuid = %s", (tenants[0],))
        assert cursor.fetchone()[0] == 0


@pytest.mark.parametrize("table", _TABLES)
def test_a_table_that_is_emptied_has_no_tally(table: str, system: System, tenants: list[str]) -> None:
    with system.database() as cursor:
        cursor.execute(_USERS.format("generate_series(1, 3)"), (tenants[0],))
        cursor.execute(f"BEGIN; TRUNCATE {table} CASCADE")
        cursor.execute("SELECT count(*) FROM tallies WHERE table_name = %s", (table,))
        assert cursor.fetchone()[0] == 0
        cursor.execute("ROLLBACK")


def test_rows_that_came_without_triggers_can_be_counted_anew(system: System, tenants: list[str]) -> None:
    with system.database() as cursor:
        cursor.execute("BEGIN; SET LOCAL session_replication_role = replica")
        cursor.execute(_USERS.format("generate_series(1, 3)"), (tenants[0],))
        cursor.execute("COMMIT; SELECT confd_tally_anew('users')")
        assert _differences(cursor) == []


def test_a_list_tells_the_total_of_all_tenants_that_it_shows(system: System, tenants: list[str]) -> None:
    with system.database() as cursor:
        for number, tenant in enumerate(tenants, 1):
            cursor.execute(_USERS.format(f"generate_series(1, {number})"), (tenant,))
    with system.client(tenants[0], visible_tenants=tenants[:2]) as client:
        for parameters, total in (({}, 1), ({"recurse": True}, 3), ({"recurse": True, "limit": 1}, 3)):
            assert client.call("users.list", **parameters)["total"] == total
    with system.client(tenants[2]) as client:
        assert client.call("users.list", firstname="nobody")["total"] == 0
        assert client.call("users.list", limit=1)["total"] == 3
