"""What holds in rare moments: a new connection to the database, a deadline at the commit, two deliveries at once."""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from confd_worker.config import Settings
from confd_worker.conformance.system import System, until
from confd_worker.core import errors
from confd_worker.core.context import Context
from confd_worker.core.database.engine import Database
from confd_worker.core.database.wire import Statement
from confd_worker.core.work import Facts, Work

PID = Statement("SELECT pg_backend_pid()")
_INSERT = text("INSERT INTO tenants (uuid) VALUES (:uuid) ON CONFLICT DO NOTHING")
TENANT = "SELECT count(*) FROM tenants WHERE uuid = %s"


@pytest.fixture
def own_database(system: System) -> Iterator[Database]:
    database = Database(system.db_uri, 4)
    yield database
    database.close()


@pytest.fixture
def reconnect(own_database: Database, system: System) -> Callable[[], None]:
    """Ends the connection that reads go through, as a server does that starts again, and reads anew."""

    def reconnect() -> None:
        [[lost]] = own_database.read(PID, ())
        with system.database() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", (lost,))

            def ended() -> bool:
                cursor.execute("SELECT FROM pg_stat_activity WHERE pid = %s", (lost,))
                return not cursor.rowcount

            until(ended, "the connection is ended")
        [[found]] = own_database.read(PID, ())
        assert found != lost

    return reconnect


def test_ids_at_hand_are_forgotten_with_the_connection(own_database: Database, reconnect: Callable[[], None]) -> None:
    own_database.read(PID, ())
    first = iter(range(1000))
    second = iter(range(1000, 2000))
    assert own_database.ids.take("users", lambda number: [next(first) for _ in range(number)]) == 0
    assert own_database.ids.take("users", lambda number: [next(second) for _ in range(number)]) == 1
    reconnect()
    assert own_database.ids.take("users", lambda number: [next(second) for _ in range(number)]) == 1000


def test_lists_that_were_shown_are_forgotten_with_the_connection(
    own_database: Database, reconnect: Callable[[], None]
) -> None:
    asked: list[Any] = []

    def read(statement: Statement, values: Any) -> list[Any]:
        """The list as it is where the caller knows it by no snapshot, or by another one."""
        asked.append(values[-1])
        return [(b"1:1:", None if values[-1] == "1:1:" else b"[]")]

    own_database.read(PID, ())
    for _ in range(2):
        assert own_database.lists.show(PID, (), read) == b"[]"
    reconnect()
    assert own_database.lists.show(PID, (), read) == b"[]"
    assert asked == [None, "1:1:", None]


@pytest.fixture
def made(own_database: Database, system: System) -> Callable[[Context], Work]:
    """Makes the unit of work of a call that tells all the same calls apart by nothing but their context."""
    facts = Facts(Settings(db_uri=system.db_uri, amqp_uri=system.amqp_uri), "", lambda: None)

    def made(context: Context) -> Work:
        work = Work(own_database, context, facts)
        work.called("tenants", "make", (), {})
        return work

    return made


def _count(system: System, tenant: str) -> int:
    with system.database() as cursor:
        cursor.execute(TENANT, (tenant,))
        return int(cursor.fetchone()[0])


def test_a_change_that_is_ready_after_its_deadline_is_not_committed(
    made: Callable[[Context], Work], system: System
) -> None:
    tenant = str(uuid.uuid4())
    context = Context(tenant_uuid=tenant, visible=(tenant,), key=str(uuid.uuid4()), deadline=time.time() + 1)
    work = made(context)
    written = []

    def change() -> None:
        work.session.execute(_INSERT, {"uuid": tenant})
        written.append(_count(system, tenant))
        until(lambda: context.overdue, "nobody waits any more")

    with pytest.raises(errors.Overdue):
        work.once(change)
    assert written == [0]
    assert _count(system, tenant) == 0


def test_a_call_that_is_refused_for_what_its_other_delivery_did_gets_the_reply_of_that(
    made: Callable[[Context], Work], tenant: str
) -> None:
    context = Context(tenant_uuid=tenant, visible=(tenant,), key=str(uuid.uuid4()))
    one, other = made(context), made(context)

    def refused() -> None:
        one.once(lambda: {"made": 1})
        raise errors.Conflict("somebody has the name")

    assert orjson.loads(orjson.dumps(other.once(refused))) == {"made": 1}


def test_a_call_that_is_refused_for_what_another_call_did_is_refused(
    made: Callable[[Context], Work], tenant: str
) -> None:
    one, other = (made(Context(tenant_uuid=tenant, visible=(tenant,), key=str(uuid.uuid4()))) for _ in range(2))

    def refused() -> None:
        one.once(lambda: {"made": 1})
        raise errors.Conflict("somebody has the name")

    with pytest.raises(errors.Conflict, match="somebody has the name"):
        other.once(refused)
