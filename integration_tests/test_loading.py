"""What a change loads: items with their relationships, as the one who changed them last has left them."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from confd_worker.conformance.system import System, until
from confd_worker.core.context import Context
from confd_worker.core.database.engine import Database
from confd_worker.core.database.id_blocks import IdBlocks
from confd_worker.core.database.session import ChangeSession
from confd_worker.core.errors import NotFound
from confd_worker.models.lines.line import Line
from confd_worker.services.lines.dao import dao as lines

Call = Callable[..., Any]


class _Change:
    """A work that is in a transaction of its own, as the generic parts see it."""

    def __init__(self, session: ChangeSession, tenant: str) -> None:
        self.session = session
        self.context = Context(tenant_uuid=tenant, visible=(tenant,))

    def line(self, id: int) -> Any:
        return lines.get(self, id, Line.extensions, Line.user_lines)  # type: ignore[arg-type]


def _seen(line: Any) -> dict[str, Any]:
    return {
        "endpoint": line.endpoint and line.endpoint.name,
        "extensions": [extension.exten for extension in line.extensions],
        "users": [link.user_id for link in line.user_lines],
    }


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "together"])
@pytest.mark.parametrize(("extens", "users"), [([], 0), (["1000"], 0), ([], 2), (["1000"], 1), (["1000"], 3)])
def test_lists_of_whatever_length_are_loaded_whole(
    extens: list[str], users: int, together: bool, call: Call, tenant: str, context: str, database: Database
) -> None:
    body = {"context": context, "endpoint_sip": {"name": tenant}, "extensions": [{"exten": each} for each in extens]}
    line = call("lines.create", body=body)["id"]
    ids = [call("users.create", body={"firstname": "Zoë"})["id"] for _ in range(users)]
    for user in ids:
        call("user_lines.associate", user_id=user, line_id=line)
    with ChangeSession(database.engine, (tenant,), IdBlocks()) as session:
        session.together = together
        found = _seen(_Change(session, tenant).line(line))
    assert found | {"users": sorted(found["users"])} == {"endpoint": tenant, "extensions": extens, "users": ids}


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "together"])
def test_who_waited_for_an_item_sees_what_was_joined_to_it_meanwhile(
    together: bool, call: Call, tenant: str, context: str, database: Database, system: System
) -> None:
    line = call("lines.create", body={"context": context})["id"]
    endpoint = call("endpoints_sip.create", body={"name": tenant})["uuid"]
    extension = call("extensions.create", body={"exten": "1000", "context": context})["id"]

    def load() -> dict[str, Any]:
        with ChangeSession(database.engine, (tenant,), IdBlocks()) as session:
            session.together = together
            return _seen(_Change(session, tenant).line(line))

    with ThreadPoolExecutor() as pool, system.database() as first, system.database() as watching:
        first.execute("BEGIN; SELECT FROM lines WHERE id = %s FOR UPDATE", (line,))
        waiting = pool.submit(load)

        def waits() -> bool:
            watching.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            return bool(watching.fetchone()[0])

        try:
            until(waits, "the other one waits for the line")
            first.execute("UPDATE lines SET endpoint_sip_uuid = %s WHERE id = %s", (endpoint, line))
            first.execute("INSERT INTO line_extensions (line_id, extension_id) VALUES (%s, %s)", (line, extension))
        finally:
            first.execute("COMMIT")
        assert waiting.result() == {"endpoint": tenant, "extensions": ["1000"], "users": []}


def test_an_item_of_another_tenant_is_not_found(call: Call, tenant: str, context: str, database: Database) -> None:
    line = call("lines.create", body={"context": context})["id"]
    with ChangeSession(database.engine, (), IdBlocks()) as session:
        other = _Change(session, str(uuid.uuid4()))
        with pytest.raises(NotFound):
            other.line(line)
