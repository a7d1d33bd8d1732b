"""What a change writes: the same rows as SQLAlchemy's own flush would, in few round trips."""

import re
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from confd_worker.client import Client
from confd_worker.conformance.system import System
from confd_worker.core.database.engine import Database
from confd_worker.core.database.id_blocks import IdBlocks
from confd_worker.core.database.session import ChangeSession
from confd_worker.core.database.wire import Wire
from confd_worker.core.plugin.service import Service
from confd_worker.core.work import Work
from confd_worker.models.base import Base
from confd_worker.models.call_features.voicemail import Voicemail
from confd_worker.models.dialplan.call_permission import CallPermission
from confd_worker.models.dialplan.context import Context as ContextModel
from confd_worker.models.dialplan.extension import Extension
from confd_worker.models.lines.endpoint_sip import EndpointSIP, EndpointSIPTemplate
from confd_worker.models.lines.line import Line, UserLine
from confd_worker.models.system.tenant import Tenant
from confd_worker.models.users.user import User
from confd_worker.services.dialplan.ivr import IVRs
from confd_worker.services.users.user_lines import UserLines
from confd_worker.services.users.users import Users

Change = Callable[[Any, "Things"], None]


class Things:
    """Items of a tenant of its own, not added to a session yet."""

    def __init__(self) -> None:
        self.tenant = uuid.uuid4()
        self.name = f"c{self.tenant.hex[:12]}"
        self.number = 0

    def user(self, **fields: Any) -> User:
        return User(firstname="Zoë", caller_id='"Zoë"', tenant_uuid=self.tenant, **fields)

    def line(self, **fields: Any) -> Line:
        self.number += 1
        code = f"{self.number}{self.tenant.hex[:5]}"
        return Line(context=self.name, provisioning_code=code, tenant_uuid=self.tenant, **fields)

    def endpoint(self, name: str, **fields: Any) -> EndpointSIP:
        return EndpointSIP(name=f"{name}-{self.name}", tenant_uuid=self.tenant, **fields)

    def extension(self, exten: str) -> Extension:
        return Extension(exten=exten, context=self.name, tenant_uuid=self.tenant)

    def voicemail(self) -> Voicemail:
        return Voicemail(name="Zoë", number="1000", context=self.name, tenant_uuid=self.tenant)


def _defaults(session: Any, things: Things) -> None:
    session.add(things.user(description="100 % of $1, \\ and '"))


def _some_columns(session: Any, things: Things) -> None:
    user = things.user()
    session.add(user)
    session.flush()
    user.lastname, user.ring_seconds, user.dnd_enabled = "Nguyễn", 5, True
    session.flush()
    user.lastname, user.ring_seconds = None, 5


def _documents(session: Any, things: Things) -> None:
    endpoint = things.endpoint("a", auth_section_options=[["username", 'ü"']])
    session.add(endpoint)
    session.flush()
    endpoint.auth_section_options = [*endpoint.auth_section_options, ["password", "%s"]]


def _new_things_that_refer_to_each_other(session: Any, things: Things) -> None:
    user, line = things.user(voicemail=things.voicemail()), things.line(endpoint_sip=things.endpoint("a"))
    session.add(UserLine(user=user, line=line, main_line=True, main_user=True))


def _old_things_joined(session: Any, things: Things) -> None:
    user, line, extension, voicemail = things.user(), things.line(), things.extension("1000"), things.voicemail()
    session.add_all([user, line, extension, voicemail])
    session.flush()
    user.user_lines.append(UserLine(line_id=line.id, main_line=True, main_user=True))
    line.extensions.append(extension)
    user.voicemail = voicemail
    session.flush()
    user.voicemail = None


def _owned_rows(session: Any, things: Things) -> None:
    template, endpoint = things.endpoint("t", template=True), things.endpoint("a")
    session.add(template)
    session.flush()
    endpoint.template_links = [EndpointSIPTemplate(parent_uuid=template.uuid, position=0)]
    session.add(endpoint)
    session.flush()
    endpoint.template_links = []


def _left_and_deleted(session: Any, things: Things) -> None:
    line, extension, user = things.line(), things.extension("1000"), things.user()
    line.extensions.append(extension)
    permission = CallPermission(name="p", tenant_uuid=things.tenant)
    user.call_permissions.append(permission)
    session.add_all([line, user])
    session.flush()
    line.extensions.remove(extension)
    user.call_permissions.remove(permission)
    session.delete(extension)


CHANGES: dict[str, Change] = {
    "defaults": _defaults,
    "some columns": _some_columns,
    "documents": _documents,
    "new things that refer to each other": _new_things_that_refer_to_each_other,
    "old things joined": _old_things_joined,
    "rows that an item owns": _owned_rows,
    "what has left a list and what is deleted": _left_and_deleted,
}

