"""Messages that nobody can do anything with: kept in a table, and published again from there when somebody asks.

A message that is set aside goes into the table at once, and is then acknowledged. While the database is away the
broker keeps it, in a queue of its own, from which it goes into the table later. A message that comes twice, because
its acknowledgement was lost, stays one row.
"""

import base64
import hashlib
import json
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import amqp
from sqlalchemy import text

from ...connection import connect, disconnect
from ..database.engine import Database
from ..greenlets import spawn_after, spawn_n
from .connection import Binding, Bus, Subscription

__all__ = ["DeadLetters", "Letter", "republish"]

_log = logging.getLogger(__name__)
_PREFETCH = 20
_PAUSES = (0.5, 1, 2, 5, 10)
_CONFIRM_SECONDS = 10
_PERSISTENT = 2
# Levels of headers that are kept.
_DEEPEST = 50
_RPC_QUEUE = "rpc-"
_BY_BROKER = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count")
_TOO_MANY_DELIVERIES = "delivery_limit"
# Nobody waits for it any more: who has it published again wants it to be run.
_DEADLINE = "nameko.deadline"
_NOT_AGAIN = ("application_headers", "delivery_mode", "expiration", "user_id", "cluster_id")

_INSERT = text("""
    INSERT INTO dead_letters (fingerprint, queue, exchange, routing_key, headers, properties, body, reason)
    VALUES (:fingerprint, :queue, :exchange, :routing_key, :headers, :properties, :body, :reason)
    ON CONFLICT (fingerprint) DO UPDATE
    SET attempts = dead_letters.attempts + 1, received_at = timezone('utc', now()), reason = EXCLUDED.reason
""")


@dataclass(frozen=True)
class Letter:
    """A message that was set aside.

    Attributes:
        queue: that it was taken from.
        exchange, routing_key: that it was published to.
        headers, properties: of AMQP, as far as JSON can say them; without what the broker put there.
    """

    queue: str
    exchange: str
    routing_key: str
    headers: dict[str, Any]
    properties: dict[str, Any]
    body: bytes

    @classmethod
    def taken(cls, message: amqp.Message, queue: str) -> "Letter":
        """The message as it was taken from a queue."""
        info = message.delivery_info
        return cls._of(message, queue, info.get("exchange"), info.get("routing_key"))

    @classmethod
    def from_broker(cls, message: amqp.Message) -> "Letter":
        """The message as it was before the broker moved it to the queue of dead letters."""
        death = _last_death(message.headers or {})
        info = message.delivery_info
        keys = death.get("routing-keys")
        key = keys[0] if isinstance(keys, list) and keys else info.get("routing_key")
        return cls._of(message, death.get("queue"), death.get("exchange", info.get("exchange")), key)

    @classmethod
    def _of(cls, message: amqp.Message, queue: Any, exchange: Any, routing_key: Any) -> "Letter":
        named = {_text(name): value for name, value in (message.headers or {}).items()}
        headers = {name: value for name, value in named.items() if not name.startswith(_BY_BROKER)}
        properties = {name: value for name, value in message.properties.items() if name != "application_headers"}
        body = message.body or b""
        return cls(
            _text(queue or ""),
            _text(exchange or ""),
            _text(routing_key or ""),
            _plain(headers),
            # The broker takes it away where it moves the message itself.
            {name: value for name, value in _plain(properties).items() if name != "expiration"},
            body.encode("utf-8", "replace") if isinstance(body, str) else bytes(body),
        )

    @property
    def fingerprint(self) -> str:
        """The same for the same message."""
        told = [self.queue, self.exchange, self.routing_key, self.headers, self.properties]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode() + b"\0" + self.body).hexdigest()

    @property
    def row(self) -> dict[str, Any]:
        """Its columns."""
        return {
            "fingerprint": self.fingerprint,
            "queue": self.queue,
            "exchange": self.exchange,
            "routing_key": self.routing_key,
            "headers": json.dumps(self.headers),
            "properties": json.dumps(self.properties),
            "body": self.body,
        }

    @property
    def address(self) -> tuple[str, str]:
        """Exchange and routing key that lead to its queue and to no other one; a call needs its own routing key."""
        return (self.exchange, self.routing_key) if self.queue.startswith(_RPC_QUEUE) else ("", self.queue)

    def message(self) -> amqp.Message:
        """The message to publish again."""
        headers = {name: value for name, value in self.headers.items() if name != _DEADLINE}
        properties = {name: value for name, value in self.properties.items() if name not in _NOT_AGAIN}
        return amqp.Message(self.body, application_headers=headers, delivery_mode=_PERSISTENT, **properties)


