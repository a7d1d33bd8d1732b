"""What one client may send, how slowly, and how many clients there may be."""

import contextlib
import itertools
import os
import re
import select
import socket
import time
from types import SimpleNamespace

import pytest
from confd_gateway import ConfigurationError, GatewaySettings
from confd_gateway.connections import most_connections
from confd_gateway.protocol import MOST_BYTES, MOST_HEADERS, MOST_WAITING, PIECE, _Flow, check_uvicorn
from confd_gateway.server import server_config
from confd_gateway.writes import JoinedWrites
from gateway_fakes import wait_until
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

GET = b"GET /1.1/nothing HTTP/1.1\r\nHost: x\r\n"
THINGS = b"GET /1.1/things HTTP/1.1\r\nHost: x\r\nX-Auth-Token: all\r\n"
THING = THINGS.replace(b"things ", b"things/1 ")
CHUNKED = b"POST /1.1/rows HTTP/1.1\r\nHost: x\r\nX-Auth-Token: all\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"


class Raw:
    """A connection on which anything can be sent."""

    def __init__(self, client):
        self.socket = socket.create_connection((client.base_url.host, client.base_url.port), timeout=10)
        self.received = b""

    def send(self, data):
        """Send as much of it as the other side takes."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)
        return self

    def statuses(self, number=None):
        """Of the answers: all until the connection is closed, or the first ones."""
        while number is None or len(self._statuses()) < number:
            try:
                piece = self.socket.recv(65536)
            except ConnectionError:
                piece = b""
            self.received += piece
            if not piece:
                break
        return self._statuses()

    def wait_for_end(self):
        """Come back when the other side has sent the last that it sends; nothing is read."""
        ended = select.poll()
        ended.register(self.socket, select.POLLRDHUP)
        assert ended.poll(10_000)

    @property
    def closed(self):
        """Whether the other side has closed the connection."""
        ready, _, _ = select.select([self.socket], [], [], 0)
        if not ready:
            return False
        with contextlib.suppress(ConnectionError):
            return self.socket.recv(1, socket.MSG_PEEK) == b""
        return True

    def _statuses(self):
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", self.received)]


@pytest.fixture
def connect():
    """Connects to a client's gateway, any number of times."""
    with contextlib.ExitStack() as opened:

        def connect(client):
            raw = Raw(client)
            opened.enter_context(raw.socket)
            return raw

        yield connect


def open_files():
    """How many files this process has open, and the gateway with it."""
    return len(os.listdir("/proc/self/fd"))


def head_of(size, start=GET):
    """A head of so many bytes together."""
    return start + b"X: " + b"x" * (size - len(start) - 7) + b"\r\n\r\n"


# --- how much -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [1_000_000, 5000, 997])
@pytest.mark.parametrize(("size", "status"), [(MOST_BYTES, 404), (MOST_BYTES + 1, 431), (MOST_BYTES * 4, 431)])
def test_request_line_and_headers_have_at_most_64_kib_together(client, connect, piece, size, status):
    head, raw = head_of(size), connect(client)
    for start in range(0, len(head), piece):
        raw.send(head[start : start + piece])
    assert raw.statuses(1 if status == 404 else None) == [status]


def test_the_count_begins_anew_with_each_request_and_leaves_out_bodies(client, connect, worker):
    raw = connect(client)
    body = b"x" * 300_000
    post = b"POST /1.1/rows HTTP/1.1\r\nHost: x\r\nX-Auth-Token: all\r\nContent-Length: 300000\r\n\r\n" + body
    chunks = CHUNKED + b"10000\r\n%b\r\n" % (b"x" * 65536) * 5 + b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n"
    for _ in range(2):
        assert raw.send(head_of(MOST_BYTES)).statuses(1)[-1] == 404
        assert raw.send(post).statuses(2)[-1] == 201
        assert raw.send(chunks).statuses(3)[-1] == 201
        raw.received = b""


