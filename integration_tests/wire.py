"""Plain AMQP: messages as no client of ours would send them, and events with all that travels beside them."""

import uuid
from typing import Any

import amqp
import orjson
from confd_schemas.spec import discover

from confd_worker.conformance.system import until
from confd_worker.connection import connect, disconnect

__all__ = ["DEAD_LETTERS", "EVENTS", "RPC", "Wire", "delete_queues"]

DEAD_LETTERS = "confd.dead-letters"
RPC = "nameko-rpc"
EVENTS = "wazo-headers"
HANDLED = (
    "confd.tenants.auth_tenant_added",
    "confd.tenants.auth_tenant_deleted",
    "confd.users.user_account_unneeded",
)


def delete_queues(amqp_uri: str) -> None:
    """Delete the queues of all services and handlers, as one does who gives them other arguments."""
    with Wire(amqp_uri) as wire:
        for queue in (*(f"rpc-{spec.name}" for spec in discover()), *HANDLED):
            wire.channel.queue_delete(queue)


class Wire:
    """A connection with a queue for replies.

    Args:
        amqp_uri: of the broker.
    """

    def __init__(self, amqp_uri: str) -> None:
        self._connection = connect(amqp_uri, 10)
        self.channel = self._connection.channel()
        self.channel.auto_decode = False
        self._replies: dict[str, dict[str, Any]] = {}
        self._reply_to = str(uuid.uuid4())
        self._reply_queue = self.channel.queue_declare(exclusive=True).queue
        self.channel.exchange_declare(RPC, "topic", durable=True, auto_delete=False)
        self.channel.queue_bind(self._reply_queue, RPC, self._reply_to)

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *exception: object) -> None:
        disconnect(self._connection)

    def send(self, method: str, body: Any, headers: dict[str, Any] | None = None, **properties: Any) -> str:
        """Publish a call, well formed but for what is given.

        Args:
            body: bytes as they are, anything else as JSON.
            properties: AMQP properties; one that is None is left out.

        Returns:
            The correlation id.
        """
        usual = {
            "reply_to": self._reply_to,
            "correlation_id": str(uuid.uuid4()),
            "content_type": "application/json",
            "content_encoding": "utf-8",
            "application_headers": headers or {},
        }
        given = {name: value for name, value in (usual | properties).items() if value is not None}
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        self.channel.basic_publish(amqp.Message(content, **given), RPC, method)
        return str(given.get("correlation_id"))

    def reply(self, correlation_id: str, seconds: float = 10) -> dict[str, Any]:
        """The reply to a call."""

        def came() -> dict[str, Any] | None:
            while message := self.channel.basic_get(self._reply_queue, no_ack=True):
                self._replies[message.properties["correlation_id"]] = orjson.loads(message.body)
            return self._replies.get(correlation_id)

        return until(came, "a reply", seconds)

    def forget(self, correlation_id: str) -> None:
        """Take no reply that came so far for one to that call."""
        self._replies.pop(correlation_id, None)

    def publish_event(self, name: str, data: Any, **headers: Any) -> None:
        """Publish an event as another daemon of the platform does; `data` in bytes is the whole payload."""
        told = {"name": name, **headers}
        content = data if isinstance(data, bytes) else orjson.dumps({**told, "data": data})
        message = amqp.Message(content, content_type="application/json", application_headers=told)
        self.channel.basic_publish(message, EVENTS, "")

    def follow(self, *names: str, queue: str = "", **wanted: Any) -> str:
        """A queue with the events of these names (all when there are none); durable when it is given a name."""
        self.channel.exchange_declare(EVENTS, "headers", durable=True, auto_delete=False)
        lasting = bool(queue)
        queue = self.channel.queue_declare(queue, durable=lasting, exclusive=not lasting, auto_delete=False).queue
        for binding in [{"name": name} for name in names] or [{}]:
            self.channel.queue_bind(queue, EVENTS, arguments={"x-match": "all", **binding, **wanted})
        return queue

    def get(self, queue: str, seconds: float = 10) -> amqp.Message:
        """The next message of a queue, taken from it."""
        return until(lambda: self.channel.basic_get(queue, no_ack=True), f"a message in {queue}", seconds)

    def all(self, queue: str) -> list[amqp.Message]:
        """All messages that are in a queue now, taken from it."""
        return list(iter(lambda: self.channel.basic_get(queue, no_ack=True), None))
