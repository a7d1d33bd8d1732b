"""What others do to the database, and what callers ask for in great numbers, stops nobody else."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice, product
from typing import Any

import psycopg2
import pytest

from confd_worker.client import Client, ClientError, RemoteError, Timeout
from confd_worker.conformance.system import System, until
from confd_worker.core.database.engine import Database
from confd_worker.core.database.list_cache import ListCache
from confd_worker.core.database.wire import Statement
from confd_worker.core.work import Work
from confd_worker.services.users.dao import dao as users

from .wire import Wire

Call = Callable[..., Any]

_WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()
"""


@contextmanager
def _locked(system: System, *tables: str) -> Iterator[None]:
    """A transaction that somebody has forgotten has locked the tables."""
    connection = psycopg2.connect(system.db_uri)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
        yield
    finally:
        connection.close()


@pytest.mark.parametrize("method", ["groups.list", "groups.create"])
def test_who_waits_for_a_lock_is_told_by_his_deadline_and_nobody_waits_longer(
    method: str, system: System, tenant: str
) -> None:
    with _locked(system, "groups"), system.client(tenant, timeout=3) as client, system.database() as cursor:
        body = {"body": {"label": "sales"}} if method == "groups.create" else {}
        begun = time.monotonic()
        with pytest.raises((RemoteError, Timeout)) as refusal:
            client.call(method, **body)
        assert time.monotonic() - begun < 4
        if isinstance(refusal.value, RemoteError):
            assert (refusal.value.status, refusal.value.type) in ((503, "unavailable"), (503, "deadline-exceeded"))
        until(lambda: _number(cursor, _WAITING) == 0, "nobody waits for the lock any more", 5)
    with system.client(tenant) as client:
        assert client.call("groups.list")["total"] == 0


def test_two_services_that_wait_leave_connections_to_a_third(system: System, tenant: str) -> None:
    over = threading.Event()
    done: list[str] = []

    def wait(method: str) -> None:
        with system.client(str(uuid.uuid4()), timeout=2) as client:
            while not over.is_set():
                try:
                    client.call(method, **({"body": {"host": tenant}} if method.endswith("create") else {}))
                except ClientError as error:
                    done.append(type(error).__name__)

    methods = ["access_features.create", "access_features.list", "asterisk_voicemail_zonemessages.get"]
    with _locked(system, "access_features", "voicemail_zonemessages"), system.database() as cursor:
        callers = [threading.Thread(target=wait, args=(method,)) for method in methods * 12]
        for caller in callers:
            caller.start()

        try:
            until(lambda: _number(cursor, _WAITING) >= 4, "calls wait for the locks")
            with system.client(tenant, timeout=10) as client:
                for _ in range(10):
                    client.call("users.create", body={"firstname": "Zoë"})
                    client.call("users.list", limit=1)
        finally:
            over.set()
            for caller in callers:
                caller.join()


def test_an_event_for_a_service_whose_places_are_taken_stops_no_other_service(system: System, tenant: str) -> None:
    def wait() -> None:
        with system.client(tenant, timeout=4) as client, suppress(ClientError):
            client.call("users.get", id=1)

    callers = [threading.Thread(target=wait) for _ in range(10)]
    with _locked(system, "users"), Wire(system.amqp_uri) as wire, system.client(tenant, timeout=2) as client:
        for caller in callers:
            caller.start()
        with system.database() as cursor:
            until(lambda: _number(cursor, _WAITING) >= 3, "calls wait for the lock")
        wire.publish_event("user_account_unneeded", {"uuid": str(uuid.uuid4())})
        for _ in range(5):
            assert client.call("access_features.list", limit=1)
        for caller in callers:
            caller.join()


def _number(cursor: Any, query: str) -> int:
    cursor.execute(query)
    return int(cursor.fetchone()[0])


def test_tables_that_change_under_a_worker_cost_no_call(system: System, call: Call, client: Client) -> None:
    made = [call("users.create", body={"firstname": "Zoë"})["id"] for _ in range(5)]

    def use() -> None:
        for number in range(40):
            id = made[number % len(made)]
            call("users.update", id=id, body={"call_permission_password": str(number)})
            call("users.get", id=id)
            call("users.list", limit=5, offset=number % 3)

    use()
    with system.database() as cursor:
        for kind in ("varchar(20)", "text", "varchar(16)"):
            cursor.execute(f"ALTER TABLE users ALTER COLUMN call_permission_password TYPE {kind}")
            use()


def test_records_of_calls_are_kept_as_long_as_a_repeat_may_come_and_no_longer(system: System, client: Client) -> None:
    with system.database() as cursor:
        cursor.execute("""
            INSERT INTO calls (key, fingerprint, reply, expires_at)
            SELECT 'old ' || number, '', '', now() - interval '1 second' FROM generate_series(1, 30000) AS number
        """)
        client.using(idempotency_key=client.call("users.create", body={"firstname": "Zoë"})["uuid"]).call(
            "users.create", body={"firstname": "Zoë"}
        )
        until(lambda: not _number(cursor, "SELECT count(*) FROM calls WHERE key LIKE 'old %'"), "old ones are gone", 30)
        cursor.execute("SELECT round(extract(epoch FROM expires_at - created_at)) FROM calls ORDER BY created_at DESC")
        assert [int(row[0]) for row in cursor.fetchmany(2)] == [86_400, 3600]


def test_lists_of_any_shape_keep_no_more_than_so_many_plans(work: Callable[[], Work], database: Database) -> None:
    names = [name for name in users.spec.listing.order if name not in ("id", "uuid")]  # type: ignore[union-attr]
    shapes = product(users.spec.listing.filter, names, ("asc", "desc"))  # type: ignore[union-attr]
    for column, order, direction in islice(shapes, 230):
        for _ in range(5):
            users.list(work(), {column: "1", "order": order, "direction": direction})
    assert len(users.lists._statements) <= 200
    [(prepared,)] = database.read(Statement("SELECT count(*) FROM pg_prepared_statements"), ())
    assert prepared <= 400


def test_lists_that_are_kept_have_a_number_and_a_size() -> None:
    cache, statement = ListCache(), Statement("SELECT 1")
    for number in range(12_000):
        cache.show(statement, (f"tenant {number}",), lambda *_: [(b"1:2:", b'{"total":0,"items":[]}')])
    assert len(cache._shown) == 10_000
    for number in range(100):
        cache.show(statement, (number,), lambda *_: [(b"1:2:", b"x" * 600_000)])
    assert len(cache._shown) < 40