@pytest.mark.parametrize("never_ending", [b"a: b\r\n", b"x", b"\r\n"])
def test_headers_that_never_end_are_refused_while_they_come(client, connect, never_ending):
    raw = connect(client)
    begun = time.monotonic()
    with contextlib.suppress(ConnectionError):
        raw.socket.sendall(b"" if never_ending == b"\r\n" else GET)
        while time.monotonic() < begun + 10:
            raw.socket.sendall(never_ending * 10_000)
    assert raw.statuses() == [431]
    assert time.monotonic() - begun < 5


def test_a_client_that_still_writes_when_it_is_refused_can_read_why(client, connect):
    raw = connect(client).send(head_of(MOST_BYTES * 2))
    raw.wait_for_end()
    # Had the other side closed the connection, reading would now be an error.
    raw.socket.send(b"x")
    assert raw.socket.recv(65536).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(("token", "size", "status"), [(b"nobody", 5_000_000, 401), (b"all", 50_000_000, 413)])
def test_a_client_that_still_sends_its_body_can_read_why_it_is_refused(client, connect, token, size, status):
    opening = (
        b"POST /1.1/rows HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Auth-Token: %b\r\nContent-Length: %d\r\n\r\n"
    )
    raw = connect(client)
    # Had the other side closed the connection, writing or reading would be an error.
    raw.socket.sendall(opening % (token, size) + b"x" * 2_000_000)
    raw.wait_for_end()
    raw.socket.sendall(b"x")
    assert raw.socket.recv(65536).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize("path", [b"/" + b"x" * MOST_BYTES, b"/1.1/things?limit=" + b"1" * MOST_BYTES])
def test_a_request_line_that_is_too_long_is_told_so(client, connect, path):
    raw = connect(client).send(b"GET " + path)
    assert raw.statuses() == [414]
    assert b'["Input Error - the request line has more than 65536 bytes"]' in raw.received


def test_many_short_headers_are_too_many(client, connect):
    assert connect(client).send(GET + b"a: b\r\n" * (MOST_HEADERS - 1) + b"\r\n").statuses(1) == [404]
    assert connect(client).send(GET + b"a: b\r\n" * 10_000).statuses() == [431]
    raw = connect(client).send(GET + b"a: b\r\n" * MOST_HEADERS + b"\r\n")
    assert raw.statuses() == [431]
    assert b'["Input Error - there are more than 65536 bytes of headers, or more than 256 headers"]' in raw.received


@pytest.mark.parametrize(
    "rest",
    [
        b"0\r\nX: " + b"x" * (MOST_BYTES + PIECE),
        b"0\r\n" + b"a: b\r\n" * (MOST_HEADERS + 2),
        b"1;x=" + b"x" * (MOST_BYTES + PIECE),
        b"0" * (MOST_BYTES + PIECE),
    ],
    ids=["a long trailer", "many trailers", "a long extension", "a long size"],
)
def test_what_a_chunked_body_has_beside_its_content_is_limited_as_headers_are(client, connect, worker, rest):
    raw = connect(client).send(CHUNKED + rest)
    assert raw.statuses() == [431]
    assert worker.calls == []


def test_a_trailer_is_no_header(client, connect, worker):
    without_token = CHUNKED.replace(b"X-Auth-Token: all\r\n", b"")
    raw = connect(client).send(without_token + b"0\r\nX-Auth-Token: all\r\n\r\n")
    assert raw.statuses(1) == [401]
    raw = connect(client).send(CHUNKED + b"0\r\nX-Auth-Token: nobody\r\n\r\n")
    assert raw.statuses(1) == [201]


# --- in which order -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rest", [b"no request\r\n\r\n", head_of(MOST_BYTES * 2)], ids=["malformed", "too large"])
def test_a_bad_request_is_not_answered_before_the_good_one_in_front_of_it(client, connect, worker, rest):
    worker.answers["things.get"] = None
    raw = connect(client).send(THING + b"\r\n" + rest)
    wait_until(lambda: worker.calls)
    worker.reply_late(b'{"id":1}')
    assert raw.statuses() == [200]
    assert raw.received.endswith(b'{"id":1}\n')