_LEFT = """
    SELECT json_build_object(
        'users', (
            SELECT json_agg(to_jsonb(users) - '{id,uuid,created_at,voicemail_id}'::text[] || jsonb_build_object(
                'voicemail', (SELECT number FROM voicemails WHERE id = voicemail_id),
                'lines', (
                    SELECT json_agg(json_build_array(main_line, main_user, lines.context, endpoint_sip.name))
                    FROM user_lines JOIN lines ON lines.id = line_id
                    LEFT JOIN endpoint_sip ON endpoint_sip.uuid = endpoint_sip_uuid
                    WHERE user_id = users.id
                ),
                'permissions', (SELECT count(*) FROM user_call_permissions WHERE user_id = users.id)
            ))
            FROM users WHERE tenant_uuid = :tenant
        ),
        'lines', (
            SELECT json_agg(to_jsonb(lines) - '{id,provisioning_code,endpoint_sip_uuid}'::text[] || jsonb_build_object(
                'extensions', (
                    SELECT json_agg(exten) FROM line_extensions JOIN extensions ON extensions.id = extension_id
                    WHERE line_id = lines.id
                )
            ))
            FROM lines WHERE tenant_uuid = :tenant
        ),
        'endpoints', (
            SELECT json_agg(to_jsonb(endpoint_sip) - 'uuid' || jsonb_build_object(
                'templates', (
                    SELECT json_agg(json_build_array(parent.name, position))
                    FROM endpoint_sip_templates JOIN endpoint_sip parent ON parent.uuid = parent_uuid
                    WHERE child_uuid = endpoint_sip.uuid
                )
            ) ORDER BY name)
            FROM endpoint_sip WHERE tenant_uuid = :tenant
        ),
        'extensions', (
            SELECT json_agg(to_jsonb(extensions) - 'id') FROM extensions WHERE tenant_uuid = :tenant
        ),
        'voicemails', (
            SELECT json_agg(to_jsonb(voicemails) - 'id') FROM voicemails WHERE tenant_uuid = :tenant
        ),
        'permissions', (SELECT count(*) FROM call_permissions WHERE tenant_uuid = :tenant)
    )::text
"""


def _left(session: Session, change: Change) -> str:
    """What the change leaves of a tenant; nothing of it stays."""
    things = Things()
    session.add(Tenant(uuid=things.tenant))
    session.flush()
    session.add(ContextModel(name=things.name, label="x", type="internal", tenant_uuid=things.tenant))
    session.flush()
    change(session, things)
    session.flush()
    left = session.scalar(text(_LEFT), {"tenant": things.tenant})
    session.rollback()
    return left.replace(things.name, "NAME").replace(str(things.tenant), "TENANT")


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "together"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_leaves_the_rows_that_the_unit_of_work_of_sqlalchemy_would(
    change: Change, together: bool, database: Database
) -> None:
    with Session(database.engine) as usual, ChangeSession(database.engine, None, IdBlocks()) as session:
        session.together = together
        assert _left(session, change) == _left(usual, change)


def test_a_commit_sends_what_still_waits(database: Database) -> None:
    things = Things()
    with ChangeSession(database.engine, None, IdBlocks()) as session:
        session.together = True
        session.add(Tenant(uuid=things.tenant))
        session.commit()
    with ChangeSession(database.engine, None, IdBlocks()) as session:
        assert session.get(Tenant, things.tenant) is not None


def _defaults_known_twice() -> list[Any]:
    columns = [column for table in Base.metadata.sorted_tables for column in table.columns]
    return [each for each in columns if each.server_default is not None and each.default is not None]


@pytest.mark.parametrize("column", [each for each in _defaults_known_twice() if each.default.is_scalar], ids=str)
def test_what_an_insert_leaves_out_the_database_gives(column: Any, system: System) -> None:
    with system.database() as cursor:
        cursor.execute(
            "SELECT column_default FROM information_schema.columns WHERE table_name = %s AND column_name = %s",
            (column.table.name, column.name),
        )
        cursor.execute(f"SELECT {cursor.fetchone()[0]}")
        assert cursor.fetchone() == (column.default.arg,)


