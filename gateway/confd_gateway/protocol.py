"""HTTP as one client speaks it, within limits; uvicorn's own takes whatever is sent, for as long as it takes."""

import asyncio
import inspect
from collections import deque
from collections.abc import Iterable
from typing import Any, cast

import structlog
import uvicorn
from starlette.responses import Response
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from .connections import Connections
from .errors import BadBody, Failure, Full, HeadersTooLarge, LineTooLong, SlowHeaders
from .replies import failure_response
from .settings import ConfigurationError
from .writes import JoinedWrites

__all__ = ["HTTPConnection", "check_uvicorn"]

# Of request line and headers together; as well of trailers, or of what else between pieces of a body is not content.
MOST_BYTES = 64 * 1024
# Each is a few objects, however short.
MOST_HEADERS = 256
# Of a request line, what is not its URL: the method, the version, blanks.
REST_OF_LINE = 64
# The parser gets so much at once, and then it is looked at what it has made of it.
PIECE = 16 * 1024
# Requests of one client that may wait while an earlier one is answered.
MOST_WAITING = 32

# What uvicorn does not promise to keep, and what is used here.
USED: dict[type, Iterable[str]] = {
    HttpToolsProtocol: (
        "connection_made", "connection_lost", "data_received", "eof_received", "on_headers_complete", "on_body",
        "on_message_complete", "on_response_complete", "send_400_response", "shutdown", "url", "headers", "cycle",
        "pipeline", "flow", "parser", "transport", "loop", "server_state",
    ),
    RequestResponseCycle: ("response_started", "response_complete", "disconnected", "keep_alive", "message_event"),
    FlowControl: ("pause_reading", "resume_reading"),
}  # fmt: skip

_log = structlog.get_logger(__name__)