def test_a_bad_body_behind_a_good_request_is_answered_in_its_turn(client, connect, worker):
    worker.answers["things.get"] = None
    raw = connect(client).send(THING + b"\r\n" + CHUNKED + b"no size\r\n")
    wait_until(lambda: worker.calls)
    worker.reply_late(b'{"id":1}')
    assert raw.statuses() == [200, 400]


def test_a_bad_body_is_not_answered_again_when_its_request_was_refused(client, connect):
    raw = connect(client).send(CHUNKED.replace(b"all", b"nobody"))
    assert raw.statuses(1) == [401]
    assert raw.send(b"no size\r\n").statuses() == [401]


def test_a_client_that_asks_far_more_than_it_listens_to_is_not_listened_to_any_more(client, connect, worker):
    worker.answers["things.get"] = None
    raw = connect(client).send(THING + b"\r\n" + (THINGS + b"\r\n") * 1000)
    wait_until(lambda: worker.calls)
    worker.reply_late(b'{"id":1}')
    assert raw.statuses() == [200] * (MOST_WAITING + 1)
    assert len(worker.calls) == MOST_WAITING + 1


def test_nothing_more_is_read_while_requests_wait():
    reading = []
    transport = SimpleNamespace(
        pause_reading=lambda: reading.append(False), resume_reading=lambda: reading.append(True)
    )
    waiting = [object()]
    flow = _Flow(transport, waiting)
    flow.pause_reading()
    flow.resume_reading()
    assert reading == [False]
    waiting.clear()
    flow.resume_reading()
    assert reading == [False, True]


def test_what_is_written_when_the_connection_is_gone_is_dropped():
    class Gone:
        closing = False

        def is_closing(self):
            return self.closing

        def writelines(self, _):
            raise RuntimeError("unable to perform operation; the handler is closed")

    later, transport = [], Gone()
    writes = JoinedWrites(transport, SimpleNamespace(call_soon=later.append))
    writes.write(b"x")
    transport.closing = True
    (flush,) = later
    flush()


def test_a_large_piece_is_written_at_once_with_what_waits():
    written, later = [], []
    transport = SimpleNamespace(is_closing=lambda: False, writelines=written.append)
    writes = JoinedWrites(transport, SimpleNamespace(call_soon=later.append))
    writes.write(b"head")
    writes.write(b"x" * 100_000)
    assert written == [[b"head", b"x" * 100_000]]
    for flush in later:
        flush()
    writes.write(b"small")
    later[-1]()
    assert written[1:] == [[b"small"]]


# --- how slowly -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("opening", "statuses"), [(b"", []), (b"G", [408]), (GET, [408]), (b"\r\n", [408])])
def test_a_client_that_does_not_ask_in_time_is_let_go(start_gateway, connect, opening, statuses):
    client = start_gateway(headers_seconds=0.3)
    begun = time.monotonic()
    assert connect(client).send(opening).statuses() == statuses
    assert 0.3 <= time.monotonic() - begun < 5


def test_headers_that_come_byte_by_byte_have_no_more_time_than_others(start_gateway, connect):
    client = start_gateway(headers_seconds=0.5)
    raw = connect(client)
    begun = time.monotonic()
    for place in itertools.count():
        raw.send(GET[place % len(GET) :][:1])
        if select.select([raw.socket], [], [], 0.05)[0]:
            break
    assert raw.statuses() == [408]
    assert 0.5 <= time.monotonic() - begun < 5


def test_the_second_request_has_as_long_as_the_first(start_gateway, connect, worker):
    client = start_gateway(headers_seconds=0.3, idle=60)
    raw = connect(client).send(THINGS + b"\r\n")
    assert raw.statuses(1) == [200]
    assert raw.send(THINGS).statuses() == [200, 408]


