"""Requests that no client of ours would send, made from the OpenAPI document and by hand."""

import errno
import re
import select
import socket
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx
import orjson
import pytest
import requests
import schemathesis
from hypothesis import given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error

from confd_worker.conformance.system import OTHER, PARENT, System

from .caller import PATIENCE
from .inputs import NASTY_TEXTS
from .specs import DOCUMENT, OPERATIONS
from .tally import TALLY

TOKEN = f"token-of-{PARENT}"
UNAVAILABLE = 503
LARGE = 10_000_000


def _operations() -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [each.ok() for each in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()]  # type: ignore[union-attr]
    return {f"{each.method.upper()} {each.path.removeprefix('/1.1')}": each for each in found}


DESCRIBED = _operations()


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.headers["X-Auth-Token"] = TOKEN
        yield session


def _check(status: int, body: bytes, what: str) -> None:
    """The answer is one that the contract foresees; what the daemon needs may not be there."""
    assert status < 500 or (status == UNAVAILABLE and b"Not available: " in body), f"{what}: {status} {body!r:.300}"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", DESCRIBED)
def test_the_gateway_answers_what_its_document_allows_and_what_it_does_not(
    name: str, hostile: System, session: requests.Session
) -> None:
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    strategies = [DESCRIBED[name].as_strategy(generation_mode=mode) for mode in modes]

    @settings(settings.get_profile("hostile-http"))
    @given(strategies[0] | strategies[1])
    def check(case: Any) -> None:
        answer = case.call(base_url=hostile.url, session=session, headers={"X-Auth-Token": TOKEN}, timeout=PATIENCE)
        if answer.status_code != UNAVAILABLE:
            case.validate_response(answer, checks=[not_a_server_error])
        _check(answer.status_code, answer.content, f"{name}: {case!r:.1000}")
        TALLY.count(name)

    check()


@pytest.fixture
def http(hostile: System) -> Iterator[Callable[..., httpx.Response]]:
    """Send a request: `http("GET", "/users", headers={…})`."""
    with httpx.Client(base_url=hostile.url, timeout=PATIENCE, headers={"X-Auth-Token": TOKEN}) as client:

        def send(method: str, path: str, **content: Any) -> httpx.Response:
            answer = client.request(method, path, **content)
            _check(answer.status_code, answer.content, f"{method} {path}")
            TALLY.count(path.partition("?")[0][:30])
            return answer

        yield send


NO_JSON = {
    "nothing": b"",
    "half": b'{"firstname": ',
    "NaN": b'{"firstname": NaN}',
    "a number beyond all": b'{"subscription_type": 1e400}',
    "a giant integer": b'{"subscription_type": 1%s}' % (b"0" * 5000),
    "a lone surrogate": b'{"firstname": "\\ud800"}',
    "a lone surrogate as a name": b'{"\\udfff": 1}',
    "no text": b'{"firstname": "\xff"}',
    "another encoding": '{"firstname": "x"}'.encode("utf-16"),
    "deep nesting": b'{"a": ' + b"[" * 100_000,
    "deep nesting that ends": b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "a NUL byte": b'{"firstname": "\0"}',
    "a comment": b'{"firstname": "x"} // x',
    "the same name twice": b'{"firstname": "x", "firstname": {"a": 1}}',
    "a list": b"[1]",
    "10 MB": b'{"firstname": "%s"}' % (b"x" * LARGE),
}


@pytest.mark.parametrize("case", NO_JSON)
def test_a_body_that_is_no_object_is_refused_and_is_no_dead_letter(
    case: str, http: Callable[..., httpx.Response], hostile: System
) -> None:
    before = _dead_letters(hostile)
    assert http("POST", "/users", content=NO_JSON[case]).status_code in (400, 413)
    assert _dead_letters(hostile) == before


def _dead_letters(system: System) -> int:
    with system.database() as cursor:
        cursor.execute("SELECT count(*) FROM dead_letters")
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("text", NASTY_TEXTS, ids=lambda text: repr(text)[:40])
def test_any_text_in_path_query_and_headers_is_data(text: str, http: Callable[..., httpx.Response]) -> None:
    short = quote(text[:2000], safe="")
    http("GET", f"/users?search={short}&firstname={short}&order={short}&direction={short}&limit={short}&{short}=1")
    for operation in OPERATIONS:
        if operation.method == "GET" and {"text", "filename"} & set(operation.variables.values()):
            http("GET", re.sub(r"\{[^}]*\}", lambda found: short, operation.path))
    http("GET", f"/users/{short}")
    header = text[:2000].encode().replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"").strip()
    for name in ("X-Request-Id", "Idempotency-Key", "Wazo-Tenant", "X-Script-Name", "X-Forwarded-Proto", "If-Match"):
        answer = http("POST", "/users", json={"firstname": "x"}, headers={name.encode(): header})  # type: ignore[dict-item]
        assert b"forged_line" not in answer.headers.get("location", "").encode()
    assert http("GET", "/users", headers={b"X-Auth-Token": header}).status_code in (400, 401)  # type: ignore[dict-item]


