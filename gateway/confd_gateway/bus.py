"""RPC calls over AMQP, in nameko's wire format, many at once over one connection that comes back by itself."""

import asyncio
import contextlib
import itertools
import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import aiormq
import msgspec
import structlog
from aiormq import spec
from aiormq.abc import DeliveredMessage
from pamqp.common import FieldTable

from .errors import BusUnavailable, MessageTooLarge, NoAnswer, OutcomeUnknown, Overloaded, UnknownService
from .frames import CALLS, RPC_EXCHANGE, Opening, Wire, call_frames, call_properties
from .settings import MESSAGE_LIMIT

__all__ = ["Bus"]

HEARTBEAT = 10
CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 1.0
FIRST_RETRY, LAST_RETRY = 0.1, 2.0
EVENTS = 2
# How long replies may go astray that come through an exchange which somebody has deleted.
BIND_SECONDS = 3.0
# While the broker takes nothing, calls pile up here; beyond this many, or so many bytes, they are refused.
MAX_IN_FLIGHT, MAX_UNSENT = 10_000, 64 * 1024 * 1024

_log = structlog.get_logger(__name__)

OnEvent = Callable[[str, Any], None]


class Bus:
    """The connection to the broker.

    Args:
        amqp_uri: `amqp://user:password@host:port/vhost`.
        message_limit: bytes of a message that the broker takes; it ends all calls with a channel that sends more.
        rpc_exchange: topic exchange of calls and replies.
        prefix: what the names of services begin with on the bus.
        events_exchange: headers exchange to listen to.
        events: names of the events that `on_event` is called with, and their payloads.
        on_lost: called when events may have been missed.
    """

    def __init__(
        self,
        amqp_uri: str,
        *,
        message_limit: int = MESSAGE_LIMIT,
        rpc_exchange: str = RPC_EXCHANGE,
        prefix: str = "",
        events_exchange: str = "wazo-headers",
        events: Sequence[str] = (),
        on_event: OnEvent = lambda name, payload: None,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        self._amqp_uri = amqp_uri
        self._message_limit = message_limit
        self._rpc_exchange, self._prefix = rpc_exchange, prefix
        self._events_exchange = events_exchange
        self._events = events
        self._on_event = on_event
        self._on_lost = on_lost
        self._link: _Link | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self._reason = "not connected yet"

    @property
    def connected(self) -> bool:
        """Whether calls can be sent now."""
        return self._link is not None

    @property
    def in_flight(self) -> int:
        """How many calls wait for their answer."""
        return len(self._link.calls.pending) if self._link else 0

    async def start(self) -> None:
        """Connect, and stay connected until `stop`; comes back after the first attempt, whatever came of it."""
        # What aiormq says of a lost connection is said here, once.
        logging.getLogger("aiormq").setLevel(logging.CRITICAL)
        self._keeper = asyncio.create_task(self._keep())
        await self._tried.wait()

    async def stop(self) -> None:
        """Close the connection; calls in flight fail."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    def send(
        self, method: str, arguments: Mapping[str, Any], headers: Mapping[str, Any], timeout: float
    ) -> "asyncio.Future[bytes]":
        """Send a call; the future ends with the reply as it came, in `timeout` seconds at the latest.

        Args:
            method: full RPC name, such as `users.get`.
            arguments: by name; values are encoded as JSON.
            headers: the context, with nameko's prefix.

        Raises (the future as well):
            BusUnavailable, MessageTooLarge, Overloaded: it was not sent, or not taken.
            NoAnswer, OutcomeUnknown, UnknownService: there is no answer.
        """
        link = self._link
        if link is None:
            raise BusUnavailable(self._reason)
        key = str(uuid.uuid4())
        body = msgspec.json.encode({"args": (), "kwargs": arguments})
        if len(body) > self._message_limit:
            raise MessageTooLarge(method, "a call", len(body), self._message_limit)
        told = {
            **headers,
            "nameko.call_id_stack": [f"{method}.{key}"],
            # Text: AMQP tables have no portable way to write a float.
            "nameko.deadline": f"{time.time() + timeout:.3f}",
        }
        return link.calls.send(key, method, body, link.reply_to, told, timeout)

    async def _keep(self) -> None:
        delay = FIRST_RETRY
        while True:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    link = await self._open()
            except Exception as error:
                # Anything at all: a socket that closes early makes aiormq raise StopAsyncIteration.
                self._lost(error)
                await asyncio.sleep(delay)
                delay = min(delay * 2, LAST_RETRY)
                continue
            delay = FIRST_RETRY
            self._link = link
            self._tried.set()
            _log.info("bus_connected")
            try:
                self._lost(await link.ended())
            finally:
                self._link = None
                await link.close()

    async def _open(self) -> "_Link":
        connection = _Connection(_with_heartbeat(self._amqp_uri))
        try:
            await connection.connect()
            return await _Link.open(
                connection, self._rpc_exchange, self._prefix, self._listen if self._events else None
            )
        except BaseException:
            await _close(connection)
            raise

    def _lost(self, error: BaseException | None) -> None:
        self._link = None
        reason = _reason(error)
        if reason != self._reason:
            _log.warning("bus_lost", reason=reason)
        self._reason = reason
        self._tried.set()
        self._on_lost()

    async def _listen(self, channel: aiormq.abc.AbstractChannel) -> None:
        """Bind a private queue to the events that matter."""
        exchange = self._events_exchange
        await channel.exchange_declare(exchange, exchange_type="headers", durable=True)
        queue = (await channel.queue_declare(exclusive=True)).queue or ""
        for name in self._events:
            await channel.queue_bind(queue, exchange, arguments={"x-match": "all", "name": name})
        await channel.basic_consume(queue, self._take_event, no_ack=True)

    async def _take_event(self, message: DeliveredMessage) -> None:
        name = (message.header.properties.headers or {}).get("name")
        try:
            payload = msgspec.json.decode(message.body)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            _log.warning("event_malformed", event_name=name)
            return
        self._on_event(str(name), payload)


class _Connection(aiormq.Connection):
    """A connection of aiormq's whose calls have a way of their own."""

    def __init__(self, amqp_uri: str) -> None:
        self._opening = Opening()
        super().__init__(amqp_uri, transport_factory=self._opening)

    @property
    def wire(self) -> Wire:
        """What is read and written, once connected."""
        return self._opening.wire


class _Calls(aiormq.Channel):
    """The channel of the calls: replies end the futures of their calls right where the frames are read."""

    def __init__(self, connection: _Connection, exchange: str, prefix: str) -> None:
        super().__init__(connection, CALLS, publisher_confirms=True)
        self._exchange, self._prefix = exchange, prefix
        self.pending: dict[str, tuple[str, asyncio.Future[bytes]]] = {}
        connection.wire.calls = self
        self._transport = connection.wire.transport
        self._published = 0
        # Keys of the calls of which the broker has not said yet whether it took them, by their number.
        self._unconfirmed: dict[int, str] = {}

    def send(
        self, key: str, method: str, body: bytes, reply_to: str, headers: FieldTable, timeout: float
    ) -> "asyncio.Future[bytes]":
        """Write the frames of a call; raises BusUnavailable, MessageTooLarge, Overloaded."""
        if len(self.pending) >= MAX_IN_FLIGHT:
            raise Overloaded(method)
        properties = call_properties(key, len(body), reply_to, str(int(timeout * 1000)), headers)
        if len(properties) > self.max_content_size:
            # They cannot be cut in two. Only the tenants in them may be so many.
            raise MessageTooLarge(method, "a list of tenants", len(properties), self.max_content_size)
        self._write(method, call_frames(self._prefix + method, properties, body, self.max_content_size, self._exchange))
        self._published += 1
        self._unconfirmed[self._published] = key
        reply: asyncio.Future[bytes] = self.loop.create_future()
        self.pending[key] = (method, reply)
        timer = self.loop.call_later(timeout, self._expire, key, timeout)

        def forget(_: object) -> None:
            timer.cancel()
            self.pending.pop(key, None)

        reply.add_done_callback(forget)
        return reply

    def _write(self, method: str, frames: bytes) -> None:
        """Write all frames of a call, or nothing.

        A connection that was lost is noticed later, and until then its transport takes calls without a word, or
        raises what it likes.
        """
        try:
            closing, unsent = self._transport.is_closing(), self._transport.get_write_buffer_size()
            if not closing and unsent <= MAX_UNSENT:
                self._transport.write(frames)
        except Exception as error:
            # What it has taken of the frames, if anything, is no call.
            with contextlib.suppress(Exception):
                self._transport.abort()
            raise BusUnavailable(_reason(error)) from None
        if closing:
            raise BusUnavailable("the connection was lost")
        if unsent > MAX_UNSENT:
            raise Overloaded(method)

    def fail(self) -> None:
        """End all calls in flight: nobody knows what became of them."""
        for key, (method, _) in list(self.pending.items()):
            self._end(key, OutcomeUnknown(method))

    def replied(self, key: str | None, body: bytes) -> None:
        """End the call with its reply."""
        self._end(key, body)

    def returned(self, key: str | None, routing_key: str) -> None:
        """Nobody serves the method."""
        method, _ = self.pending.get(key or "", ("", None))
        self._end(key, UnknownService(method))

    def confirmed(self, number: int, *, multiple: bool, taken: bool) -> None:
        """The broker took a call, or all up to it, or did not."""
        for key in self._settled(number, multiple):
            if not taken:
                method, _ = self.pending.get(key, ("", None))
                self._end(key, Overloaded(method))

    def _expire(self, key: str, timeout: float) -> None:
        method, _ = self.pending.get(key, ("", None))
        self._end(key, NoAnswer(method, timeout))

    def _end(self, key: str | None, outcome: bytes | Exception) -> None:
        _, reply = self.pending.pop(key or "", (None, None))
        if reply is None or reply.done():
            return
        if isinstance(outcome, bytes):
            reply.set_result(outcome)
        else:
            reply.set_exception(outcome)

    def _settled(self, number: int, multiple: bool) -> list[str]:
        """Keys of the calls that the broker speaks of: one, or all up to it."""
        # They are kept in the order of their numbers.
        upto = itertools.takewhile(lambda each: each <= number, self._unconfirmed)
        numbers = list(upto) if multiple else [number]
        return [self._unconfirmed.pop(each, "") for each in numbers]

    async def _on_cancel_frame(self, frame: spec.Basic.CancelOk | spec.Basic.Cancel) -> None:
        raise ConnectionError("The broker closed the reply queue")


class _Link:
    """One connection with its reply queue; when it ends, all of it ends."""

    def __init__(self, connection: _Connection, exchange: str, prefix: str) -> None:
        self._connection = connection
        self._exchange = exchange
        self.calls = _Calls(connection, exchange, prefix)
        self.reply_to = str(uuid.uuid4())
        self._queue = ""
        self._events: aiormq.Channel | None = None

    @classmethod
    async def open(
        cls,
        connection: _Connection,
        exchange: str,
        prefix: str,
        listen: "Callable[[aiormq.abc.AbstractChannel], Any] | None",
    ) -> "_Link":
        """Declare the reply queue, and let `listen` prepare a second channel."""
        link = cls(connection, exchange, prefix)
        connection.channels[CALLS] = link.calls
        await link.calls.open()
        link._queue = (await link.calls.queue_declare(exclusive=True)).queue or ""
        await link._bind()
        await link.calls.basic_consume(link._queue, _unused, no_ack=True)
        if listen is not None:
            await link._open_events(listen)
        return link

    async def _bind(self) -> None:
        """Have replies come to the queue, though somebody has deleted the exchange."""
        await self.calls.exchange_declare(self._exchange, exchange_type="topic", durable=True)
        await self.calls.queue_bind(self._queue, self._exchange, self.reply_to)

    async def _open_events(self, listen: "Callable[[aiormq.abc.AbstractChannel], Any]") -> None:
        """A channel of its own, so that an exchange of another type does not end the calls."""
        self._events = aiormq.Channel(self._connection, EVENTS, publisher_confirms=False)
        self._connection.channels[EVENTS] = self._events
        try:
            await self._events.open()
            await listen(self._events)
        except aiormq.exceptions.AMQPChannelError as error:
            _log.warning("events_unavailable", reason=str(error))

    async def ended(self) -> BaseException | None:
        """Wait until the connection or the channel of the calls ends; why it did."""
        watched = [self.calls.closing, self._connection.closing]
        while not (await asyncio.wait(watched, timeout=BIND_SECONDS, return_when=asyncio.FIRST_COMPLETED))[0]:
            # What goes wrong with it ends the channel.
            with contextlib.suppress(aiormq.exceptions.AMQPError, TimeoutError):
                await asyncio.wait_for(self._bind(), BIND_SECONDS)
        ends = [one for one in watched if one.done() and not one.cancelled()]
        return next((one.exception() for one in ends if one.exception()), None) or ConnectionError("closed")

    async def close(self) -> None:
        """Fail the calls in flight and close in good manners."""
        self.calls.fail()
        await _close(self._connection)


async def _close(connection: _Connection) -> None:
    """Close in good manners where the other side still listens; whatever comes of it, in a second at most."""
    closing = asyncio.ensure_future(connection.close())
    closing.add_done_callback(lambda done: done.cancelled() or done.exception())
    await asyncio.wait({closing}, timeout=CLOSE_SECONDS)


def _reason(error: BaseException | None) -> str:
    return " ".join(str(error).split()) or type(error).__name__


async def _unused(_: DeliveredMessage) -> None:
    """Deliveries are taken where the frames are read."""


def _with_heartbeat(uri: str) -> str:
    if "heartbeat=" in uri:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}heartbeat={HEARTBEAT}"
