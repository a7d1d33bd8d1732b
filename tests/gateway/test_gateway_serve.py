"""The gateway as a process."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest
from confd_gateway import GatewaySettings, serve
from gateway_fakes import wait_until

PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[2]),) * 2)
from confd_gateway import GatewaySettings, application, serve
from gateway_fakes import RESOURCES
application.discover = lambda: RESOURCES
serve(GatewaySettings(amqp_uri=sys.argv[1], auth_mode="none", port=0))
"""


GET = b"GET /1.1/nothing HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /1.1/rows HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
MEGABYTE = 1_000_000


@contextmanager
def running(amqp_uri, files=1024):
    """The process, and the port that it listens on."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, amqp_uri, str(files)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=__file__.rpartition("/")[0],
    )
    try:
        port = _port(process)
        # Nobody reads the rest, and it must not fill the pipe.
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield process, port
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_gateway_finishes_what_runs_and_ends_well(amqp_uri, worker, number):
    worker.answers["things.get"] = None
    with running(amqp_uri) as (process, port):
        answers: list[httpx.Response] = []
        url = f"http://127.0.0.1:{port}/1.1"
        asking = threading.Thread(target=lambda: answers.append(httpx.get(f"{url}/things/1", timeout=20)))
        asking.start()
        wait_until(lambda: worker.calls)
        process.send_signal(number)
        wait_until(lambda: not _listens(port))
        worker.reply_late(b'{"id":1}')
        asking.join(10)
        assert answers[0].json() == {"id": 1}
        assert process.wait(10) == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_client_that_has_ended_its_side_is_answered(amqp_uri, worker, method):
    with running(amqp_uri) as (_, port), socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"{method} /1.1/nothing HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.makefile("rb").read().startswith(b"HTTP/1.1 404 ")


def test_a_stopped_gateway_does_not_wait_for_clients_that_ask_nothing(amqp_uri):
    with running(amqp_uri) as (process, port), ExitStack() as opened:
        for opening in (b"", GET, GET + b"\r\n", POST.replace(b"rows", b"nothing")):
            opened.enter_context(_connected(port)).sendall(opening)
        assert _status(port, GET) == 404
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - begun < 3


def test_more_connections_than_open_files_do_not_keep_real_clients_out(amqp_uri):
    with running(amqp_uri, files=256) as (process, port), ExitStack() as opened:
        known = httpx.Client(base_url=f"http://127.0.0.1:{port}/1.1")
        assert known.get("/nothing").status_code == 404
        for _ in range(400):
            opened.enter_context(_connected(port))
        begun = time.monotonic()
        assert _status(port, GET) in (404, 503)
        assert time.monotonic() - begun < 0.5
        assert known.get("/nothing").status_code == 404
        wait_until(lambda: _status(port, GET) == 404, 5)
        assert [_status(port, GET) for _ in range(100)] == [404] * 100
        assert len(os.listdir(f"/proc/{process.pid}/fd")) < 256


NEVER_ENDING = {
    "small headers": (GET, b"a: b\r\n"),
    "one header": (GET + b"X: ", b"x"),
    "a url": (b"GET /", b"x"),
    "nothing but line ends": (b"", b"\r\n"),
    "trailers": (POST + b"0\r\n", b"a: b\r\n"),
    "an extension of a chunk": (POST + b"1;x=", b"x"),
    "requests": (GET + b"\r\n", b"GET / HTTP/1.1\r\n\r\n"),
    "requests behind a body": (POST.replace(b"\r\n\r\n", b"\r\n\r\n3\r\n"), b"GET / HTTP/1.1\r\n\r\n"),
}


@pytest.mark.parametrize("kind", NEVER_ENDING)
def test_what_never_ends_takes_neither_memory_nor_time(amqp_uri, kind):
    opening, rest = NEVER_ENDING[kind]
    with running(amqp_uri) as (process, port), ExitStack() as opened:
        assert _status(port, GET) == 404
        before, busy = _resident(process), _busy(process)
        for _ in range(3):
            connection = opened.enter_context(_connected(port))
            # What is sent further does not arrive, or is dropped.
            with suppress(OSError):
                connection.settimeout(0.5)
                connection.sendall(opening)
                for _ in range(30):
                    connection.sendall(rest * (MEGABYTE // len(rest)))
        assert _status(port, GET) == 404
        assert _resident(process) - before < 10 * MEGABYTE
        assert _busy(process) - busy < 2


def test_an_address_in_use_is_named(tokens_file):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
            serve(GatewaySettings(amqp_uri="amqp://localhost/", auth_mode="static", auth_tokens=tokens_file, port=port))


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        found = re.search(r"gateway_listens.*port\D*=\D*(?:\[\d+m)?(\d+)", line)
        if found:
            return int(found[1])
    raise AssertionError("the gateway did not start")


def _connected(port):
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def _status(port, head):
    """Of the answer to a request on a connection of its own."""
    with _connected(port) as connection:
        connection.sendall(head + b"Connection: close\r\n\r\n")
        return int(connection.makefile("rb").readline().split()[1])


def _resident(process):
    """Bytes of memory of a process."""
    with open(f"/proc/{process.pid}/statm") as told:
        return int(told.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _busy(process):
    """Seconds that a process has computed."""
    with open(f"/proc/{process.pid}/stat") as told:
        return sum(int(ticks) for ticks in told.read().rpartition(")")[2].split()[11:13]) / os.sysconf("SC_CLK_TCK")


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