def test_what_is_settled_is_written_before_a_statement_names_its_table(database: Database) -> None:
    things = Things()
    with ChangeSession(database.engine, None, IdBlocks()) as session:
        session.together = True
        session.add(Tenant(uuid=things.tenant))
        user = things.user()
        session.place(user)
        session.settle()
        user.lastname = "Nguyễn"
        session.settle()
        assert session.run("SELECT 1 FROM contexts WHERE false", ()) == []
        assert user in session.new
        assert session.run("SELECT lastname FROM users WHERE id = $1", [user.id]) == [("Nguyễn",)]
        session.rollback()


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The statements of each round trip to the database that a change of this process makes."""
    trips: list[list[str]] = []
    execute = Wire._execute

    def counted(wire: Wire, cursor: Any, statements: Any, *args: Any, **kwargs: Any) -> None:
        trips.append([statement.sql for statement, _ in statements])
        execute(wire, cursor, statements, *args, **kwargs)

    monkeypatch.setattr(Wire, "_execute", counted)
    return trips


def _service(kind: type[Service], work: Work) -> Any:
    service = kind()
    service.work = work
    return service


def _made(reply: Any) -> Any:
    return orjson.loads(orjson.dumps(reply))


WHOLE = {
    "firstname": "Zoë",
    "lines": [
        {"context": "{context}", "endpoint_sip": {}, "extensions": [{"exten": "{exten}", "context": "{context}"}]}
    ],
    "voicemail": {"name": "Zoë", "number": "{exten}", "context": "{context}"},
}


def _whole(context: str, exten: int) -> Any:
    return orjson.loads(orjson.dumps(WHOLE).replace(b"{context}", context.encode()).replace(b"{exten}", b"%d" % exten))


def test_changes_take_few_round_trips(
    trips: list[list[str]], work: Callable[[], Work], call: Callable[..., Any], context: str
) -> None:
    times = range(3)
    users = [call("users.create", body={"firstname": "Zoë"})["id"] for _ in times]
    lines = [call("lines.create", body={"context": context, "endpoint_sip": {}})["id"] for _ in times]
    changes: dict[str, Callable[[int], Any]] = {
        "users.create": lambda _: _service(Users, work()).create({"firstname": "Zoë"}),
        "users.create nested": lambda time: _service(Users, work()).create(_whole(context, 1000 + time)),
        "users.update": lambda time: _service(Users, work()).update(users[time], {"lastname": "Nguyễn"}),
        "user_lines.associate": lambda time: _service(UserLines, work()).associate(users[time], lines[time]),
    }

    def taken(change: Callable[[int], Any], time: int) -> int:
        trips.clear()
        change(time)
        return len(trips)

    # Now and then one takes more, to have ids at hand.
    assert {name: min(taken(change, time) for time in times) for name, change in changes.items()} == {
        "users.create": 1,
        "users.create nested": 2,
        "users.update": 3,
        "user_lines.associate": 3,
    }


def test_what_is_made_and_joined_is_written_once(
    trips: list[list[str]], work: Callable[[], Work], call: Callable[..., Any], context: str
) -> None:
    user = _made(_service(Users, work()).create(_whole(context, 1000)))
    written = Counter(
        word.group() for trip in trips for sql in trip if (word := re.match(r"(INSERT INTO|UPDATE) (\w+)", sql.strip()))
    )
    tables = ("users", "lines", "endpoint_sip", "extensions", "voicemails", "user_lines", "line_extensions")
    assert {name: number for name, number in written.items() if name.split()[-1] in tables} == {
        f"INSERT INTO {table}": 1 for table in tables
    }
    assert call("users.get", id=user["id"])["lines"][0]["extensions"][0]["exten"] == "1000"


def test_a_created_item_is_shown_as_it_is_read_then(call: Callable[..., Any], client: Client) -> None:
    keyed = client.using(idempotency_key=str(uuid.uuid4()))
    body = {"firstname": "Zoë", "lastname": "Nguyễn", "description": 'a "b" \\ c'}
    made = [keyed.call("users.create", body=body) for _ in range(2)]
    assert made[0] == made[1] == call("users.get", id=made[0]["id"])


def test_an_import_takes_hardly_more_round_trips_for_more_rows(
    trips: list[list[str]], work: Callable[[], Work], tenant: str
) -> None:
    def trips_of(first: int, rows: int) -> int:
        extens = range(first, first + rows)
        trips.clear()
        csv = "firstname,email\n" + "".join(f"Zoë,{exten}@{tenant}.example\n" for exten in extens)
        assert len(_made(_service(Users, work()).import_(csv))["created"]) == rows
        return len(trips)

    trips_of(1, 1)
    # Each gives ids for many rows.
    assert trips_of(100, 64) - trips_of(10, 1) <= 2


def test_destinations_are_looked_up_together(
    trips: list[list[str]], work: Callable[[], Work], call: Callable[..., Any]
) -> None:
    users = [call("users.create", body={"firstname": "Zoë"})["id"] for _ in range(20)]

    def trips_of(number: int) -> int:
        choices = [{"exten": str(user), "destination": {"type": "user", "user_id": user}} for user in users[:number]]
        trips.clear()
        _service(IVRs, work()).create({"name": "menu", "menu_sound": "menu", "choices": choices})
        return len(trips)

    # Now and then one takes more, to have ids at hand.
    assert min(trips_of(20) for _ in range(3)) == min(trips_of(2) for _ in range(3))