class DeadLetters:
    """Sets messages aside.

    Args:
        database: with the table.
        bus: with the queue of those that the broker keeps.
    """

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database, self._bus = database, bus

    def start(self) -> None:
        """Begin to take what the broker keeps."""
        name = self._bus.names.dead_letters
        # Calls that expired are dead letters as well, but nobody wants them any more.
        bindings = [
            Binding(name, "headers", arguments={"x-match": "any-with-x", "x-first-death-reason": reason})
            for reason in ("rejected", _TOO_MANY_DELIVERIES)
        ]
        self._bus.subscribe(Subscription(name, bindings, self._handle_message, _PREFETCH, {}))

    def set_aside(self, message: amqp.Message, queue: str, reason: str) -> None:
        """Take the message out of the queue; does not wait until it is stored."""
        _log.error("message_set_aside queue=%s reason=%s", queue, reason)
        spawn_n(self._set_aside, message, queue, reason)

    def _set_aside(self, message: amqp.Message, queue: str, reason: str) -> None:
        try:
            self._store(Letter.taken(message, queue), reason)
        except Exception as error:
            _log.warning("dead_letter_left_to_the_broker queue=%s reason=%s", queue, type(error).__name__)
            Bus.reject(message)
        else:
            Bus.ack(message)

    def _handle_message(self, message: amqp.Message) -> None:
        spawn_n(self._take_over, message)

    def _take_over(self, message: amqp.Message, failures: int = 0) -> None:
        """Store what the broker kept; while that fails the message is the broker's, so that it is not lost."""
        try:
            self._store(Letter.from_broker(message), _reason(message))
        except Exception as error:
            _log.warning("dead_letter_not_stored reason=%s", type(error).__name__)
            pause = _PAUSES[min(failures, len(_PAUSES) - 1)]
            spawn_after(pause, self._take_over, message, failures + 1)
        else:
            Bus.ack(message)

    def _store(self, letter: Letter, reason: str) -> None:
        with self._database.engine.begin() as connection:
            connection.execute(_INSERT, {**letter.row, "reason": _text(reason)})


def republish(amqp_uri: str, letters: Iterable[tuple[int, Letter]], published: Callable[[int], None]) -> dict[int, str]:
    """Publish letters to the queues that they came from, in order, each confirmed by the broker.

    Args:
        letters: with their ids.
        published: called with the id of each one once the broker has it.

    Returns:
        Why not, by the ids of those that the broker did not take.

    Raises:
        BusUnavailable: the broker cannot be reached.
    """
    refused: dict[int, str] = {}
    connection = connect(amqp_uri, _CONFIRM_SECONDS)
    try:
        channel = connection.channel()
        returned: list[str] = []
        channel.events["basic_return"].add(lambda error, exchange, key, message: returned.append(key))
        for identity, letter in letters:
            try:
                _publish(channel, letter)
            except amqp.MessageNacked:
                refused[identity] = f"the queue {letter.queue} is full"
                continue
            if returned:
                refused[identity] = f"there is no queue {letter.queue}"
                returned.clear()
                continue
            published(identity)
    finally:
        disconnect(connection)
    return refused


def _publish(channel: amqp.Channel, letter: Letter) -> None:
    exchange, key = letter.address
    channel.basic_publish_confirm(letter.message(), exchange, key, mandatory=True, confirm_timeout=_CONFIRM_SECONDS)


def _last_death(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the broker noted when it moved the message here; the latest note comes first."""
    deaths = headers.get("x-death")
    death = deaths[0] if isinstance(deaths, list) and deaths else None
    return death if isinstance(death, dict) else {}


def _reason(message: amqp.Message) -> str:
    reason = str(_last_death(message.headers or {}).get("reason", "unknown"))
    if reason == _TOO_MANY_DELIVERIES:
        return "delivered too often: workers died of it"
    return f"{reason} while the database was away; the log of the workers tells why"


def _plain(value: Any, depth: int = 0) -> Any:
    """As JSON, and so PostgreSQL, can hold it."""
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, dict):
        return {_text(name): _plain(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each, depth + 1) for each in value]
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return base64.b64encode(value).decode() if isinstance(value, bytes) else _text(value)


def _text(value: Any) -> str:
    """A text without what PostgreSQL does not store: NUL characters and lone surrogates."""
    return str(value).encode("utf-8", "replace").decode().replace("\0", "\ufffd")
