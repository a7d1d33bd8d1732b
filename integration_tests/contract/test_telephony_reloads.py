"""What asterisk is asked to reload after each change of users, lines, endpoints, extensions, voicemails, contexts."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from confd_worker.client import Client, RemoteError
from confd_worker.conformance.system import System

from .world import World

DIALPLAN, PJSIP = "dialplan reload", "module reload res_pjsip.so"
SCCP, QUEUE, VOICEMAIL = "module reload chan_sccp.so", "module reload app_queue.so", "voicemail reload"
USER = {DIALPLAN, SCCP, QUEUE, PJSIP}
LINE = {PJSIP, DIALPLAN, SCCP}


@pytest.fixture(scope="module")
def asking(system: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A worker whose system daemon cannot be reached, so that what it is to be told stays in its table."""
    settings = {"CONFD_SYSCONFD_URL": "http://127.0.0.1:9"}
    asking = System(tmp_path_factory.mktemp("asking"), system.db_uri, system.amqp_uri, settings)
    system.stop("worker")
    try:
        asking.start_worker()
        yield asking
    finally:
        asking.close()
        with system.database() as cursor:
            cursor.execute("DELETE FROM sysconfd_requests")
        system.start_worker()


@pytest.fixture
def client(asking: System, tenant: str) -> Iterator[Client]:
    with asking.client(tenant) as client:
        yield client


Asked = Callable[..., set[Any]]


@pytest.fixture
def asked(world: World, asking: System) -> Iterator[Asked]:
    """Call a method and get the reloads, and other requests, that it asks for."""
    with asking.database() as cursor:

        def asked(method: str, **arguments: Any) -> set[Any]:
            cursor.execute("SELECT coalesce(max(id), 0) FROM sysconfd_requests")
            [before] = cursor.fetchone()
            world.call(method, **arguments)
            cursor.execute(
                "SELECT command, method, path, parameters FROM sysconfd_requests WHERE id > %s ORDER BY id", (before,)
            )
            rows = cursor.fetchall()
            found = [row[0] or (*row[1:3], *sorted(row[3].items())) for row in rows]
            assert len(set(found)) == len(found)
            return set(found)

        yield asked


def test_users(world: World, asked: Asked) -> None:
    assert asked("users.create", body={"firstname": "x"}) == USER
    user = world.user()["id"]
    assert asked("users.update", id=user, body={}) == USER
    assert asked("user_forwards.update", user_id=user, body={}) == set()
    assert asked("user_services.update", user_id=user, body={"dnd": {"enabled": True}}) == set()
    assert asked("users.delete", id=user) == USER


def test_lines(world: World, asked: Asked) -> None:
    context = world.context["name"]
    assert asked("lines.create", body={"context": context}) == LINE
    line = world.line(caller_id_name="A")
    assert asked("lines.update", id=line["id"], body={}) == set()
    assert asked("lines.update", id=line["id"], body={"position": 1, "caller_id_name": "A"}) == set()
    assert asked("lines.update", id=line["id"], body={"position": 2}) == LINE
    assert asked("lines.update", id=line["id"], body={"caller_id_name": "B"}) == LINE
    assert asked("lines.delete", id=line["id"]) == LINE


@pytest.mark.parametrize("kind", ["endpoints_sip", "endpoints_sip_templates"])
def test_endpoints(kind: str, world: World, asked: Asked) -> None:
    assert asked(f"{kind}.create", body={}) == set()
    endpoint = world.call(f"{kind}.create", body={})["uuid"]
    assert asked(f"{kind}.update", uuid=endpoint, body={}) == {PJSIP, DIALPLAN}
    assert asked(f"{kind}.delete", uuid=endpoint) == {PJSIP, DIALPLAN}


def test_extensions(world: World, asked: Asked) -> None:
    assert asked("extensions.create", body={"exten": "1001", "context": world.context["name"]}) == {DIALPLAN}
    extension = world.extension("1000")["id"]
    assert asked("extensions.update", id=extension, body={}) == set()
    assert asked("extensions.update", id=extension, body={"exten": "1000", "enabled": True}) == set()
    assert asked("extensions.update", id=extension, body={"exten": "1002"}) == USER
    assert asked("extensions.delete", id=extension) == {DIALPLAN}