TRAVERSALS = (
    "/../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd", "/users/..%5c..%5cetc",
    "//etc/passwd", "/users/%00", "/users/1%00.json", "/users/%c0%ae%c0%ae/", "/users/%ff", "/users;x=1",
    "/./users/../../../etc/passwd", "/moh/x/files/..%2f..%2fetc%2fpasswd", "/sounds/..%2f..%2fetc/files/passwd",
    "/users/%", "/users/%zz",
)  # fmt: skip


@pytest.mark.parametrize("path", TRAVERSALS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_no_path_leads_out_of_the_api(method: str, path: str, hostile: System) -> None:
    status, body = _raw(hostile, _head(method, f"/1.1{path}") + b"Content-Length: 0\r\n\r\n")[0]
    _check(status, body, path)
    assert 400 <= status < 500
    assert b"root:" not in body
    TALLY.count(path)


def _head(method: str, path: str, host: str = "x") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nX-Auth-Token: {TOKEN}\r\n".encode("latin-1")


SMUGGLED = _head("DELETE", "/1.1/users/{id}") + b"Content-Length: 0\r\n\r\n"
GET, POST = _head("GET", "/1.1/users"), _head("POST", "/1.1/users")
SMUGGLERS: dict[str, bytes] = {
    "an upgrade": GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n",
    "length and chunks": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n",
    "a list of lengths": POST + b"Content-Length: 0, %d\r\n\r\n",
    "a signed length": POST + b"Content-Length: +0\r\n\r\n",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "a hexadecimal length": POST + b"Content-Length: 0x0\r\n\r\n",
    "a coding that is not known": POST + b"Transfer-Encoding: xchunked\r\n\r\n",
    "a coding behind a tab": POST + b"Transfer-Encoding:\tchunked\r\nContent-Length: 0\r\n\r\n",
    "a blank before the colon": POST + b"Transfer-Encoding : chunked\r\nContent-Length: %d\r\n\r\n0\r\n\r\n",
    "a folded header": POST + b"X: 1\r\n Transfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n",
    "a size of a chunk that is none": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    "a giant chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    "lines that end in LF": GET.replace(b"\r\n", b"\n") + b"Content-Length: %d\n\n",
    "a NUL in a header": GET + b"X: a\0b\r\nContent-Length: %d\r\n\r\n",
    "a CR in a header": GET + b"X: a\rContent-Length: 0\r\nContent-Length: %d\r\n\r\n",
    "no name of a header": GET + b": x\r\nContent-Length: %d\r\n\r\n",
    "an old version": b"GET /1.1/users\r\n\r\n",
    "no version": b"GET /1.1/users HTTP/9.9\r\n\r\n",
    "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a line break in the path": b"GET /1.1/users\r\nX: 1 HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("case", SMUGGLERS)
def test_no_request_hides_in_another_whose_token_has_no_right_to_it(
    case: str, http: Callable[..., httpx.Response], hostile: System
) -> None:
    """Where the length of a request is in doubt, what follows is not run: a proxy may have taken it for its body."""
    user = http("POST", "/users", json={"firstname": "victim"}).json()
    hidden = SMUGGLED.replace(b"{id}", str(user["id"]).encode())
    opening = SMUGGLERS[case]
    opening = opening % len(hidden) if b"%d" in opening else opening
    for parts in ((opening + hidden,), (opening, hidden)):
        for status, body in _raw(hostile, *parts):
            _check(status, body, case)
        assert http("GET", f"/users/{user['id']}").status_code == 200


CHUNKS = POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
STRANGE: dict[str, bytes] = {
    "a giant header": GET + b"X: " + b"x" * 200_000 + b"\r\n\r\n",
    "ten thousand headers": GET + b"X: 1\r\n" * 10_000 + b"\r\n",
    "another host in the path": _head("GET", "http://evil.example/1.1/users") + b"\r\n",
    "a long path": _head("GET", "/1.1/users/" + "x" * 60_000) + b"\r\n",
    "a giant path": _head("GET", "/1.1/users/" + "x" * 200_000) + b"\r\n",
    "a giant query": _head("GET", "/1.1/users?search=" + "x" * 200_000) + b"\r\n",
    "an unknown method": _head("BREW", "/1.1/users") + b"\r\n",
    "a tunnel": _head("CONNECT", "example.org:80") + b"\r\n",
    "a star": _head("OPTIONS", "*") + b"\r\n",
    "no host": b"GET /1.1/users HTTP/1.1\r\n\r\n",
    "a body in chunks with giant trailers": CHUNKS + b"0\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    "a body in chunks with ten thousand trailers": CHUNKS + b"0\r\n" + b"X: 1\r\n" * 10_000 + b"\r\n",
    "a chunk with a giant extension": CHUNKS + b"1;x=" + b"x" * 200_000,
    "a thousand requests at once": (GET + b"\r\n") * 1000,
    "a good request before a giant one": GET + b"\r\n" + GET + b"X: " + b"x" * 200_000,
    "a good request before a malformed one": GET + b"\r\nno request\r\n\r\n",
    "half a request": GET,
    "half a body": POST + b'Content-Length: 100\r\n\r\n{"firstname"',
    "two tokens": GET + b"X-Auth-Token: x\r\n\r\n",
}


REFUSED = {
    "a giant header": [431],
    "ten thousand headers": [431],
    "a giant path": [414],
    "a giant query": [414],
    "a body in chunks with giant trailers": [431],
    "a body in chunks with ten thousand trailers": [431],
    "a chunk with a giant extension": [431],
    "two tokens": [400],
}


@pytest.mark.parametrize("case", STRANGE)
def test_a_strange_request_is_answered_or_ended(case: str, hostile: System) -> None:
    answers = _raw(hostile, STRANGE[case])
    for status, body in answers:
        _check(status, body, case)
    assert [status for status, _ in answers] == REFUSED.get(case, [status for status, _ in answers])
    TALLY.count("connection")


@pytest.mark.parametrize("host", ["evil.example", "a b", "x\"'><script>", "[", "x:99999999", "x/y", "x@y", "é"])
def test_links_are_links_whatever_the_host_is_called(host: str, hostile: System) -> None:
    body = b'{"firstname": "x"}'
    opening = _head("POST", "/1.1/users", host) + b"Content-Length: %d\r\n\r\n" % len(body)
    for status, content in _raw(hostile, opening + body):
        _check(status, content, host)
        if status == 201:
            href = orjson.loads(content.partition(b"\r\n\r\n")[2])["links"][0]["href"]
            assert re.fullmatch(r"https?://[\w.:\[\]-]+/1\.1/users/[\w-]+", href), href
    TALLY.count("Host")


@pytest.mark.parametrize("tenant", [OTHER, OTHER.upper(), f"{PARENT},{OTHER}", f"{PARENT}\t{OTHER}", "*"])
def test_no_header_leads_into_another_tenant(tenant: str, http: Callable[..., httpx.Response]) -> None:
    for operation in OPERATIONS:
        if operation.acl and operation.method == "GET" and not operation.variables and not operation.master_only:
            assert http("GET", operation.path, headers={"Wazo-Tenant": tenant}).status_code == 401, operation.path


@contextmanager
def _ended_by_server() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOTCONN, errno.ECONNRESET, errno.EPIPE):
            raise


def _raw(system: System, *parts: bytes) -> list[tuple[int, bytes]]:
    """Status and body of each answer that comes to these bytes, sent part by part, until the connection is closed."""
    with socket.create_connection(("127.0.0.1", system.http_port), timeout=PATIENCE) as connection:
        received = b""
        # The server may end the connection at any time, but not leave it open without a word.
        with _ended_by_server():
            for part in parts:
                connection.sendall(part)
                # The server reads one part, and often answers it, before it sees the next one.
                select.select([connection], [], [], 0.1 if len(parts) > 1 else 0)
            connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65536):
                received += chunk
    starts = list(re.finditer(rb"HTTP/1\.[01] (\d{3})", received))
    ends = [each.start() for each in starts[1:]] + [len(received)]
    return [(int(each[1]), received[each.start() : end]) for each, end in zip(starts, ends, strict=False)]