class HTTPConnection(HttpToolsProtocol):
    """One client: counts what it sends, tells `connections` what it is about, and writes each answer as one piece.

    A client that goes beyond a limit is told so, unless it waits for an answer; then that is its last one.
    """

    def __init__(self, connections: Connections, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._connections = connections
        self.url = b""
        self.headers = []
        # Bytes since the last request, or the last piece of a body, ended.
        self._count = 0
        self._in_body = False
        self._has_place = True
        self._listens = True

    def connection_made(self, transport: Any) -> None:
        """As the event loop calls it."""
        self._writes = _Writes(transport, self.loop, self)
        super().connection_made(cast(asyncio.Transport, self._writes))
        self.flow = _Flow(cast(asyncio.Transport, self._writes), self.pipeline)
        self._has_place = self._connections.opened(self, self.loop)

    def connection_lost(self, exc: Exception | None) -> None:
        """As the event loop calls it."""
        self._connections.closed(self)
        super().connection_lost(exc)

    def eof_received(self) -> None:
        """As the event loop calls it; the transport closes itself after this."""
        self._writes.flush()

    def data_received(self, data: bytes) -> None:
        """As the event loop calls it."""
        if not self._has_place:
            self._refuse(Full())
        at = 0
        while at < len(data) and self._listens:
            piece = data[at : at + min(PIECE, MOST_BYTES - self._count)]
            at += len(piece)
            self._count += len(piece)
            super().data_received(piece)
            if self._count >= MOST_BYTES or len(self.headers) > MOST_HEADERS:
                self._refuse(self._excess())
        if self._count and self._listens:
            self._connections.begins_to_ask(self, self.loop.time())

    def on_headers_complete(self) -> None:
        """As the parser calls it."""
        if len(self.headers) > MOST_HEADERS or len(self.pipeline) >= MOST_WAITING:
            raise _TooMany
        super().on_headers_complete()
        # What comes as a header from now on is a trailer, and nothing that a proxy has looked at.
        self.headers = []
        self._count = 0
        self._in_body = True
        if self.parser.should_upgrade():
            # What follows is another protocol, and so no next request.
            self._listens = self.cycle.keep_alive = False
        self._connections.asked(self)

    def on_body(self, body: bytes) -> None:
        """As the parser calls it."""
        self._count = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """As the parser calls it."""
        self._count = 0
        self._in_body = False
        super().on_message_complete()
        if self.cycle.response_complete:
            self._connections.answered(self, self.loop.time(), whole=True)

    def on_response_complete(self) -> None:
        """As uvicorn calls it."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        # As uvicorn does it, without a timer of its own for each answer.
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._connections.answered(self, self.loop.time(), whole=not self._in_body)

    def send_400_response(self, msg: str) -> None:
        """What has come is no HTTP, or more than the parser was to go on with."""
        self._refuse(self._excess() if len(self.headers) > MOST_HEADERS else BadBody())

    def end(self) -> None:
        """It has asked for nothing in its time: close the connection."""
        if self._listens and not self._has_place:
            self._listens = False
            self.transport.write(self._last_words(Full()))
        elif self._listens and self._count and not self._in_body:
            self._refuse(SlowHeaders())
            return
        self.transport.close()

    def abort(self) -> None:
        """Close at once."""
        self.transport.abort()

    def is_sending(self) -> bool:
        """Whether the client was answered and its request has not ended."""
        return self._listens and self._in_body and self.cycle.response_complete

    def let_read(self) -> None:
        """Drop what the client still sends until it has read what was written, or could: else it might not."""
        self._listens = False
        self.transport.write_eof()
        self._connections.leaves(self, self.loop.time())

    def unsent(self) -> int:
        """Bytes that were written and that the client has not taken."""
        return self.transport.get_write_buffer_size()

    def _excess(self) -> Failure:
        in_line = not self._in_body and len(self.url) > MOST_BYTES - REST_OF_LINE
        return LineTooLong(MOST_BYTES) if in_line else HeadersTooLarge(MOST_BYTES, MOST_HEADERS)

    def _refuse(self, failure: Failure) -> None:
        """Listen to nothing more, and say why where the client cannot take it for the answer to something else."""
        if not self._listens:
            return
        self._listens = False
        if self._has_place:
            _log.info("request_refused", status=failure.status, client=self.client and self.client[0])
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            if not self._in_body:
                self.transport.write(self._last_words(failure))
            self.let_read()
        elif self._in_body and self.pipeline:
            self.pipeline[0] = (cycle, cast(Any, _last_response(failure)))
        elif self._in_body and not cycle.response_started:
            cycle.disconnected = True
            cycle.message_event.set()
            self.transport.write(self._last_words(failure))
            self.let_read()
        else:
            cycle.keep_alive = False

    def _last_words(self, failure: Failure) -> bytes:
        response = _last_response(failure)
        headers = (*self.server_state.default_headers, *response.raw_headers)
        lines = (b"%b: %b\r\n" % header for header in headers)
        return b"".join((STATUS_LINE[failure.status], *lines, b"\r\n", response.body))


class _TooMany(Exception):
    """Headers, or requests that wait; it ends what the parser does."""


class _Writes(JoinedWrites):
    """Closes the connection to a client that still sends only when that has had time to read its answer."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, client: HTTPConnection) -> None:
        super().__init__(transport, loop)
        self._client = client

    def close(self) -> None:
        """Close once all is written."""
        if self._client.is_sending():
            self._client.let_read()
        else:
            super().close()


class _Flow(FlowControl):
    """Reads nothing while requests wait that were read.

    Args:
        waiting: those requests.
    """

    def __init__(self, transport: asyncio.Transport, waiting: deque[Any]) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        """Read on, if nothing waits."""
        if not self._waiting:
            super().resume_reading()


def check_uvicorn() -> None:
    """Look whether the installed uvicorn is made as it was when this module was written.

    Raises:
        ConfigurationError: it is not.
    """
    missing = [f"{kind.__name__}.{name}" for kind, names in USED.items() for name in set(names) - _names(kind)]
    if missing:
        raise ConfigurationError(
            f"uvicorn {uvicorn.__version__} has no {', '.join(sorted(missing))}, by which the gateway keeps limits; "
            "install one that was tried, such as uvicorn==0.54.0"
        )


def _names(kind: type) -> set[str]:
    """All attributes of a class, and those that its methods give to its instances, or use."""
    methods = [each for each in vars(kind).values() if inspect.isfunction(each)]
    return {*dir(kind), *(name for method in methods for name in method.__code__.co_names)}


def _last_response(failure: Failure) -> Response:
    response = failure_response(failure)
    response.headers["connection"] = "close"
    return response
