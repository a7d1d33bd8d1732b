"""Runs the gateway until it is told to stop."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn

from .application import create_app
from .settings import GatewaySettings

__all__ = ["serve"]

BACKLOG = 1024

_log = structlog.get_logger(__name__)


def serve(settings: GatewaySettings) -> None:
    """Listen and answer until SIGTERM or SIGINT; then take no new request, finish those running, and return.

    Raises:
        ConfigurationError: the settings are not usable.
        OSError: the address cannot be listened on; the text names it.
    """
    app = create_app(settings)
    listener = _listen(settings.host, settings.port)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
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
