"""The frames of calls and replies, written and read at once; all other frames are aiormq's."""

import asyncio
import struct
from functools import lru_cache
from typing import Any, Protocol, cast

import pamqp.frame
from aiormq import spec
from aiormq.connection import URL, TransportFactory
from pamqp import encode
from pamqp.common import FieldTable
from pamqp.header import ContentHeader

__all__ = ["CALLS", "RPC_EXCHANGE", "Opening", "Wire", "call_frames", "call_properties"]

RPC_EXCHANGE = "nameko-rpc"
CALLS = 1
"""Number of the channel that calls and their replies go through."""

METHOD, HEADER, BODY, HEARTBEAT = KINDS = (1, 2, 3, 8)
START, END = struct.Struct(">BHI"), b"\xce"
FRAME_OVERHEAD = START.size + len(END)
DELIVER, RETURN, ACK, NACK = (
    kind.index.to_bytes(4, "big") for kind in (spec.Basic.Deliver, spec.Basic.Return, spec.Basic.Ack, spec.Basic.Nack)
)
CONFIRMATION = struct.Struct(">4xQB")
SIGN_OF_LIFE = START.pack(HEARTBEAT, 0, 0) + END

CONTENT_START = struct.Struct(">HHQH")
# Content type and encoding, headers, delivery mode, correlation id, reply-to and expiration are there.
FLAGS = 0b1111_0111 << 8
CONTENT_TYPE = encode.short_string("application/json") + encode.short_string("utf-8")
TRANSIENT = b"\x01"


class Calls(Protocol):
    """Who learns of what comes back."""

    def replied(self, key: str | None, body: bytes) -> None:
        """A reply came."""

    def returned(self, key: str | None, routing_key: str) -> None:
        """The broker knows of no queue for a call."""

    def confirmed(self, number: int, *, multiple: bool, taken: bool) -> None:
        """The broker took a call, or all up to it, or did not."""


def call_properties(key: str, size: int, reply_to: str, expiration: str, headers: FieldTable) -> bytes:
    """What goes before the body of a call, in one frame.

    Args:
        size: of the body, in bytes.
        expiration: milliseconds that the call may wait in its queue.
    """
    return (
        CONTENT_START.pack(spec.Basic.frame_id, 0, size, FLAGS)
        + CONTENT_TYPE
        + encode.field_table(headers)
        + TRANSIENT
        + encode.short_string(key)
        + encode.short_string(reply_to)
        + encode.short_string(expiration)
    )


def call_frames(routing_key: str, properties: bytes, body: bytes, limit: int, exchange: str = RPC_EXCHANGE) -> bytes:
    """A call as it goes over the wire.

    Args:
        limit: bytes that a frame may have, beside its own.
    """
    pieces = [body[start : start + limit] for start in range(0, len(body), limit)]
    return b"".join(
        [_publish(exchange, routing_key), _frame(HEADER, properties), *(_frame(BODY, piece) for piece in pieces)]
    )


@lru_cache(maxsize=4096)
def _publish(exchange: str, routing_key: str) -> bytes:
    return pamqp.frame.marshal(spec.Basic.Publish(exchange=exchange, routing_key=routing_key, mandatory=True), CALLS)


def _frame(kind: int, payload: bytes) -> bytes:
    return START.pack(kind, CALLS, len(payload)) + payload + END


class Wire(asyncio.StreamReaderProtocol):
    """A connection to the broker, as the event loop sees it.

    Args:
        reader: gets all frames but those of calls.

    Attributes:
        calls: gets those, once there are any.
        transport: what calls are written to.
    """

    transport: asyncio.Transport

    def __init__(self, reader: asyncio.StreamReader, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(reader, loop=loop)
        self.calls: Calls | None = None
        self._loop = loop
        self._told = loop.time()
        self._buffer = bytearray()
        # Of the message that is being read.
        self._return: spec.Basic.Return | None = None
        self._key: str | None = None
        self._pieces: list[bytes] = []
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a connection."""
        super().connection_made(transport)
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Take the frames that are whole."""
        self._buffer += data
        at = 0
        with memoryview(self._buffer) as received:
            while at + FRAME_OVERHEAD <= len(received):
                kind, channel, size = START.unpack_from(received, at)
                # What is no frame at all is aiormq's to refuse.
                end = at + FRAME_OVERHEAD + size if kind in KINDS else len(received)
                if end > len(received):
                    break
                payload = bytes(received[at + START.size : end - len(END)])
                if channel != CALLS or received[end - 1] != END[0] or not self._take(kind, payload):
                    super().data_received(bytes(received[at:end]))
                at = end
        del self._buffer[:at]
        # The broker sends no heartbeat while it sends anything, and aiormq does not see all of it.
        if self._loop.time() > self._told + 1 and self.calls is not None:
            self._told = self._loop.time()
            super().data_received(SIGN_OF_LIFE)

    def _take(self, kind: int, payload: bytes) -> bool:
        """Whether a frame was one of calls."""
        if self.calls is None or kind not in (METHOD, HEADER, BODY):
            return False
        if kind == METHOD:
            return self._take_method(self.calls, payload)
        if kind == HEADER:
            header = ContentHeader()
            header.unmarshal(payload)
            self._key, self._missing = header.properties.correlation_id, header.body_size
            self._pieces.clear()
        else:
            self._pieces.append(payload)
            self._missing -= len(payload)
        if self._missing <= 0:
            self._end_message(self.calls)
        return True

    def _take_method(self, calls: Calls, payload: bytes) -> bool:
        index = payload[:4]
        if index == DELIVER:
            self._return = None
        elif index == RETURN:
            self._return = spec.Basic.Return()
            self._return.unmarshal(payload[4:])
        elif index in (ACK, NACK):
            number, bits = CONFIRMATION.unpack_from(payload)
            calls.confirmed(number, multiple=bool(bits & 1), taken=index == ACK)
        else:
            return False
        return True

    def _end_message(self, calls: Calls) -> None:
        if self._return is not None:
            calls.returned(self._key, self._return.routing_key or "")
        else:
            calls.replied(self._key, self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces))
        self._pieces.clear()


class Opening(TransportFactory):
    """Opens a connection for aiormq, and keeps its `wire`."""

    wire: Wire

    async def create(self, url: URL, **options: Any) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The streams that aiormq reads and writes; raises OSError."""
        loop = asyncio.get_running_loop()
        tls = await options["ssl_context_provider"].get_context() if url.scheme == "amqps" else None
        reader = asyncio.StreamReader(loop=loop)
        address = url.host or "localhost", url.port or 0
        transport, self.wire = await loop.create_connection(lambda: Wire(reader, loop), *address, ssl=tls)
        return reader, asyncio.StreamWriter(transport, self.wire, reader, loop)
