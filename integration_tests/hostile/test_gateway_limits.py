"""ACLs that a caller tries to get around, deadlines of connections, and what many bad requests leave behind."""

import itertools
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from confd_worker.conformance.system import MASTER_TENANT, PARENT, System

from .caller import PATIENCE
from .specs import OPERATIONS
from .tally import TALLY

TOKEN, LIMITED = f"token-of-{PARENT}", "token-with-exceptions"
BAD_REQUESTS = 20_000
# What a gateway may need more after them: it has tables that fill first, and its heap is never quite tidy.
ALLOWED = 8_000_000


@pytest.fixture(scope="module")
def items(hostile: System) -> dict[str, Any]:
    """A user, a group and music on hold; by the variable that names it, the value."""
    with httpx.Client(base_url=hostile.url, headers={"X-Auth-Token": TOKEN}, timeout=PATIENCE) as client:

        def made(path: str, **body: Any) -> dict[str, Any]:
            answer = client.post(path, json=body)
            assert answer.status_code == 201, answer.text
            return answer.json()  # type: ignore[no-any-return]

        return {
            "users": made("/users", firstname="guarded")["id"],
            "groups": made("/groups", label="guarded")["uuid"],
            "moh": made("/moh", label="guarded", mode="files")["uuid"],
        }