def test_an_idle_connection_is_closed_in_its_time_and_not_before(start_gateway, connect, worker):
    client = start_gateway(headers_seconds=0.2, idle=1)
    raw = connect(client).send(THINGS + b"\r\n")
    assert raw.statuses(1) == [200]
    begun = time.monotonic()
    assert raw.statuses() == [200]
    assert 0.9 <= time.monotonic() - begun < 5


def test_a_request_takes_its_time_whatever_the_limits_for_headers_are(start_gateway, connect, worker):
    client = start_gateway(headers_seconds=0.1, idle=0.1, stall=0.1)
    worker.answers["things.get"] = None
    raw = connect(client).send(THING + b"\r\n")
    wait_until(lambda: worker.calls)
    with contextlib.suppress(TimeoutError):
        raw.socket.settimeout(0.5)
        raw.statuses()
    worker.reply_late(b'{"id":1}')
    assert raw.statuses() == [200]


def test_a_refused_request_whose_body_comes_little_by_little_does_not_keep_the_connection(start_gateway, connect):
    client = start_gateway(headers_seconds=0.3, idle=60)
    raw = connect(client).send(CHUNKED.replace(b"all", b"nobody"))
    assert raw.statuses(1) == [401]
    wait_until(lambda: raw.send(b"1\r\na\r\n").closed, 5)


def test_a_connection_whose_request_was_refused_is_of_use_when_its_body_has_come(start_gateway, connect, worker):
    client = start_gateway(headers_seconds=0.3, idle=60)
    raw = connect(client).send(CHUNKED.replace(b"all", b"nobody"))
    assert raw.statuses(1) == [401]
    raw.send(b"0\r\n\r\n")
    with contextlib.suppress(TimeoutError):
        raw.socket.settimeout(1)
        raw.statuses()
    assert raw.send(THINGS + b"\r\n").statuses(2) == [401, 200]


@pytest.mark.parametrize("drop", [b"", b"1\r\na\r\n"], ids=["not at all", "little by little"])
def test_a_body_that_does_not_come_is_not_waited_for(start_gateway, connect, drop):
    client = start_gateway(stall=0.4)
    raw = connect(client).send(CHUNKED)
    begun = time.monotonic()
    while not select.select([raw.socket], [], [], 0.05)[0]:
        raw.send(drop)
        assert time.monotonic() < begun + 5
    assert raw.statuses(1) == [408]


def test_a_client_that_does_not_read_its_answer_is_let_go(start_gateway, connect, worker):
    client = start_gateway(stall=0.5)
    worker.answers["things.list"] = b'"' + b"x" * 15_000_000 + b'"'
    raw = connect(client).send(THINGS + b"\r\n")
    assert select.select([raw.socket], [], [], 10)[0]
    before = open_files()
    wait_until(lambda: open_files() == before - 1)
    raw.statuses()
    assert len(raw.received) < 15_000_000
    assert len(client.get("/things").content) > 15_000_000


# --- how many -------------------------------------------------------------------------------------------------------


@pytest.fixture
def no_grace(monkeypatch):
    """Clients that wait can be pushed out as soon as others come."""
    monkeypatch.setattr("confd_gateway.connections.ASKING_GRACE", 0)
    monkeypatch.setattr("confd_gateway.connections.IDLE_GRACE", 0)


def test_a_client_too_many_is_told_so_at_once_and_the_others_are_answered(start_gateway, connect, worker):
    client = start_gateway(connections=2)
    worker.answers["things.get"] = None
    busy = [connect(client).send(THING + b"\r\n") for _ in range(2)]
    wait_until(lambda: len(worker.calls) == 2)
    begun = time.monotonic()
    raw = connect(client).send(THINGS + b"\r\n")
    assert raw.statuses() == [503]
    assert time.monotonic() - begun < 0.5
    assert b"retry-after: 1\r\n" in raw.received
    assert b'["Overloaded: too many connections"]' in raw.received
    worker.reply_late(b'{"id":1}')
    assert busy[1].statuses(1) == [200]
    busy[1].socket.close()
    wait_until(lambda: connect(client).send(THINGS + b"\r\n").statuses(1) == [200])


