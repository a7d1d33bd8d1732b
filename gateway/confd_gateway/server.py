"""Runs the gateway until it is told to stop."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from math import ceil
from typing import cast

import structlog
import uvicorn
from starlette.types import ASGIApp

from .application import create_app
from .connections import Connections, most_connections
from .protocol import HTTPConnection, check_uvicorn
from .settings import GatewaySettings

__all__ = ["serve", "server_config"]

BACKLOG = 1024
# Bytes of memory, once used, that stay with the process.
KEPT_MEMORY = 16 * 1024 * 1024

_log = structlog.get_logger(__name__)


def serve(settings: GatewaySettings) -> None:
    """Listen and answer until SIGTERM or SIGINT; then take no new request, finish those running, and return.

    Raises:
        ConfigurationError: the settings are not usable.
        OSError: the address cannot be listened on; the text names it.
    """
    _keep_memory()
    app = create_app(settings)
    listener = _listen(settings.host, settings.port)
    server = uvicorn.Server(server_config(app, settings))
    with listener, _signals_stop(server):
        _log.info("gateway_listens", host=settings.host, port=listener.getsockname()[1])
        server.run(sockets=[listener])
    _log.info("gateway_stopped")


def server_config(app: ASGIApp, settings: GatewaySettings) -> uvicorn.Config:
    """How uvicorn serves the application.

    Raises:
        ConfigurationError: more connections are wanted than are possible, or uvicorn is not made as expected.
    """
    check_uvicorn()
    connections = Connections(
        most_connections(settings.connections),
        headers_seconds=settings.headers_seconds,
        idle_seconds=settings.idle,
        stall_seconds=settings.stall,
    )
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=cast(type[asyncio.Protocol], partial(HTTPConnection, connections)),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        # The connections look at the time themselves, and earlier.
        timeout_keep_alive=ceil(settings.idle) + 1,
        timeout_graceful_shutdown=max(1, round(settings.drain)),
    )


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
