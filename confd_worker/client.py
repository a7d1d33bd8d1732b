"""A synchronous client of the worker for any daemon: RPC calls and live events, on py-amqp alone.

    with Client("amqp://guest:guest@localhost/", timeout=10) as client:
        user = client.call("users.get", id=1)
        replies = [client.call_async("users.get", id=number) for number in range(1, 100)]
        users = [reply.result() for reply in replies]

The wire format is that of nameko 2.14: it calls any nameko service, and any nameko client can call the worker.
A client belongs to one thread; give each thread its own.
"""

import contextlib
import copy
import dataclasses
import itertools
import select
import time
import uuid
import weakref
from collections.abc import Iterable, Iterator
from typing import Any

import amqp
import orjson
from confd_schemas.rpc_names import nearest

from .connection import BusUnavailable, ClientError, connect, disconnect, told

__all__ = [
    "BusUnavailable",
    "Client",
    "ClientError",
    "Context",
    "Events",
    "Overloaded",
    "RemoteError",
    "Reply",
    "Timeout",
    "TooLarge",
    "UnknownService",
]

RPC_EXCHANGE = "nameko-rpc"
EVENTS_EXCHANGE = "wazo-headers"
TRANSIENT = 1
HEARTBEAT = 30
# What RabbitMQ takes unless it is told otherwise, since version 4.
MESSAGE_LIMIT = 16 * 1024 * 1024
# How long replies may go astray that come through an exchange which somebody has deleted.
BIND_SECONDS = 3
# A read without any wait would spin inside py-amqp when it meets half a frame.
BRIEFLY = 0.001


class Timeout(ClientError):
    """No reply came in time. The call may still have taken effect, unless it had not reached a worker yet."""


class UnknownService(ClientError):
    """No service of that name has ever been known to the broker; nothing was done."""


class Overloaded(ClientError):
    """As many calls wait for the service as may; nothing was done. Try again a little later."""


class TooLarge(ClientError):
    """The call has more bytes than the broker takes in one message; it was not sent, and others are not concerned.

    Attributes:
        status, type, message: as a RemoteError has them.
    """

    status, type = 413, "message-too-large"

    def __init__(self, method: str, size: int, limit: int) -> None:
        self.message = f"{method}: a call of {size} bytes is larger than the {limit} that the message bus takes"
        super().__init__(self.message)


class RemoteError(ClientError):
    """The service answered with an error.

    Attributes:
        exc_type, exc_path, exc_args, value: the exception on the other side, as nameko tells it.
        status, type, message, details: the error as data; None where the service is not one of the worker's,
            but `message` is always there.
    """

    def __init__(self, error: dict[str, Any]) -> None:
        self.exc_type: str | None = error.get("exc_type")
        self.exc_path: str | None = error.get("exc_path")
        self.exc_args: list[Any] = error.get("exc_args") or []
        self.value: Any = error.get("value")
        self.status: int | None = error.get("status")
        self.type: str | None = error.get("type")
        self.message: str = error.get("message") or f"{self.exc_type}: {self.value}"
        self.details: Any = error.get("details")
        super().__init__(self.message)


@dataclasses.dataclass(frozen=True)
class Context:
    """On whose behalf a call is made; what is None is not sent.

    Attributes:
        tenant_uuid: the tenant to act in.
        visible_tenants: the tenants whose items may be seen and changed.
        user_uuid: the user who asks.
        request_id: what ties the log lines of several daemons together.
        idempotency_key: calls with the same key take effect once and get the same reply.
        if_revision: the item is changed only if this is its revision, or one of these; `"*"` takes any.
    """

    tenant_uuid: str | None = None
    visible_tenants: list[str] | None = None
    user_uuid: str | None = None
    request_id: str | None = None
    idempotency_key: str | None = None
    if_revision: int | str | list[int] | None = None

    def headers(self) -> dict[str, Any]:
        """The context as AMQP headers, each value as text."""
        given = ((field.name, getattr(self, field.name)) for field in dataclasses.fields(self))
        return {
            f"nameko.{name}": [str(one) for one in value] if isinstance(value, list | tuple) else str(value)
            for name, value in given
            if value is not None
        }


