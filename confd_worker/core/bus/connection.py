"""What a worker process holds of RabbitMQ: a connection that consumes for all services, and one for the replies.

Both are made anew when they are lost; what was consumed and not acknowledged comes again from the broker.
"""

import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import amqp

from ...connection import BusUnavailable, connect, disconnect, told
from ..greenlets import Event, GreenThread, Semaphore, sleep, spawn

__all__ = ["DEAD_LETTERS", "RPC_EXCHANGE", "Bus", "Subscription"]

RPC_EXCHANGE = "nameko-rpc"
DEAD_LETTERS = "confd.dead-letters"
"""Name of the exchange, and of the queue bound to it, where messages are set aside."""

_log = logging.getLogger(__name__)
_HEARTBEAT = 20
_TICK = 0.5
_PATIENCE = (0.2, 0.5, 1, 2, 5)
_TIMEOUT = 10
_TRANSIENT = 1
# Of one message, as each of them may have ended a worker.
_DELIVERIES = 20


@dataclass(eq=False)
class Subscription:
    """A queue to consume from.

    Attributes:
        queue: name; the queue is durable.
        bind: binds the queue, given a channel; exchanges it needs are declared there.
        on_message: called for each message, in the consuming greenlet: it must not block.
        prefetch: how many messages may be unacknowledged at once.
        arguments: of the queue.
    """

    queue: str
    bind: Callable[[amqp.Channel], None]
    on_message: Callable[[amqp.Message], None]
    prefetch: int
    arguments: Mapping[str, Any]
    channel: amqp.Channel | None = field(default=None, repr=False)
    tag: str | None = field(default=None, repr=False)


class Bus:
    """The connections of one process.

    Args:
        amqp_uri: of the broker.
        queue_type: `classic`, or `quorum` for queues that are replicated over a cluster.

    Attributes:
        queue_arguments: of a queue whose rejected messages are to be kept.
    """

    def __init__(self, amqp_uri: str, queue_type: str = "classic") -> None:
        self._amqp_uri = amqp_uri
        self.queue_arguments: dict[str, Any] = {"x-dead-letter-exchange": DEAD_LETTERS, "x-queue-type": queue_type}
        if queue_type == "quorum":
            self.queue_arguments["x-delivery-limit"] = _DELIVERIES
        self._subscriptions: list[Subscription] = []
        self._leaving: dict[Subscription, Event] = {}
        self._entering = False
        self._connection: amqp.Connection | None = None
        self._replies = _Replies(amqp_uri)
        self._stopping = False
        self._greenlet: GreenThread | None = None

    @property
    def consuming(self) -> bool:
        """Whether the process is connected and every queue is consumed."""
        return self._connection is not None and all(each.tag for each in self._subscriptions)

    def subscribe(self, subscription: Subscription) -> None:
        """Consume from a queue from now on, or from `start` on."""
        self._subscriptions.append(subscription)
        self._entering = True

    def unsubscribe(self, subscription: Subscription) -> None:
        """Take no more messages from the queue; waits until that is so."""
        if subscription in self._subscriptions:
            left = self._leaving.setdefault(subscription, Event())
            if self._connection is None:
                self._leave()
            left.wait()

    def start(self) -> None:
        """Begin to consume; the broker need not be there yet."""
        self._greenlet = spawn(self._run)

    def stop(self) -> None:
        """Close the connections; to be called when all that was consumed is acknowledged."""
        self._stopping = True
        if self._greenlet is not None:
            self._greenlet.wait()
        self._replies.close()

    def reply(self, routing_key: str, correlation_id: str | None, body: bytes) -> None:
        """Send the reply to a call; one that cannot be sent is lost, as the caller's deadline covers it."""
        properties = {} if correlation_id is None else {"correlation_id": correlation_id}
        message = amqp.Message(
            body,
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=_TRANSIENT,
            **properties,
        )
        self._replies.send(message, routing_key)

    @staticmethod
    def ack(message: amqp.Message) -> None:
        """Tell the broker that the message is done with; on a lost connection it comes again."""
        try:
            message.channel.basic_ack(message.delivery_tag)
        except (OSError, AttributeError, amqp.AMQPError):
            _log.info("message_not_acknowledged", exc_info=True)

    @staticmethod
    def reject(message: amqp.Message) -> None:
        """Have the broker move the message to the dead-letter queue."""
        try:
            message.channel.basic_reject(message.delivery_tag, requeue=False)
        except (OSError, AttributeError, amqp.AMQPError):
            _log.info("message_not_rejected", exc_info=True)

    def _run(self) -> None:
        failures = 0
        while not self._stopping:
            try:
                self._connection = connect(self._amqp_uri, _TIMEOUT, _HEARTBEAT)
                self._declare_dead_letters(self._connection.channel())
                self._enter_all(self._connection)
                _log.info("bus_connected")
                failures = 0
                while not self._stopping:
                    self._consume(self._connection)
            except Exception as error:
                # Anything at all: a process that lives but no longer consumes would be worse than a dead one.
                foreseen = isinstance(error, BusUnavailable | OSError | amqp.AMQPError)
                _log.warning("bus_lost reason=%s", told(error), exc_info=None if foreseen else error)
                self._lose()
                sleep(_PATIENCE[min(failures, len(_PATIENCE) - 1)])
                failures += 1
        self._leave()
        if self._connection is not None:
            disconnect(self._connection)

    def _enter_all(self, connection: amqp.Connection) -> None:
        self._entering = False
        for each in self._subscriptions:
            if each.tag is None and each not in self._leaving:
                self._enter(connection, each)

    def _consume(self, connection: amqp.Connection) -> None:
        if self._entering:
            self._enter_all(connection)
        if self._leaving:
            self._leave()
        with contextlib.suppress(TimeoutError):
            connection.drain_events(timeout=_TICK)
        connection.heartbeat_tick()

    def _enter(self, connection: amqp.Connection, subscription: Subscription) -> None:
        channel = _declared(connection, subscription)
        channel.auto_decode = False
        subscription.bind(channel)
        channel.basic_qos(0, subscription.prefetch, False)
        subscription.channel = channel
        subscription.tag = channel.basic_consume(subscription.queue, callback=subscription.on_message)

    def _leave(self) -> None:
        for subscription, left in list(self._leaving.items()):
            if subscription.tag is not None and subscription.channel is not None:
                subscription.channel.basic_cancel(subscription.tag)
            self._subscriptions.remove(subscription)
            del self._leaving[subscription]
            left.send(None)

    def _lose(self) -> None:
        if self._connection is not None:
            self._connection.collect()
            self._connection = None
        for each in self._subscriptions:
            each.channel = each.tag = None
        self._leave()

    @staticmethod
    def _declare_dead_letters(channel: amqp.Channel) -> None:
        channel.exchange_declare(DEAD_LETTERS, "headers", durable=True, auto_delete=False)
        channel.queue_declare(DEAD_LETTERS, durable=True, auto_delete=False)
        # Calls that expired are dead letters as well, but nobody wants them any more.
        for reason in ("rejected", "delivery_limit"):
            wanted = {"x-match": "any-with-x", "x-first-death-reason": reason}
            channel.queue_bind(DEAD_LETTERS, DEAD_LETTERS, arguments=wanted)
        channel.close()