@pytest.fixture(scope="module")
def guarded(hostile: System, items: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A gateway of its own, with a token that may do all but to these items, and with short deadlines."""
    folder: Path = tmp_path_factory.mktemp("guarded")
    settings = {"CONFD_HTTP_HEADERS_SECONDS": "1", "CONFD_HTTP_IDLE_SECONDS": "1", "CONFD_HTTP_CONNECTIONS": "50"}
    system = System(folder, hostile.db_uri, hostile.amqp_uri, settings)
    acl = ["confd.#", *(f"!confd.{name}.{value}.#" for name, value in items.items())]
    system.write_tokens(
        [{"uuid": PARENT, "parent_uuid": MASTER_TENANT, "name": "parent"}],
        [
            {"token": TOKEN, "tenant_uuid": PARENT, "acl": ["confd.#"]},
            {"token": LIMITED, "tenant_uuid": PARENT, "acl": acl},
        ],
    )
    try:
        system.start_gateway()
        yield system
        assert "Traceback (most recent call last)" not in system.log_of("gateway")
    finally:
        system.close()


def _numbers(value: int) -> list[str]:
    return [
        str(value),
        f"0{value}",
        f"{value:018}",
        quote(f"00{value}"),
        "".join(f"%{ord(each):x}" for each in str(value)),
    ]


def _uuids(value: str) -> list[str]:
    plain = value.replace("-", "")
    spelled = [value, value.upper(), value.title(), plain, plain.upper(), f"{{{value}}}", f"urn:uuid:{value}"]
    spelled += [f"{plain[:1]}-{plain[1:]}", f"-{plain}-", f"{{urn:uuid:{plain.upper()}}}"]
    return [quote(each) for each in spelled] + [each.replace("-", "%2d") for each in (value, value.upper())]


@pytest.mark.parametrize("name", ["users", "groups", "moh"])
def test_a_rule_that_denies_an_item_holds_however_its_id_is_spelled(
    name: str, guarded: System, items: dict[str, Any]
) -> None:
    value = items[name]
    below = [each.path.partition("}")[2] for each in OPERATIONS if each.path.startswith(f"/{name}/{{")]
    with httpx.Client(base_url=guarded.url, timeout=PATIENCE, headers={"X-Auth-Token": LIMITED}) as client:
        for spelled in _numbers(value) if isinstance(value, int) else _uuids(value):
            for rest in sorted(set(below)):
                path = f"/{name}/{spelled}" + re.sub(r"\{[^}]*\}", "1", rest)
                for method in ("GET", "HEAD", "PUT", "DELETE"):
                    answer = client.request(method, path, json={})
                    # Where nothing can have an id of that spelling there is no such URL, and its page is no JSON.
                    is_page = answer.headers["content-type"].startswith("text/html")
                    assert answer.status_code in (401, 405) or (answer.status_code == 404 and is_page), (method, path)
                    TALLY.count(name + rest)
        assert client.get(f"/{name}").status_code == 200
        full = client.get(f"/{name}/{value}", headers={"X-Auth-Token": TOKEN})
        assert full.status_code == 200


def test_clients_that_ask_nothing_are_let_go_in_the_time_that_is_set(guarded: System) -> None:
    openings = (b"", b"G", b"GET /1.1/users HTTP/1.1\r\nX: ", b"GET /1.1/users HTTP/1.1\r\nHost: x\r\n\r\n")
    connections = [socket.create_connection(("127.0.0.1", guarded.http_port), timeout=PATIENCE) for _ in range(40)]
    begun = time.monotonic()
    for connection, opening in zip(connections, itertools.cycle(openings)):
        connection.sendall(opening)
    for connection in connections:
        while connection.recv(65536):
            pass
        connection.close()
        TALLY.count("connection")
    assert time.monotonic() - begun < 5


def _requests(number: int) -> bytes:
    """Ten bad requests, no two alike; nine of them are refused by the gateway itself."""
    kinds = (
        _request("GET", "/users", token=f"no-token-{number}"),
        _request("GET", f"/nothing-{number}", host=f"host-{number}"),
        _request("GET", f"/users/{number}x{'x' * (number % 500)}"),
        _request("PROPFIND" if number % 20 else "PATCH", "/users"),
        _request("POST", "/users", body=b'{"firstname": %d' % number),
        _request("POST", "/users", body=b"[%d]" % number),
        _request("POST", "/users", body=b"{}", more=f"Idempotency-Key: {'x' * 256}{number}\r\n"),
        _request("GET", f"/users?search={'x' * 3000}{number}", more=f"X-Auth-Token: x\r\nX-{number}: {number}\r\n"),
        _request("PUT", "/users/1", body=b"{}", more=f'If-Match: "{number}\r\nX-Request-Id: {number}\r\n'),
    )
    refused_by_worker = (
        _request("GET", f"/users/{number + 10**9}"),
        _request("POST", "/users", body=b'{"firstname": %d}' % number),
        _request("GET", f"/users?limit=x{number}"),
        _request("GET", f"/moh/{'x' * (number % 500)}{number}"),
    )
    return b"".join((*kinds, refused_by_worker[number // 10 % 4]))


def _request(
    method: str, path: str, *, token: str = TOKEN, host: str = "x", more: str = "", body: bytes = b""
) -> bytes:
    head = f"{method} /1.1{path} HTTP/1.1\r\nHost: {host}\r\nX-Auth-Token: {token}\r\n{more}Content-Length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


def _send_bad_requests(system: System, number: int, first: int) -> None:
    """Send so many, over one connection after the other; a few of them are malformed, and the last of theirs."""
    for start in range(first, first + number, 200):
        with socket.create_connection(("127.0.0.1", system.http_port), timeout=PATIENCE) as connection:
            received = b""
            for batch in range(start, start + 200, 10):
                connection.sendall(_requests(batch))
                wanted = received.count(b"HTTP/1.1 ") + 10
                while received.count(b"HTTP/1.1 ") < wanted:
                    piece = connection.recv(65536)
                    assert piece, received[-500:]
                    received += piece
            connection.sendall(b"no request %d\r\n\r\n" % start)
            while piece := connection.recv(65536):
                received += piece
        statuses = [int(each) for each in re.findall(rb"HTTP/1\.1 (\d{3}) ", received)]
        assert len(statuses) == 201
        assert all(400 <= status < 500 for status in statuses), statuses
        TALLY.count("bad requests", 201)


def test_many_bad_requests_leave_nothing_in_memory(hostile: System) -> None:
    def resident() -> int:
        told = Path(f"/proc/{hostile.processes['gateway'].pid}/statm").read_text()
        return int(told.split()[1]) * os.sysconf("SC_PAGE_SIZE")

    _send_bad_requests(hostile, BAD_REQUESTS // 4, 0)
    before = resident()
    _send_bad_requests(hostile, BAD_REQUESTS, BAD_REQUESTS)
    assert resident() - before < ALLOWED
