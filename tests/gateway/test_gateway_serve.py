"""The gateway as a process."""

import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager

import httpx
import pytest
from confd_gateway import GatewaySettings, serve
from gateway_fakes import wait_until

PROGRAM = """
import sys
from confd_gateway import GatewaySettings, application, serve
from gateway_fakes import RESOURCES
application.discover = lambda: RESOURCES
serve(GatewaySettings(amqp_uri=sys.argv[1], auth_mode="none", port=0))
"""


@contextmanager
def running(amqp_uri):
    """The process, and the port that it listens on."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, amqp_uri], stdout=subprocess.PIPE, text=True, cwd=__file__.rpartition("/")[0]
    )
    try:
        yield process, _port(process)
    finally:
        process.kill()
        process.communicate()


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


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
