"""A system daemon for tests."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from confd_worker.embedded import free_port

__all__ = ["Daemon"]


class Daemon:
    """A system daemon that notes what it is asked, and fails as often as it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.failures, self.failure = 0, 500
        daemon = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                address = urlsplit(self.path)
                content = self.rfile.read(int(self.headers.get("content-length", 0)))
                status = daemon.failure if daemon.failures else 200
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

        self._handler = Handler
        self._port = free_port()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Begin to listen."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def reloads(self) -> list[list[str]]:
        """The commands of each request to reload."""
        return [told["ipbx"] for _, path, told in self.asked if path == "/exec_request_handlers"]