def _declared(connection: amqp.Connection, subscription: Subscription) -> amqp.Channel:
    """A channel, once the queue is there.

    The arguments of a queue cannot be changed. One that was made with others is made anew when nobody uses it and
    nothing waits in it; otherwise it is used as it is, so that neither a call nor its consumer is lost.
    """
    queue, arguments = subscription.queue, dict(subscription.arguments)
    channel = connection.channel()
    try:
        channel.queue_declare(queue, durable=True, auto_delete=False, arguments=arguments)
        return channel
    except amqp.PreconditionFailed as error:
        reason = told(error)
    channel = connection.channel()
    _, waiting, consumers = channel.queue_declare(queue, passive=True)
    if waiting or consumers:
        _log.warning("queue_kept_as_it_is queue=%s reason=%s", queue, reason)
        return channel
    channel.queue_delete(queue)
    channel.queue_declare(queue, durable=True, auto_delete=False, arguments=arguments)
    _log.info("queue_made_anew queue=%s reason=%s", queue, reason)
    return channel


class _Replies:
    """A connection of its own, so that a broker that blocks publishers still takes acknowledgements."""

    def __init__(self, amqp_uri: str) -> None:
        self._amqp_uri = amqp_uri
        self._connection: amqp.Connection | None = None
        self._channel: amqp.Channel | None = None
        self._attending: GreenThread | None = None
        self._connecting = Semaphore()

    def send(self, message: amqp.Message, routing_key: str) -> None:
        for _ in range(2):
            try:
                self._open().basic_publish(message, RPC_EXCHANGE, routing_key)
                return
            except Exception as error:
                # Anything at all, as another greenlet may close the connection at any point.
                _log.warning("reply_not_sent reason=%s", told(error))
                self._lose()

    def close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None and self._attending is not None:
            # Only one greenlet at a time may read from the connection.
            self._attending.kill()
            disconnect(connection)

    def _open(self) -> amqp.Channel:
        with self._connecting:
            if self._channel is None:
                connection = connect(self._amqp_uri, _TIMEOUT, _HEARTBEAT)
                self._connection, self._channel = connection, connection.channel()
                self._attending = spawn(self._attend, connection)
            return self._channel

    def _attend(self, connection: amqp.Connection) -> None:
        """Read what the broker says, so that its heartbeats are seen and ours are sent."""
        while self._holds(connection):
            try:
                with contextlib.suppress(TimeoutError):
                    connection.drain_events(timeout=_HEARTBEAT / 4)
                connection.heartbeat_tick()
            except Exception:
                # What ends this greenlet with an error ends the process, such as EOFError when another one closes the
                # connection meanwhile.
                if self._holds(connection):
                    self._lose()
                return

    def _holds(self, connection: amqp.Connection) -> bool:
        return self._connection is connection

    def _lose(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            connection.collect()
