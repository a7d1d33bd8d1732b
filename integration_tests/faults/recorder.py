"""A subscriber with a durable queue, which notes every event of one tenant."""

import contextlib
import threading
import time
from dataclasses import dataclass
from typing import Any

import amqp
import orjson

from confd_worker.client import EVENTS_EXCHANGE
from confd_worker.conformance.system import until
from confd_worker.connection import BusUnavailable, connect, disconnect

__all__ = ["Recorder", "Told"]

PREFETCH = 500
IDLE = 0.1
LOST = (OSError, BusUnavailable, amqp.AMQPError)


@dataclass(frozen=True)
class Told:
    """An event as it came."""

    event_id: str
    name: str
    data: dict[str, Any]


class Recorder:
    """Notes events from the time on at which it is entered; connects again whenever it must.

    Args:
        amqp_uri: of the broker.
        tenant: whose events.
    """

    def __init__(self, amqp_uri: str, tenant: str) -> None:
        self.seen: list[Told] = []
        self._amqp_uri, self._tenant = amqp_uri, tenant
        self._queue = f"recorder-{tenant}"
        self._over = threading.Event()
        self._idle = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Recorder":
        connection = connect(self._amqp_uri, 10)
        self._declare(connection.channel())
        disconnect(connection)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()
        with contextlib.suppress(*LOST):
            connection = connect(self._amqp_uri, 10)
            connection.channel().queue_delete(self._queue)
            disconnect(connection)

    def first(self) -> list[Told]:
        """Each event once, in the order in which they came first."""
        return list({told.event_id: told for told in reversed(self.seen)}.values())[::-1]

    def heard(self, user: str) -> bool:
        """Whether it came that the user was created."""
        return any(told.name == "user_created" and told.data["uuid"] == user for told in list(self.seen))

    def drain(self) -> None:
        """Wait until nothing more comes."""
        self._idle.clear()
        until(self._idle.is_set, "the subscriber has all events")

    def _declare(self, channel: amqp.Channel) -> None:
        channel.auto_decode = False
        channel.exchange_declare(EVENTS_EXCHANGE, "headers", durable=True, auto_delete=False)
        channel.queue_declare(self._queue, durable=True, auto_delete=False)
        wanted = {"x-match": "all", "tenant_uuid": self._tenant}
        channel.queue_bind(self._queue, EVENTS_EXCHANGE, arguments=wanted)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                connection = connect(self._amqp_uri, 5)
            except BusUnavailable:
                time.sleep(IDLE)
                continue
            with contextlib.suppress(*LOST):
                self._listen(connection)
            disconnect(connection)

    def _listen(self, connection: amqp.Connection) -> None:
        channel = connection.channel()
        self._declare(channel)
        channel.basic_qos(0, PREFETCH, False)
        channel.basic_consume(self._queue, callback=self._note)
        while not self._over.is_set():
            try:
                connection.drain_events(timeout=IDLE)
            except TimeoutError:
                if not self._idle.is_set() and not channel.queue_declare(self._queue, passive=True).message_count:
                    self._idle.set()

    def _note(self, message: amqp.Message) -> None:
        headers = message.headers or {}
        data = orjson.loads(message.body)["data"]
        self.seen.append(Told(headers["event_id"], headers["name"], data))
        message.channel.basic_ack(message.delivery_tag)
