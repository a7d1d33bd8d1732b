"""Calls of any kind, one after the other, and what the answers must never be."""

import json
import time
from typing import Any

import amqp
import orjson

from ..wire import Wire
from .tally import TALLY

__all__ = ["PATIENCE", "Caller", "check"]

PATIENCE = 10.0
"""Seconds within which everything is answered."""

# There is neither Asterisk nor an authentication server, and a caller may name a deadline that is over.
FORESEEN = ((503, "unavailable"), (503, "deadline-exceeded"))


class Caller(Wire):
    """Sends calls that may hold anything which JSON of Python can say, also NaN, giant integers and lone surrogates."""

    def __init__(self, amqp_uri: str) -> None:
        super().__init__(amqp_uri)
        self._waiting: str | None = None
        self._answer: dict[str, Any] | None = None
        self.channel.basic_consume(self._reply_queue, no_ack=True, callback=self._take)

    def ask(self, method: str, arguments: dict[str, Any], tenant: str | None, visible: Any = None) -> dict[str, Any]:
        """The reply to a call; fails when it does not come in time, or tells of what nobody foresaw."""
        headers: dict[str, Any] = {"nameko.tenant_uuid": tenant} if tenant else {}
        if visible is not None:
            headers["nameko.visible_tenants"] = visible
        body = json.dumps({"args": [], "kwargs": arguments}).encode()
        answer = self.answer(self.send(method, body, headers), f"{method} {arguments!r:.300}")
        check(answer["error"], f"{method} {arguments!r:.2000}")
        TALLY.count(method)
        return answer

    def answer(self, key: str, what: str) -> dict[str, Any]:
        """The reply that comes next, which must be that of the call with this key."""
        self._waiting, self._answer = key, None
        end = time.monotonic() + PATIENCE
        while self._answer is None:
            try:
                self._connection.drain_events(timeout=max(end - time.monotonic(), 0.01))
            except TimeoutError:
                raise AssertionError(f"no answer within {PATIENCE:g} s: {what}") from None
        return self._answer

    def publish(self, exchange: str, routing_key: str, body: bytes, **properties: Any) -> None:
        """Publish a message as it is given."""
        self.channel.basic_publish(amqp.Message(body, **properties), exchange, routing_key)

    def _take(self, message: amqp.Message) -> None:
        if message.properties.get("correlation_id") == self._waiting:
            self._answer = orjson.loads(message.body)


def check(error: dict[str, Any] | None, what: str) -> None:
    """Fail when an error is one that no caller should see, whatever it sent."""
    if error is None:
        return
    assert isinstance(error.get("status"), int), f"{what}: {error}"
    told = error["status"], error["type"]
    assert error["status"] < 500 or told in FORESEEN, f"{what}: {error}"
    assert isinstance(error["message"], str), what
