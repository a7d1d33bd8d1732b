"""What a change writes: the same rows as SQLAlchemy's own flush would, in few round trips."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from confd_worker.config import Settings
from confd_worker.core.context import Context
from confd_worker.core.database import Database
from confd_worker.core.statements import Wire
from confd_worker.core.stock import Stock
from confd_worker.core.work import Facts, Work
from confd_worker.core.writing import ChangeSession
from confd_worker.models import CallPermission, EndpointSIP, Extension, Line, Tenant, User, UserLine, Voicemail
from confd_worker.models import Context as ContextModel
from confd_worker.models.endpoint_sip import EndpointSIPTemplate
from confd_worker.services.users.service import Users

from .system import System

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


@pytest.fixture(scope="module")
def database(system: System) -> Iterator[Database]:
    database = Database(system.db_uri, connections=2)
    yield database
    database.close()


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
    with Session(database.engine) as usual, ChangeSession(database.engine, None, Stock()) as session:
        session.together = together
        assert _left(session, change) == _left(usual, change)


def test_a_commit_sends_what_still_waits(database: Database) -> None:
    things = Things()
    with ChangeSession(database.engine, None, Stock()) as session:
        session.together = True
        session.add(Tenant(uuid=things.tenant))
        session.commit()
    with ChangeSession(database.engine, None, Stock()) as session:
        assert session.get(Tenant, things.tenant) is not None


def test_an_import_takes_hardly_more_round_trips_for_more_rows(
    database: Database, system: System, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trips: list[int] = []
    execute = Wire._execute
    monkeypatch.setattr(Wire, "_execute", lambda *args, **kwargs: (trips.append(1), execute(*args, **kwargs))[1])
    facts = Facts(Settings(db_uri=system.db_uri, amqp_uri=system.amqp_uri), "", lambda: None)

    def trips_of(first: int, rows: int) -> int:
        service = Users()
        service.work = Work(database, Context(tenant_uuid=tenant, visible=(tenant,), key=f"key {first}"), facts)
        extens = range(first, first + rows)
        trips.clear()
        made = service.import_("firstname,email\n" + "".join(f"Zoë,{exten}@{tenant}.example\n" for exten in extens))
        assert len(orjson.loads(orjson.dumps(made))["created"]) == rows
        return len(trips)

    trips_of(1, 1)
    # Each gives ids for many rows.
    assert trips_of(100, 64) - trips_of(10, 1) <= 2
