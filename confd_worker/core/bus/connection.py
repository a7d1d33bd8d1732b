"""What a worker process holds of RabbitMQ: a connection that consumes for all services, and one for the replies.

Both are made anew when they are lost; what was consumed and not acknowledged comes again from the broker. What others
delete there is declared anew; what others have made under our names is left as it is.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import amqp

from ...bus_names import BusNames
from ...connection import BusUnavailable, connect, disconnect, told
from ..greenlets import Event, GreenThread, Semaphore, sleep, spawn

__all__ = ["Binding", "Bus", "Subscription"]

_log = logging.getLogger(__name__)
_HEARTBEAT = 20
_TICK = 0.5
_REPAIR_SECONDS = 5
_PATIENCE = (0.2, 0.5, 1, 2, 5)
_TIMEOUT = 10
_TRANSIENT = 1
# Classes of AMQP methods that declare and bind: exchange, queue; and the two that begin to consume.
_DECLARING, _CONSUMING = (40, 50), ((60, 10), (60, 20))


@dataclass(frozen=True)
class Binding:
    """What leads messages from an exchange, which is durable, into a queue.

    Attributes:
        kind: type of the exchange.
    """

    exchange: str
    kind: str
    routing_key: str = ""
    arguments: Mapping[str, Any] | None = None


@dataclass(eq=False)
class Subscription:
    """A queue to consume from.

    Attributes:
        queue: name; the queue is durable.
        bindings: that lead into it.
        on_message: called for each message, in the consuming greenlet: it must not block.
        prefetch: how many messages may be unacknowledged at once.
        arguments: of the queue.
        refused: why the broker does not let us have the queue or its bindings; empty when it does.
    """

    queue: str
    bindings: Sequence[Binding]
    on_message: Callable[[amqp.Message], None]
    prefetch: int
    arguments: Mapping[str, Any]
    refused: str = field(default="", repr=False)
    channel: amqp.Channel | None = field(default=None, repr=False)
    tag: str | None = field(default=None, repr=False)


class Bus:
    """The connections of one process.

    Args:
        amqp_uri: of the broker.
        names: of exchanges and queues.
    """

    def __init__(self, amqp_uri: str, names: BusNames) -> None:
        self._amqp_uri = amqp_uri
        self.names = names
        self._subscriptions: list[Subscription] = []
        self._leaving: dict[Subscription, Event] = {}
        self._entering = False
        self._repaired = 0.0
        self._connection: amqp.Connection | None = None
        self._replies = _Replies(amqp_uri, names.rpc_exchange)
        self._stopping = False
        self._greenlet: GreenThread | None = None

    @property
    def refused(self) -> dict[str, str]:
        """Why the broker does not let us have queues or their bindings, by the name of the queue."""
        return {each.queue: each.refused for each in self._subscriptions if each.refused}

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
        self._repaired = time.monotonic()
        # First the place for what the others reject.
        for each in sorted(self._subscriptions, key=lambda each: each.queue != self.names.dead_letters):
            if each.tag is None and each not in self._leaving:
                self._enter(connection, each)

    def _consume(self, connection: amqp.Connection) -> None:
        if self._entering:
            self._enter_all(connection)
        if self._leaving:
            self._leave()
        if time.monotonic() - self._repaired > _REPAIR_SECONDS:
            self._repair(connection)
            self._enter_all(connection)
        with contextlib.suppress(TimeoutError):
            connection.drain_events(timeout=_TICK)
        connection.heartbeat_tick()

    def _enter(self, connection: amqp.Connection, subscription: Subscription) -> None:
        """Consume from a queue, if it can be had as it must be; one that is there otherwise is not touched."""
        _close(subscription.channel)
        subscription.channel = channel = connection.channel()
        channel.auto_decode = False
        try:
            channel.queue_declare(
                subscription.queue, durable=True, auto_delete=False, arguments=dict(subscription.arguments)
            )
            for binding in subscription.bindings:
                channel.exchange_declare(binding.exchange, binding.kind, durable=True, auto_delete=False)
                channel.queue_bind(
                    subscription.queue, binding.exchange, binding.routing_key, arguments=binding.arguments
                )
            channel.basic_qos(0, subscription.prefetch, False)
            subscription.tag = channel.basic_consume(
                subscription.queue, callback=subscription.on_message, on_cancel=lambda _: self._deleted(subscription)
            )
        except amqp.ChannelError as error:
            self._refuse(subscription, error)
        else:
            self._have(subscription)

    def _deleted(self, subscription: Subscription) -> None:
        """The broker ended a consumer, as it does when its queue is deleted."""
        _log.warning("queue_deleted queue=%s", subscription.queue)
        subscription.tag = None
        self._entering = True

    def _refuse(self, subscription: Subscription, error: amqp.ChannelError) -> None:
        """Do without a queue, for now."""
        if not _is_refusal(error):
            # It concerns another channel, which would be left without its consumer.
            raise error
        reason = told(error)
        if subscription.refused != reason:
            _log.error(
                "queue_not_ours queue=%s wanted=%s reason=%s; it is left as it is, its calls or events are not served, "
                "and it is tried again every %s s: delete it if nobody needs it or what waits in it, give back the "
                "settings it was made with, or set CONFD_SERVICE_PREFIX if it belongs to somebody else",
                subscription.queue,
                dict(subscription.arguments),
                reason,
                _REPAIR_SECONDS,
            )
        subscription.refused = reason

    @staticmethod
    def _have(subscription: Subscription) -> None:
        if subscription.refused:
            _log.info("queue_ours_again queue=%s", subscription.queue)
        subscription.refused = ""

    def _repair(self, connection: amqp.Connection) -> None:
        """Declare and bind again what may have been deleted; nothing happens where it was not."""
        served = [each for each in self._subscriptions if each.tag]
        channel = connection.channel()
        lost: dict[str, str] = {}
        for exchange, kind in {(one.exchange, one.kind): None for each in served for one in each.bindings}:
            try:
                channel.exchange_declare(exchange, kind, durable=True, auto_delete=False)
            except amqp.ChannelError as error:
                if not _is_refusal(error):
                    raise
                lost[exchange] = told(error)
        try:
            for each in served:
                for one in each.bindings:
                    if one.exchange not in lost:
                        channel.queue_bind(
                            each.queue, one.exchange, one.routing_key, arguments=one.arguments, nowait=True
                        )
            # Is answered when all of these are done.
            channel.basic_qos(0, 1, False)
        except amqp.ChannelError as error:
            # Such as for a queue that is being deleted, which is told by itself.
            if not _is_refusal(error):
                raise
            _log.warning("bindings_not_repaired reason=%s", told(error))
        _close(channel)
        for each in served:
            reason = next((lost[one.exchange] for one in each.bindings if one.exchange in lost), "")
            if reason and reason != each.refused:
                _log.error("exchange_not_ours queue=%s reason=%s", each.queue, reason)
            each.refused = reason

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


def _is_refusal(error: amqp.ChannelError) -> bool:
    """Whether the broker refuses what was just declared, bound or consumed, not what happened on another channel."""
    method = tuple(error.method_sig or (0, 0))
    return method[0] in _DECLARING or method in _CONSUMING


def _close(channel: amqp.Channel | None) -> None:
    # One that is closed already has no connection any more.
    if channel is not None and channel.connection is not None:
        channel.close()


class _Replies:
    """A connection of its own, so that a broker that blocks publishers still takes acknowledgements."""

    def __init__(self, amqp_uri: str, exchange: str) -> None:
        self._amqp_uri, self._exchange = amqp_uri, exchange
        self._connection: amqp.Connection | None = None
        self._channel: amqp.Channel | None = None
        self._attending: GreenThread | None = None
        self._connecting = Semaphore()

    def send(self, message: amqp.Message, routing_key: str) -> None:
        for _ in range(2):
            try:
                self._open().basic_publish(message, self._exchange, routing_key)
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
            except Exception as error:
                # What ends this greenlet with an error ends the process, such as EOFError when another one closes the
                # connection meanwhile.
                if self._holds(connection):
                    _log.warning("replies_lost reason=%s", told(error))
                    self._lose()
                return

    def _holds(self, connection: amqp.Connection) -> bool:
        return self._connection is connection

    def _lose(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            connection.collect()
