"""The relay: publishes the events of committed changes, and removes them when the broker has taken them.

Events go to one headers exchange. From there RabbitMQ passes them on to a topic exchange, and by the event's name,
which travels as a second routing key (BCC, see "Sender-selected Distribution" in RabbitMQ's manual), to the exchanges
that nameko's `@event_handler` listens on.
"""

import contextlib
import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import amqp
import orjson

from ...bus_names import BusNames
from ...connection import at_once, connect, disconnect, told
from .health import RELAY
from .standby import Standby

__all__ = ["EVERY", "Relay"]

_log = logging.getLogger(__name__)
EVERY = "confd"
"""What nameko's `@event_handler` may name as the source of any event, in the place of the service that sends it."""
_BATCH = 200
_CONFIRM_SECONDS = 30
_REPAIR_SECONDS = 5
_PERSISTENT = 2
_FETCH = "SELECT id, event_id, name, routing_key, headers, payload FROM outbox ORDER BY id LIMIT %s"
_REMOVE = "DELETE FROM outbox WHERE id = ANY(%s)"


class Relay(Standby):
    """Moves events from the outbox to the bus, in the order in which they were written.

    An event is removed only after the broker confirmed it, so that one may come twice after a crash, with the same id,
    but none is lost.

    Args:
        db_uri: of the database.
        amqp_uri: of the broker.
        exchange: name of the headers exchange.
        events: names of the events by the service that sends them; `EVERY` sends them all.
        names: of the other exchanges.
    """

    lock: ClassVar[int] = RELAY
    name = "relay"

    def __init__(
        self,
        db_uri: str,
        amqp_uri: str,
        exchange: str,
        events: Mapping[str, Iterable[str]],
        names: BusNames | None = None,
    ) -> None:
        super().__init__(db_uri)
        self._amqp_uri = amqp_uri
        self._exchange = exchange
        self._bus_names = names or BusNames()
        self._foreign: set[str] = set()
        self._repaired = 0.0
        self._names = {service: sorted(names) for service, names in events.items()}
        self._names[EVERY] = sorted({name for names in events.values() for name in names})
        self._connection: amqp.Connection | None = None
        self._channel: amqp.Channel | None = None
        self._published = 0
        self._unconfirmed: set[int] = set()
        self._refused = False

    def opened(self) -> None:
        """Connect to the broker and declare the exchanges."""
        self._connection = connect(self._amqp_uri, 10, heartbeat=20)
        self._declare(self._connection)
        self._channel = channel = self._connection.channel()
        channel.confirm_select()
        self._published = 0
        channel.events["basic_ack"].add(self._confirmed)
        channel.events["basic_nack"].add(self._not_confirmed)

    def _declare(self, connection: amqp.Connection) -> None:
        """Have all exchanges and what binds them, those too that somebody has deleted; nothing is told meanwhile."""
        self._repaired = time.monotonic()
        try:
            self._declare_all(connection, known=set(self._names) - self._foreign)
        except amqp.PreconditionFailed:
            self._declare_all(connection, known=set())

    def _declare_all(self, connection: amqp.Connection, known: set[str]) -> None:
        """Declare and bind; only where an exchange is not known to be ours it is asked whether it is.

        Raises:
            PreconditionFailed: one that is known, or that all events go through, is of another kind.
        """
        topic, channel = self._bus_names.events_topic, connection.channel()
        channel.exchange_declare(self._exchange, "headers", durable=True, auto_delete=False)
        channel.exchange_declare(topic, "topic", durable=True, auto_delete=False)
        had = known | {service for service in self._names if service not in known and self._have(channel, service)}
        with at_once(connection):
            channel.exchange_bind(topic, self._exchange, arguments={"x-match": "all"}, nowait=True)
            for service in had:
                exchange = self._bus_names.events_of(service)
                channel.exchange_declare(exchange, "topic", durable=True, auto_delete=False, nowait=True)
                for name in self._names[service]:
                    channel.exchange_bind(exchange, topic, name, nowait=True)
        # Is answered when all of it is done.
        channel.basic_qos(0, 1, False)
        channel.close()

    def _have(self, channel: amqp.Channel, service: str) -> bool:
        """Whether a service's exchange is a topic exchange now; one of another kind is somebody else's, and stays."""
        exchange = self._bus_names.events_of(service)
        try:
            channel.exchange_declare(exchange, "topic", durable=True, auto_delete=False)
        except amqp.PreconditionFailed as error:
            if service not in self._foreign:
                _log.error("exchange_not_ours exchange=%s reason=%s", exchange, told(error))
            self._foreign.add(service)
            return False
        self._foreign.discard(service)
        return True

    def closed(self) -> None:
        """Leave the broker."""
        if self._connection is not None:
            disconnect(self._connection)
            self._connection = self._channel = None

    def step(self, connection: Any) -> bool:
        """Publish a batch; wait for all confirms; remove it."""
        with connection.cursor() as cursor:
            cursor.execute(_FETCH, (_BATCH,))
            rows = cursor.fetchall()
            if rows:
                self._publish(rows)
                cursor.execute(_REMOVE, ([row[0] for row in rows],))
            else:
                self._idle()
        assert self._connection is not None
        if time.monotonic() - self._repaired > _REPAIR_SECONDS:
            self._declare(self._connection)
        return len(rows) == _BATCH

    def _publish(self, rows: list[tuple[Any, ...]]) -> None:
        assert self._connection is not None
        assert self._channel is not None
        first = self._published + 1
        self._published += len(rows)
        self._unconfirmed, self._refused = set(range(first, first + len(rows))), False
        with at_once(self._connection):
            for _, event_id, name, routing_key, headers, payload in rows:
                envelope = {**headers, "data": orjson.Fragment(payload)}
                message = amqp.Message(
                    orjson.dumps(envelope),
                    content_type="application/json",
                    content_encoding="utf-8",
                    delivery_mode=_PERSISTENT,
                    message_id=event_id,
                    application_headers={**headers, "BCC": [name]},
                )
                self._channel.basic_publish(message, self._exchange, routing_key)
        self._await_confirms()

    def _await_confirms(self) -> None:
        assert self._connection is not None
        until = time.monotonic() + _CONFIRM_SECONDS
        while self._unconfirmed and not self._refused:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError("the broker did not confirm the events in time")
            self._connection.drain_events(timeout=left)
        if self._refused:
            raise ConnectionError("the broker refused an event")

    def _confirmed(self, delivery_tag: int, multiple: bool) -> None:
        if multiple:
            self._unconfirmed = {tag for tag in self._unconfirmed if tag > delivery_tag}
        else:
            self._unconfirmed.discard(delivery_tag)

    def _not_confirmed(self, delivery_tag: int, multiple: bool) -> None:
        self._refused = True

    def _idle(self) -> None:
        """Keep the connection alive."""
        assert self._connection is not None
        with contextlib.suppress(TimeoutError):
            self._connection.drain_events(timeout=0.001)
        self._connection.heartbeat_tick()