class Reply:
    """The reply to one call, which may still be on its way."""

    __slots__ = ("__weakref__", "_body", "_deadline", "_error", "_link", "method")

    def __init__(self, method: str, link: "_Link", deadline: float) -> None:
        self.method = method
        self._link = link
        self._deadline = deadline
        self._body: bytes | None = None
        self._error: ClientError | None = None

    @property
    def done(self) -> bool:
        """Whether the outcome is known, as far as messages were read; never waits."""
        return self._body is not None or self._error is not None

    def result(self, timeout: float | None = None) -> Any:
        """What the method returned.

        Args:
            timeout: seconds to wait at most; never longer than the call's own timeout. One may ask again later.

        Raises:
            RemoteError: the service answered with an error.
            Timeout, UnknownService, Overloaded, BusUnavailable: there is no answer.
        """
        answer = orjson.loads(self.raw(timeout))
        if answer.get("error"):
            raise RemoteError(answer["error"])
        return answer.get("result")

    def raw(self, timeout: float | None = None) -> bytes:
        """The reply as it came: JSON of `{"result": …, "error": …}`, not decoded; waits and raises as `result`."""
        until = self._deadline
        if timeout is not None:
            until = min(until, time.monotonic() + timeout)
        while self._body is None:
            if self._error is not None:
                raise self._error
            left = until - time.monotonic()
            if not self._link.read(max(left, BRIEFLY)) and left <= 0:
                raise Timeout(f"{self.method}: no reply in time")
        return self._body


