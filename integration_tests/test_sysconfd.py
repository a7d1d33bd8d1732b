"""What the system daemon is told, and when."""

import json
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from confd_worker.client import Client

from .conftest import Servers
from .system import MASTER_TENANT, System, until


class Daemon:
    """A system daemon that notes what it is asked, and fails as often as it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.failures = 0
        daemon = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                address = urlsplit(self.path)
                content = self.rfile.read(int(self.headers.get("content-length", 0)))
                status = 500 if daemon.failures else 200
                if daemon.failures:
                    daemon.failures -= 1
                else:
                    told = json.loads(content) if content else dict(parse_qsl(address.query))
                    daemon.asked.append((self.command, address.path, told))
                self.send_response(status)
                self.end_headers()

            do_GET = do_POST = do_DELETE = _answer

            def log_message(self, *words: object) -> None:
                """Be quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def reloads(self) -> list[list[str]]:
        """The commands of each request to reload."""
        return [told["ipbx"] for _, path, told in self.asked if path == "/exec_request_handlers"]


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    daemon = Daemon()
    try:
        yield daemon
    finally:
        daemon.server.shutdown()


@pytest.fixture
def client(servers: Servers, system: System, daemon: Daemon, tmp_path: Path) -> Iterator[Client]:
    """A client of a worker that knows the daemon, and is alone on a virtual host of its own."""
    own = System(tmp_path, servers.db_uri, servers.amqp_uri, {"CONFD_SYSCONFD_URL": daemon.url})
    own.settings["CONFD_SYSCONFD_MERGE_SECONDS"] = "0.3"
    other = system.processes["worker"]
    # The worker without a daemon must not take the calls.
    system.stop("worker")
    try:
        own.start_worker()
        with own.client(str(uuid.uuid4())) as client:
            yield client
    finally:
        own.close()
        system.start_worker()
        assert other.poll() is not None


def _idle(client: Client, daemon: Daemon, system: System) -> None:
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


def test_a_reload_is_sent_again_until_it_succeeds(client: Client, daemon: Daemon, system: System) -> None:
    daemon.failures = 2
    client.call("contexts.create", body={"label": "inside"})
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


def test_nothing_is_reloaded_while_live_reload_is_off(client: Client, daemon: Daemon, system: System) -> None:
    master = system.client(MASTER_TENANT)
    context = client.call("contexts.create", body={"label": "inside"})["name"]
    _idle(client, daemon, system)
    master.call("configuration.live_reload.edit", body={"enabled": False})
    try:
        voicemail = client.call("voicemails.create", body={"name": "x", "number": "100", "context": context})["id"]
        client.call("voicemails.delete", id=voicemail)
        _idle(client, daemon, system)
        assert daemon.asked[-1][1] == "/delete_voicemail"
        assert len(daemon.reloads()) == 1
    finally:
        master.call("configuration.live_reload.edit", body={"enabled": True})
        master.close()
