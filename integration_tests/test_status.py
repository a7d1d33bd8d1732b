"""What the system tells of itself is true: for people, for programs, and over HTTP."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from confd_worker.cli import main
from confd_worker.conformance.system import MASTER_TOKEN, System, until

from .conftest import OwnServers

OK, FAIL = {"status": "ok"}, {"status": "fail"}


@pytest.fixture(scope="module")
def running(own_system: System) -> Iterator[System]:
    """A worker and a gateway on servers that may be stopped."""
    own_system.start_worker()
    own_system.start_gateway()
    until(lambda: _status(own_system)[0] == 0, "all is well")
    yield own_system
    own_system.close()


def _status(system: System, **settings: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    """What `confd-worker status` ends with, and says of each part; the latter in words, too."""
    environment = system.environment() | settings
    done = CliRunner().invoke(main, ["status", "--json"], env=environment)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    told = json.loads(done.output)
    assert (told["status"] == "ok") is (done.exit_code == 0)
    return done.exit_code, {name: part["status"] for name, part in told["parts"].items()}, told["parts"]


def _over_http(system: System) -> dict[str, Any]:
    answer = httpx.get(f"{system.url}/status", headers={"X-Auth-Token": MASTER_TOKEN}, timeout=10)
    assert answer.status_code == 200
    return answer.json()


def _failing(parts: dict[str, Any]) -> set[str]:
    return {name for name, part in parts.items() if part["status"] == "fail"}


def test_a_system_that_works_is_well(running: System) -> None:
    status, parts, told = _status(running)
    assert (status, set(parts.values())) == (0, {"ok"})
    assert list(parts) == ["database", "bus", "relay", "workers", "dead_letters", "auth"]
    assert told["relay"]["on"].endswith(f"{running.processes['worker'].pid} relay")
    assert (told["workers"]["processes"], told["workers"]["unserved"]) == (1, [])
    over_http = _over_http(running)
    assert list(over_http)[:4] == ["bus_consumer", "master_tenant", "rest_api", "service_token"]
    assert over_http["relay"] == {"status": "ok", "waiting": 0, "lag": 0}
    assert over_http["ready"] == over_http["database"] == OK
    lines = CliRunner().invoke(main, ["status"], env=running.environment()).output.splitlines()
    assert [line.split()[:2] for line in lines] == [[name, "ok"] for name in parts]


def test_a_database_that_is_away_is_told(running: System, own_servers: OwnServers) -> None:
    own_servers.postgres.stop()
    try:
        status, parts, _ = _status(running)
        over_http = _over_http(running)
    finally:
        own_servers.postgres.start()
    assert (status, parts["database"], parts["relay"], parts["bus"]) == (1, "fail", "fail", "ok")
    assert _failing(over_http) == {"database", "ready"}
    until(lambda: _status(running)[0] == 0 and not _failing(_over_http(running)), "all is well again", 30)


def test_a_database_that_does_not_answer_is_told_from_a_worker_that_does_not(running: System) -> None:
    with running.database() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE outbox")
        begun = time.monotonic()
        over_http = _over_http(running)
        status, parts, _ = _status(running)
        assert time.monotonic() - begun < 10
        cursor.execute("ROLLBACK")
    assert _failing(over_http) == {"database", "ready"}
    assert (status, parts["database"]) == (1, "fail")


def test_a_broker_that_is_away_is_told(running: System, own_servers: OwnServers) -> None:
    own_servers.broker.stop()
    try:
        status, parts, _ = _status(running)
        over_http = _over_http(running)
    finally:
        own_servers.broker.start()
    assert (status, parts["bus"], parts["workers"], parts["database"]) == (1, "fail", "fail", "ok")
    assert _failing(over_http) == {"bus_consumer", "ready"}
    until(lambda: _status(running)[0] == 0 and not _failing(_over_http(running)), "all is well again", 30)


def test_a_worker_that_hangs_is_told(running: System) -> None:
    running.processes["worker"].send_signal(signal.SIGSTOP)
    try:
        status, _, told = _status(running)
        over_http = _over_http(running)
    finally:
        running.processes["worker"].send_signal(signal.SIGCONT)
    assert (status, told["workers"]["status"]) == (1, "fail")
    assert "no reply in time" in told["workers"]["text"]
    assert _failing(over_http) == {"bus_consumer", "ready"}


def test_too_few_workers_and_events_that_wait_are_told(running: System) -> None:
    status, _, told = _status(running, CONFD_PROCESSES="2")
    assert (status, told["workers"]["text"][:18]) == (1, "1 of 2 processes s")
    running.stop("worker")
    with running.database() as cursor:
        cursor.execute(
            "INSERT INTO outbox (event_id, name, routing_key, headers, payload, created_at)"
            " VALUES ('x', 'test', 'test', '{}', '{}', now() - interval '1 minute')"
        )
    status, parts, told = _status(running)
    assert (status, parts["workers"], parts["relay"]) == (1, "fail", "fail")
    assert told["relay"]["text"].startswith("nobody does it; 1 events wait, the oldest for 6")
    assert len(told["workers"]["unserved"]) > 40
    running.start_worker()
    until(lambda: _status(running)[0] == 0, "all is well again")


class _Auth(BaseHTTPRequestHandler):
    """Knows the account confd with the password secret."""

    def do_POST(self) -> None:
        known = self.headers["Authorization"] == "Basic Y29uZmQ6c2VjcmV0"
        self.send_response(200 if known else 401)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def auth() -> Iterator[str]:
    """The URL of an authentication server."""
    server = HTTPServer(("127.0.0.1", 0), _Auth)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_authentication_is_told(running: System, auth: str) -> None:
    account = {"CONFD_AUTH_MODE": "wazo", "CONFD_AUTH_URL": auth, "CONFD_AUTH_USERNAME": "confd"}
    for settings, expected in (
        (account | {"CONFD_AUTH_PASSWORD": "secret"}, "ok"),
        (account | {"CONFD_AUTH_PASSWORD": "wrong"}, "fail"),
        (account | {"CONFD_AUTH_URL": "http://127.0.0.1:1"}, "fail"),
        ({"CONFD_AUTH_MODE": "none"}, "ok"),
        ({"CONFD_AUTH_TOKENS": "no-such-file"}, "fail"),
    ):
        status, parts, told = _status(running, **settings)
        assert (parts["auth"], status) == (expected, 0 if expected == "ok" else 1)
        assert "wrong" not in json.dumps(told)


def test_a_worker_that_starts_before_the_database_waits_for_it(running: System, own_servers: OwnServers) -> None:
    running.stop("worker")
    own_servers.postgres.stop()
    try:
        starting = threading.Thread(target=running.start_worker, args=("early",))
        starting.start()
        until(lambda: "early" in running.processes, "it is started")
        until(lambda: "database_not_reached" in running.log_of("early"), "it waits")
    finally:
        own_servers.postgres.start()
    starting.join()
    assert running.processes["early"].poll() is None
    running.stop("early")