def test_voicemails(world: World, asked: Asked) -> None:
    context = world.context["name"]
    body = {"name": "x", "number": "1000", "context": context}
    assert asked("voicemails.create", body=body) == {VOICEMAIL}
    voicemail = world.voicemail("1001")["id"]
    edited = {VOICEMAIL, PJSIP, SCCP}
    assert asked("voicemails.update", id=voicemail, body={"name": "y"}) == edited
    moved = (
        "GET", "/move_voicemail", ("new_context", context), ("new_mailbox", "1002"), ("old_context", context),
        ("old_mailbox", "1001"),
    )  # fmt: skip
    assert asked("voicemails.update", id=voicemail, body={"number": "1002"}) == {*edited, moved}
    deleted = ("GET", "/delete_voicemail", ("context", context), ("mailbox", "1002"))
    assert asked("voicemails.delete", id=voicemail) == {VOICEMAIL, deleted}


def test_contexts(world: World, asked: Asked) -> None:
    assert asked("contexts.create", body={"label": "x"}) == {DIALPLAN}
    context = world.context["id"]
    assert asked("contexts.update", id=context, body={}) == {DIALPLAN}
    assert asked("context_contexts.replace", context_id=context, body={"contexts": []}) == {DIALPLAN}
    assert asked("contexts.delete", id=context) == {DIALPLAN}


def test_associations(world: World, asked: Asked) -> None:
    user, line, bare, endpoint = world.user(), world.line(), world.bare_line(), world.endpoint()
    extension, voicemail = world.extension(), world.voicemail()
    for name, ids, reloads in (
        ("user_lines", {"user_id": user["id"], "line_id": line["id"]}, {DIALPLAN, PJSIP}),
        ("line_extensions", {"line_id": line["id"], "extension_id": extension["id"]}, {DIALPLAN, PJSIP, QUEUE}),
        ("line_endpoints_sip", {"line_id": bare["id"], "endpoint_uuid": endpoint["uuid"]}, {PJSIP}),
        ("user_voicemails", {"user_id": user["id"], "voicemail_id": voicemail["id"]}, {PJSIP, SCCP}),
    ):
        assert asked(f"{name}.associate", **ids) == reloads
        assert asked(f"{name}.associate", **ids) == set()
        parted = {"user_id": user["id"]} if name == "user_voicemails" else ids
        assert asked(f"{name}.dissociate", **parted) == reloads
        assert asked(f"{name}.dissociate", **parted) == set()
    lines = {"lines": [{"id": line["id"]}]}
    assert asked("user_lines.replace", user_id=user["id"], body=lines) == {DIALPLAN, PJSIP}


def test_what_fails_asks_for_nothing_and_an_import_for_each_thing_once(
    world: World, asked: Asked, asking: System
) -> None:
    rows = "firstname,voicemail_name,voicemail_number,voicemail_context,voicemail_delete_messages,"
    rows += "voicemail_ask_password\n"
    rows += "".join(f"A,x,{number},{world.context['name']},0,1\n" for number in (1000, 1001))
    assert asked("users.import", body=rows) == {*USER, VOICEMAIL}
    with asking.database() as cursor:
        cursor.execute("SELECT max(id) FROM sysconfd_requests")
        before = cursor.fetchone()
        with pytest.raises(RemoteError, match="1 rows were refused"):
            world.call("users.import", body=f"{rows}{',' * 5}\n")
        cursor.execute("SELECT max(id) FROM sysconfd_requests")
        assert cursor.fetchone() == before


def test_live_reload_turns_reloads_off_and_nothing_else(world: World, asked: Asked, asking: System) -> None:
    voicemail = world.voicemail()
    with asking.client() as master:
        master.call("configuration_live_reload.update", body={"enabled": False})
        try:
            [deleted] = asked("voicemails.delete", id=voicemail["id"])
            assert deleted[:2] == ("GET", "/delete_voicemail")
            assert asked("users.create", body={"firstname": str(uuid.uuid4())}) == set()
        finally:
            master.call("configuration_live_reload.update", body={"enabled": True})
