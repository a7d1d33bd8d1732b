"""What the system daemon is told, and when."""

import uuid
from collections.abc import Iterator

import pytest

from confd_worker.client import Client, RemoteError
from confd_worker.conformance.system import MASTER_TENANT, System, until

from .system_daemon import Daemon
from .wire import Wire


@pytest.fixture
def client(reloading: System) -> Iterator[Client]:
    """A client of a worker that knows the daemon."""
    with reloading.client(str(uuid.uuid4())) as client:
        yield client


@pytest.fixture
def daemon(client: Client, listening: Daemon, system: System) -> Daemon:
    """The daemon, which was asked nothing yet."""
    _idle(client, listening, system)
    listening.asked.clear()
    return listening


def _idle(client: Client, daemon: Daemon, system: System) -> None:
    """Wait until the daemon was told all."""

    def empty() -> bool:
        with system.database() as cursor:
            cursor.execute("SELECT count(*) FROM sysconfd_requests")
            return cursor.fetchone()[0] == 0

    until(empty, "all requests are sent")


def test_reloads_of_many_changes_are_sent_as_one(client: Client, daemon: Daemon, system: System) -> None:
    replies = [client.call_async("users.create", body={"firstname": "Alice"}) for _ in range(30)]
    for reply in replies:
        reply.result()
    _idle(client, daemon, system)
    assert daemon.reloads() == [[
        "dialplan reload", "module reload chan_sccp.so", "module reload app_queue.so", "module reload res_pjsip.so",
    ]]  # fmt: skip


def test_changes_apart_are_sent_apart(client: Client, daemon: Daemon, system: System) -> None:
    for _ in range(2):
        client.call("contexts.create", body={"label": "inside"})
        _idle(client, daemon, system)
    assert daemon.reloads() == [["dialplan reload"]] * 2


@pytest.mark.parametrize("status", [500, 404, 204])
def test_a_reload_is_sent_again_until_it_succeeds(status: int, client: Client, daemon: Daemon, system: System) -> None:
    daemon.failures, daemon.failure = 1, status
    client.call("contexts.create", body={"label": "inside"})
    _idle(client, daemon, system)
    assert daemon.failures == 0
    assert daemon.reloads() == [["dialplan reload"]]


def test_what_happens_while_the_daemon_is_away_is_told_later(
    client: Client, daemon: Daemon, system: System, reloading: System
) -> None:
    missed = reloading.log_of("worker").count("sysconfd_not_reached")
    daemon.stop()
    context = client.call("contexts.create", body={"label": "inside"})["name"]
    voicemail = client.call("voicemails.create", body={"name": "x", "number": "100", "context": context})["id"]
    until(lambda: reloading.log_of("worker").count("sysconfd_not_reached") > missed, "the worker misses the daemon")
    reloading.kill("worker")
    reloading.start_worker()
    client.call("voicemails.delete", id=voicemail)
    daemon.start()
    _idle(client, daemon, system)
    assert daemon.reloads() == [["dialplan reload", "voicemail reload"]]
    assert daemon.asked[-1] == ("GET", "/delete_voicemail", {"mailbox": "100", "context": context})


def test_a_change_that_fails_asks_nothing(client: Client, daemon: Daemon, system: System) -> None:
    context = client.call("contexts.create", body={"label": "inside"})["name"]
    body = {"name": "x", "number": "100", "context": context}
    client.call("voicemails.create", body=body)
    _idle(client, daemon, system)
    daemon.asked.clear()
    with pytest.raises(RemoteError):
        client.call("voicemails.create", body=body)
    client.call("contexts.create", body={"label": "marker"})
    _idle(client, daemon, system)
    assert daemon.reloads() == [["dialplan reload"]]


def test_other_requests_follow_the_reload(client: Client, daemon: Daemon, system: System) -> None:
    context = client.call("contexts.create", body={"label": "inside"})["name"]
    voicemail = client.call("voicemails.create", body={"name": "x", "number": "100", "context": context})["id"]
    client.call("voicemails.update", id=voicemail, body={"number": "200"})
    client.call("voicemails.delete", id=voicemail)
    _idle(client, daemon, system)
    paths = [path for _, path, _ in daemon.asked]
    assert paths[-2:] == ["/move_voicemail", "/delete_voicemail"]
    assert daemon.asked[-2] == (
        "GET", "/move_voicemail",
        {"old_mailbox": "100", "old_context": context, "new_mailbox": "200", "new_context": context},
    )  # fmt: skip
    assert daemon.asked[-1] == ("GET", "/delete_voicemail", {"mailbox": "200", "context": context})
    assert "voicemail reload" in daemon.reloads()[0]


def test_what_asterisk_has_of_a_tenant_goes_with_it(client: Client, daemon: Daemon, system: System) -> None:
    context = client.call("contexts.create", body={"label": "inside"})
    music = client.call("moh.create", body={"label": "music", "mode": "files"})["name"]
    _idle(client, daemon, system)
    with Wire(system.amqp_uri) as wire:
        wire.publish_event("auth_tenant_deleted", {"uuid": context["tenant_uuid"]})
    until(lambda: client.call("contexts.list")["total"] == 0, "the tenant is gone")
    _idle(client, daemon, system)
    assert daemon.asked[-2:] == [
        ("DELETE", "/voicemails_context", {"context": context["name"]}),
        ("DELETE", "/moh", {"name": music}),
    ]


def test_nothing_is_reloaded_while_live_reload_is_off(client: Client, daemon: Daemon, system: System) -> None:
    master = system.client(MASTER_TENANT)
    context = client.call("contexts.create", body={"label": "inside"})["name"]
    _idle(client, daemon, system)
    master.call("configuration_live_reload.update", body={"enabled": False})
    try:
        voicemail = client.call("voicemails.create", body={"name": "x", "number": "100", "context": context})["id"]
        client.call("voicemails.delete", id=voicemail)
        _idle(client, daemon, system)
        assert daemon.asked[-1][1] == "/delete_voicemail"
        assert len(daemon.reloads()) == 1
    finally:
        master.call("configuration_live_reload.update", body={"enabled": True})
        master.close()