def test_clients_that_ask_for_nothing_make_place_for_others_in_the_order_in_which_they_came(
    start_gateway, connect, worker, no_grace
):
    client = start_gateway(connections=2)
    silent = [connect(client).send(opening) for opening in (b"", THINGS)]
    raw = connect(client).send(THINGS + b"\r\n")
    assert raw.statuses(1) == [200]
    assert silent[0].statuses() == []
    assert not silent[1].closed
    assert connect(client).send(THINGS + b"\r\n").statuses(1) == [200]
    wait_until(lambda: silent[1].closed)
    assert not raw.closed


def test_idle_clients_make_place_after_those_that_never_asked(start_gateway, connect, worker, no_grace):
    client = start_gateway(connections=2)
    idle = connect(client).send(THINGS + b"\r\n")
    assert idle.statuses(1) == [200]
    silent = connect(client)
    first, second = [connect(client).send(THINGS + b"\r\n") for _ in range(2)]
    assert (first.statuses(1), second.statuses(1)) == ([200], [200])
    wait_until(lambda: silent.closed and idle.closed)


def test_a_flood_of_silent_connections_does_not_push_out_who_was_just_answered(start_gateway, connect, worker):
    client = start_gateway(connections=2)
    idle = connect(client).send(THINGS + b"\r\n")
    assert idle.statuses(1) == [200]
    for _ in range(100):
        connect(client)
    assert connect(client).send(THINGS + b"\r\n").statuses() == [503]
    assert idle.send(THINGS + b"\r\n").statuses(2) == [200, 200]
    # When those that came first have had their second to ask, others are served.
    wait_until(lambda: connect(client).send(THINGS + b"\r\n").statuses(1) == [200], 5)


def test_of_clients_too_many_only_the_last_ones_are_waited_for(start_gateway, connect, worker, monkeypatch):
    monkeypatch.setattr("confd_gateway.connections.MOST_LEAVING", 4)
    monkeypatch.setattr("confd_gateway.connections.LEAVING_SECONDS", 60)
    client = start_gateway(connections=2)
    before = open_files()
    flood = [connect(client) for _ in range(100)]
    wait_until(lambda: open_files() - before <= len(flood) + 2 + 4)
    assert [flood[number].statuses() for number in (2, 50)] == [[503], [503]]
    assert not flood[-1].closed


def test_so_many_clients_are_served_as_files_may_be_open(monkeypatch):
    def with_limit(files, wanted=0):
        monkeypatch.setattr("resource.getrlimit", lambda _: (files, files))
        return most_connections(wanted)

    assert [with_limit(files) for files in (256, 1024, 1_048_576, 64)] == [128, 896, 10_000, 32]
    assert (with_limit(1024, 500), with_limit(-1, 20_000), with_limit(-1)) == (500, 20_000, 10_000)
    with pytest.raises(
        ConfigurationError, match=r"CONFD_HTTP_CONNECTIONS\): 897 need a limit of 1025 open files.* 1024"
    ):
        with_limit(1024, 897)


# --- uvicorn --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["on_headers_complete", "send_400_response"])
def test_another_uvicorn_is_refused_with_what_it_lacks(monkeypatch, name):
    check_uvicorn()
    monkeypatch.delattr(HttpToolsProtocol, name)
    monkeypatch.setattr("confd_gateway.protocol._names", lambda kind: set(dir(kind)) | {"url"})
    with pytest.raises(ConfigurationError, match=f"uvicorn .* has no .*HttpToolsProtocol.{name}"):
        server_config(None, GatewaySettings(amqp_uri="amqp://localhost/"))