class Client:
    """Calls services by their full RPC names; connects at the first call, and again after a lost connection.

    Args:
        amqp_uri: `amqp://user:password@host:port/vhost`, or `amqps://` with the certificates of the system.
        timeout: seconds that a call may take. The worker does not start a call whose time is over.
        context: on whose behalf to call.
        exchange: nameko's exchange of RPC calls.
        prefix: what the names of services begin with on the bus, as CONFD_SERVICE_PREFIX of the worker says; methods
            are called without it.
        message_limit: bytes of a message that the broker takes: it ends a connection that sends a larger one, with all
            calls on it.
    """

    def __init__(
        self,
        amqp_uri: str,
        timeout: float = 10,
        context: Context | None = None,
        *,
        exchange: str = RPC_EXCHANGE,
        prefix: str = "",
        message_limit: int = MESSAGE_LIMIT,
    ) -> None:
        self._bus = _Bus(amqp_uri, timeout, exchange, prefix)
        self._timeout = timeout
        self._message_limit = message_limit
        self._context = context or Context()
        self._headers = self._context.headers()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def using(self, *, timeout: float | None = None, context: Context | None = None, **changes: Any) -> "Client":
        """The same client, over the same connection, with another timeout or context.

        Args:
            changes: single fields of the context: `client.using(idempotency_key="import-1").call(…)`.
        """
        other = copy.copy(self)
        if timeout is not None:
            other._timeout = timeout
        other._context = dataclasses.replace(context or self._context, **changes)
        other._headers = other._context.headers()
        return other

    def call(self, method: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call `method` ("users.get") and wait for what it returns; raises as `Reply.result`."""
        return self.call_async(method, *args, **kwargs).result()

    def call_raw(self, method: str, /, *args: Any, **kwargs: Any) -> bytes:
        """Call `method` and wait for the JSON of its reply, not decoded; raises as `Reply.raw`."""
        return self.call_async(method, *args, **kwargs).raw()

    def call_async(self, method: str, /, *args: Any, **kwargs: Any) -> Reply:
        """Send a call and come back at once; many may be in flight.

        Raises:
            BusUnavailable: it could not be sent.
            TooLarge: the arguments do not fit into a message.
            TypeError: an argument cannot be written as JSON.
        """
        key = str(uuid.uuid4())
        body = orjson.dumps({"args": args, "kwargs": kwargs})
        if len(body) > self._message_limit:
            raise TooLarge(method, len(body), self._message_limit)
        message = amqp.Message(
            body,
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=TRANSIENT,
            correlation_id=key,
            expiration=str(int(self._timeout * 1000)),
            # The deadline is text: AMQP tables have no portable way to write a float.
            application_headers={
                **self._headers,
                "nameko.call_id_stack": [f"{method}.{key}"],
                "nameko.deadline": f"{time.time() + self._timeout:.3f}",
            },
        )
        link = self._bus.link()
        reply = Reply(method, link, time.monotonic() + self._timeout)
        link.send(key, message, reply)
        return reply

    def close(self) -> None:
        """Close the connection; replies that did not come yet are lost."""
        self._bus.close()


class _Bus:
    """The connection that a client and those made from it share, made anew when it was lost."""

    def __init__(self, amqp_uri: str, timeout: float, exchange: str, prefix: str) -> None:
        self._amqp_uri = amqp_uri
        self._timeout = timeout
        self._exchange, self._prefix = exchange, prefix
        self._link: _Link | None = None

    def link(self) -> "_Link":
        """A link that was alive a moment ago."""
        if self._link is None or not self._link.alive():
            self._link = _Link(connect(self._amqp_uri, self._timeout), self._exchange, self._prefix)
        return self._link

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None


class _Link:
    """One connection with its reply queue and the calls in flight, which end with it."""

    def __init__(self, connection: amqp.Connection, exchange: str, prefix: str) -> None:
        self._connection = connection
        self._exchange, self._prefix = exchange, prefix
        # Weak, so that a reply nobody waits for any more is forgotten.
        self._in_flight: weakref.WeakValueDictionary[str, Reply] = weakref.WeakValueDictionary()
        self._reply_to = str(uuid.uuid4())
        self._published = 0
        # Keys of the calls of which the broker has not said yet whether it took them, by their number.
        self._unconfirmed: dict[int, str] = {}
        self._lost = False
        try:
            self._channel = connection.channel()
            self._channel.auto_decode = False
            self._channel.events["basic_return"].add(self._on_return)
            self._channel.events["basic_ack"].add(self._on_confirm)
            self._channel.events["basic_nack"].add(self._on_refusal)
            self._channel.confirm_select()
            self._queue = self._channel.queue_declare(exclusive=True).queue
            self._bind()
            self._channel.basic_consume(self._queue, no_ack=True, callback=self._on_reply)
        except (OSError, amqp.AMQPError) as error:
            connection.collect()
            raise BusUnavailable(f"The broker refused the reply queue: {told(error)}", sent=False) from error
        self._poll = select.poll()
        self._poll.register(connection.transport.sock, select.POLLIN)

    def alive(self) -> bool:
        """Whether the connection still stands; reads what the broker has to say about it, without waiting."""
        if not self._lost and self._poll.poll(0):
            self.read(1)
        return not self._lost

    def send(self, key: str, message: amqp.Message, reply: Reply) -> None:
        """Publish a call; it is in flight from here on.

        Raises:
            BusUnavailable: the connection broke meanwhile.
        """
        message.properties["reply_to"] = self._reply_to
        again = time.monotonic() - self._bound > BIND_SECONDS
        self._in_flight[key] = reply
        self._published += 1
        self._unconfirmed[self._published] = key
        try:
            if again:
                self._bind()
            self._channel.basic_publish(message, self._exchange, self._prefix + reply.method, mandatory=True)
        except (OSError, amqp.AMQPError) as error:
            self._fail(told(error))
            raise reply._error or BusUnavailable(told(error), sent=True) from error

    def _bind(self) -> None:
        """Have replies come to the queue, though somebody has deleted the exchange; costs no round trip."""
        self._bound = time.monotonic()
        self._channel.exchange_declare(self._exchange, "topic", durable=True, auto_delete=False, nowait=True)
        self._channel.queue_bind(self._queue, self._exchange, self._reply_to, nowait=True)

    def read(self, seconds: float) -> bool:
        """Take in one message, waiting for it at most so long; False when nothing came."""
        if self._lost:
            return False
        try:
            self._connection.drain_events(timeout=seconds)
        except TimeoutError:
            return False
        except (OSError, amqp.AMQPError) as error:
            self._fail(told(error))
        return True

    def close(self) -> None:
        """Close the connection and fail the calls in flight."""
        disconnect(self._connection)
        self._fail("the client was closed")

    def _fail(self, reason: str) -> None:
        self._lost = True
        for reply in list(self._in_flight.values()):
            reply._error = BusUnavailable(
                f"{reply.method}: the connection was lost ({reason}); its outcome is unknown", sent=True
            )
        self._in_flight.clear()
        self._unconfirmed.clear()
        self._connection.collect()

    def _on_reply(self, message: amqp.Message) -> None:
        reply = self._in_flight.pop(message.properties.get("correlation_id"), None)
        if reply is not None:
            reply._body = message.body

    def _on_return(self, error: Exception, exchange: str, routing_key: str, message: amqp.Message) -> None:
        reply = self._in_flight.pop(message.properties.get("correlation_id"), None)
        if reply is not None:
            reply._error = UnknownService(_unknown(reply.method))

    def _on_confirm(self, number: int, multiple: bool) -> None:
        if multiple:
            self._settled(number, multiple)
        else:
            self._unconfirmed.pop(number, None)

    def _on_refusal(self, number: int, multiple: bool) -> None:
        for key in self._settled(number, multiple):
            reply = self._in_flight.pop(key, None)
            if reply is not None:
                reply._error = Overloaded(f"{reply.method}: too many calls wait; this one was not taken")

    def _settled(self, number: int, multiple: bool) -> list[str]:
        """Keys of the calls that the broker speaks of: one, or all up to it."""
        # They are kept in the order of their numbers.
        upto = itertools.takewhile(lambda each: each <= number, self._unconfirmed)
        numbers = list(upto) if multiple else [number]
        return [self._unconfirmed.pop(each, "") for each in numbers]


class Events:
    """Follows events live, through a private queue on the headers exchange.

        with Events(amqp_uri, names=["user_created"]) as events:
            for headers, payload in events:
                print(headers["name"], payload["data"])

    The queue lives as long as the connection: what happens while nobody is connected is not seen. A subscriber that
    must not miss anything declares a durable queue of its own. After BusUnavailable, going on connects again.

    Args:
        exchange: the headers exchange.
        names: only events of these names; all when empty.
        tenant: only events of this tenant.
        timeout: seconds that connecting may take.
    """

    def __init__(
        self,
        amqp_uri: str,
        exchange: str = EVENTS_EXCHANGE,
        names: Iterable[str] | None = None,
        tenant: str | None = None,
        timeout: float = 10,
    ) -> None:
        self._amqp_uri = amqp_uri
        self._exchange = exchange
        self._tenant = {"tenant_uuid": str(tenant)} if tenant else {}
        self._bindings = [{"name": name} for name in names or ()] or [{}]
        self._timeout = timeout
        self._connection: amqp.Connection | None = None
        self._waiting: list[tuple[dict[str, Any], Any]] = []

    def __enter__(self) -> "Events":
        self.open()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[tuple[dict[str, Any], Any]]:
        return self

    def __next__(self) -> tuple[dict[str, Any], Any]:
        return self.get()

    def open(self) -> None:
        """Connect and bind the queue; events sent after this are seen. Raises BusUnavailable."""
        if self._connection is not None:
            return
        connection = connect(self._amqp_uri, self._timeout, heartbeat=HEARTBEAT)
        try:
            channel = connection.channel()
            channel.auto_decode = False
            channel.exchange_declare(self._exchange, "headers", durable=True, auto_delete=False)
            queue = channel.queue_declare(exclusive=True).queue
            for binding in self._bindings:
                wanted = {"x-match": "all", **binding, **self._tenant}
                channel.queue_bind(queue, self._exchange, arguments=wanted)
            channel.basic_consume(queue, no_ack=True, callback=self._on_event)
        except (OSError, amqp.AMQPError) as error:
            connection.collect()
            raise BusUnavailable(f"The broker refused the event queue: {told(error)}", sent=False) from error
        self._connection = connection

    def get(self, timeout: float | None = None) -> tuple[dict[str, Any], Any]:
        """The next event: its AMQP headers and its payload (None when that is not JSON).

        Raises:
            Timeout: none came within `timeout` seconds.
            BusUnavailable: the connection was lost or cannot be made.
        """
        self.open()
        until = None if timeout is None else time.monotonic() + timeout
        while not self._waiting:
            left = 1.0 if until is None else min(1.0, until - time.monotonic())
            if left <= 0:
                raise Timeout("No event came in time")
            self._read(left)
        return self._waiting.pop(0)

    def close(self) -> None:
        """Close the connection; the private queue goes with it."""
        if self._connection is not None:
            disconnect(self._connection)
            self._connection = None

    def _read(self, seconds: float) -> None:
        assert self._connection is not None
        try:
            with contextlib.suppress(TimeoutError):
                self._connection.drain_events(timeout=seconds)
            self._connection.heartbeat_tick()
        except (OSError, amqp.AMQPError) as error:
            self._connection.collect()
            self._connection = None
            raise BusUnavailable(f"The connection was lost: {told(error)}", sent=False) from error

    def _on_event(self, message: amqp.Message) -> None:
        try:
            payload = orjson.loads(message.body)
        except orjson.JSONDecodeError:
            payload = None
        self._waiting.append((message.headers or {}, payload))


def _unknown(method: str) -> str:
    """What is told of a call that the broker has no queue for."""
    # It brings in marshmallow, which a client needs for nothing else.
    from confd_schemas.spec import discover

    known = [f"{spec.name}.{name}" for spec in discover() for name in spec.methods]
    told = f"No service '{method.rpartition('.')[0]}' is known to the broker"
    if method in known:
        return f"{told}: no worker has ever served it"
    alike = nearest(method, known)
    return f"{told}; there is {', '.join(alike)}" if alike else told
