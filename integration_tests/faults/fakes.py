"""What stands between or beside the parts of the system, and misbehaves on demand."""

import contextlib
import json
import select
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from confd_worker.conformance.system import MASTER_TENANT

__all__ = ["AuthServer", "Cutter", "Fake", "SystemDaemon"]

# The end of a query that commits, as a client of PostgreSQL sends it.
COMMIT = b"COMMIT\x00"
LOOPBACK = "127.0.0.1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: ClassVar["Fake"]

    def _answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        time.sleep(self.fake.delay)
        status, answer = self.fake.failure, None
        if status is None:
            status, answer = self.fake.answer(self.command, self.path, content, dict(self.headers))
        body = b"" if answer is None else json.dumps(answer).encode()
        with contextlib.suppress(OSError):
            self.send_response(status)
            if status != 204:
                self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_DELETE = _answer

    def log_message(self, *words: object) -> None:
        """Be quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no news."""


class Fake:
    """An HTTP server on a port of its own.

    Attributes:
        delay: seconds that each answer takes.
        failure: status of each answer; None to answer well.
    """

    delay: float = 0
    failure: int | None = None

    def __init__(self) -> None:
        self._server = _Server((LOOPBACK, 0), type("Handler", (_Handler,), {"fake": self}))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        """Status and JSON of a good answer."""
        raise NotImplementedError


class AuthServer(Fake):
    """An authentication server for which every token is that of the master tenant, and may do everything."""

    def answer(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        """As a wazo-auth server does."""
        if method == "HEAD":
            return 204, None
        if path.startswith("/0.1/tenants"):
            chosen = {name.lower(): value for name, value in headers.items()}.get("wazo-tenant", MASTER_TENANT)
            return 200, {"items": [{"uuid": chosen}]}
        metadata = {"tenant_uuid": MASTER_TENANT, "uuid": None}
        return 200, {"data": {"token": "token", "session_uuid": None, "metadata": metadata}}


class SystemDaemon(Fake):
    """A system daemon that notes what it is asked.

    Attributes:
        asked: path and content of each request that it took.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        super().__init__()

    def answer(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        """Take everything."""
        address = urlsplit(path)
        self.asked.append((address.path, json.loads(content) if content else dict(parse_qsl(address.query))))
        return 200, {}

    def deleted_mailboxes(self) -> set[str]:
        """The numbers of the mailboxes that it was told to delete."""
        return {told["mailbox"] for path, told in list(self.asked) if path == "/delete_voicemail"}


class Cutter:
    """Stands before a PostgreSQL server, and cuts connections between a commit and its answer.

    Args:
        port: of the server.
    """

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._listener = socket.create_server((LOOPBACK, 0))
        self._wanted = 0
        self._lock = threading.Lock()
        self.cuts = 0
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def cut(self, commits: int) -> None:
        """Let the answers to so many commits be lost, from now on."""
        with self._lock:
            self._wanted += commits

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection((LOOPBACK, self._server_port)) as server:
            while True:
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    (server if source is client else client).sendall(data)
                    if source is client and data.endswith(COMMIT) and self._take():
                        server.recv(65536)
                        self.cuts += 1
                        return

    def _take(self) -> bool:
        with self._lock:
            if self._wanted == 0:
                return False
            self._wanted -= 1
            return True
