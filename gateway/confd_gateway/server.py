"""Runs the gateway until it is told to stop."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .application import create_app
from .settings import GatewaySettings
from .writes import JoinedWrites

__all__ = ["serve"]

BACKLOG = 1024
# Bytes of memory, once used, that stay with the process.
KEPT_MEMORY = 16 * 1024 * 1024

_log = structlog.get_logger(__name__)


class _Protocol(HttpToolsProtocol):
    """Sends the head of an answer and its body together."""

    def connection_made(self, transport: Any) -> None:
        self._writes = JoinedWrites(transport, self.loop)
        super().connection_made(cast(asyncio.Transport, self._writes))

    def eof_received(self) -> None:
        # The transport closes itself after this.
        self._writes.flush()


def serve(settings: GatewaySettings) -> None:
    """Listen and answer until SIGTERM or SIGINT; then take no new request, finish those running, and return.

    Raises:
        ConfigurationError: the settings are not usable.
        OSError: the address cannot be listened on; the text names it.
    """
    _keep_memory()
    app = create_app(settings)
    listener = _listen(settings.host, settings.port)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=_Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=max(1, round(settings.drain)),
    )
    server = uvicorn.Server(config)
    with listener, _signals_stop(server):
        _log.info("gateway_listens", host=settings.host, port=listener.getsockname()[1])
        server.run(sockets=[listener])
    _log.info("gateway_stopped")


def _keep_memory() -> None:
    """Teach glibc not to hand memory back to the system after each large reply, and ask for it again for the next.

    It raises its thresholds to the size of the largest block that was freed (mallopt(3)).
    """
    bytearray(KEPT_MEMORY)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {error.strerror or error}") from None


@contextmanager
def _signals_stop(server: uvicorn.Server) -> Iterator[None]:
    """Uvicorn raises the signal that stopped it once more when it has stopped; that must not kill the process."""

    def stop(*_: object) -> None:
        server.should_exit = True

    kept = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
