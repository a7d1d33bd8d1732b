"""Load over HTTP/1.1: bare sockets, kept alive, with one request each in flight, in a process of its own."""

import json
import selectors
import socket
import time

from .calls import Call
from .figures import Load

__all__ = ["run"]

_TIMEOUT = 60


def run(
    port: int, token: str, call: Call, first: int, connections: int, seconds: float, calls: int | None = None
) -> Load:
    """Make requests for so long.

    Args:
        port: of the gateway on this machine.
        token: goes into X-Auth-Token.
        first: number of the first call.
        connections: how many to use; each waits for its answer before it asks again.
        calls: how many to make at the most.

    Raises:
        RuntimeError: a request was answered with an error.
        TimeoutError: an answer did not come.
    """
    head = f"Host: 127.0.0.1:{port}\r\nX-Auth-Token: {token}\r\nWazo-Tenant: {call.tenant}\r\n"
    numbers = iter(range(first, first + (calls or 1 << 40)))
    latencies: list[float] = []
    with selectors.DefaultSelector() as selector:
        links = [_Link(port) for _ in range(connections)]
        begun, cpu = time.perf_counter(), time.process_time()
        waiting = 0
        for link in links:
            selector.register(link.socket, selectors.EVENT_READ, link)
            waiting += link.ask(call, head, numbers)
        while waiting:
            ready = selector.select(_TIMEOUT)
            if not ready:
                raise TimeoutError(f"{call.name}: no answer over HTTP")
            for key, _ in ready:
                link = key.data
                if link.read(call):
                    latencies.append(time.perf_counter() - link.asked)
                    waiting -= 1
                    if time.perf_counter() < begun + seconds:
                        waiting += link.ask(call, head, numbers)
        took = time.perf_counter() - begun, time.process_time() - cpu
        for link in links:
            link.socket.close()
    return Load(latencies, *took)


class _Link:
    """A connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.asked = 0.0
        self._answer = bytearray()

    def ask(self, call: Call, head: str, numbers: "range | object") -> bool:
        """Send the next request; False where there is none."""
        number = next(numbers, None)  # type: ignore[call-overload]
        if number is None:
            return False
        assert call.request is not None
        verb, path, body = call.request(number)
        content = b"" if body is None else json.dumps(body).encode()
        more = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n" if content else ""
        self._answer.clear()
        self.asked = time.perf_counter()
        self.socket.sendall(f"{verb} /1.1{path} HTTP/1.1\r\n{head}{more}\r\n".encode() + content)
        return True

    def read(self, call: Call) -> bool:
        """Take in what has come; whether the answer is whole. Raises RuntimeError for an error."""
        came = self.socket.recv(1 << 18)
        if not came:
            raise RuntimeError(f"{call.name}: the gateway closed the connection")
        self._answer += came
        end = self._answer.find(b"\r\n\r\n")
        if end < 0:
            return False
        if self._answer[9:10] != b"2":
            raise RuntimeError(f"{call.name}: {bytes(self._answer[:400]).decode()}")
        head = bytes(self._answer[:end]).lower()
        _, found, length = head.partition(b"content-length:")
        return len(self._answer) >= end + 4 + (int(length.split(b"\r\n")[0]) if found else 0)
