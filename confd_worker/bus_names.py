"""What exchanges and queues are called on the broker."""

from dataclasses import dataclass
from typing import Any

from .config import Settings

__all__ = ["RPC_EXCHANGE", "BusNames", "calls_arguments", "queue_arguments"]

RPC_EXCHANGE = "nameko-rpc"
"""Nameko's own name of the exchange of calls."""

# Of one message, as each of them may have ended a worker.
_DELIVERIES = 20
# Of all calls that wait for one service, so that large bodies cannot fill the broker's memory either.
_QUEUE_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class BusNames:
    """The names, for one system of several on a broker.

    Attributes:
        prefix: of all names of services and queues, so that somebody else's service may have the name of one of ours.
        rpc_exchange: the topic exchange of calls and replies.
    """

    prefix: str = ""
    rpc_exchange: str = RPC_EXCHANGE

    @classmethod
    def of(cls, settings: Settings) -> "BusNames":
        """The names that settings give."""
        return cls(settings.service_prefix, settings.rpc_exchange)

    @property
    def dead_letters(self) -> str:
        """The exchange, and the queue bound to it, where messages are set aside."""
        return f"{self.prefix}confd.dead-letters"

    @property
    def events_topic(self) -> str:
        """The topic exchange between the headers exchange and those of nameko's handlers."""
        return f"{self.prefix}confd-events"

    def calls(self, service: str) -> str:
        """The queue of a service's calls."""
        return f"rpc-{self.prefix}{service}"

    def routing_key(self, method: str) -> str:
        """Of the calls of a method, such as `users.get`."""
        return f"{self.prefix}{method}"

    def method(self, routing_key: str) -> str:
        """The method that a routing key leads to."""
        return routing_key.removeprefix(self.prefix)

    def handled(self, service: str, event: str) -> str:
        """The queue of the events of one name that a service handles."""
        return f"confd.{self.prefix}{service}.{event}"

    def events_of(self, service: str) -> str:
        """The exchange on which nameko's `@event_handler` listens for what a service tells."""
        return f"{self.prefix}{service}.events"


def queue_arguments(names: BusNames, settings: Settings) -> dict[str, Any]:
    """Arguments of a queue whose rejected messages are to be kept."""
    arguments: dict[str, Any] = {"x-dead-letter-exchange": names.dead_letters, "x-queue-type": settings.queue_type}
    if settings.queue_type == "quorum":
        arguments["x-delivery-limit"] = _DELIVERIES
    return arguments


def calls_arguments(names: BusNames, settings: Settings) -> dict[str, Any]:
    """Arguments of the queue of a service's calls."""
    return queue_arguments(names, settings) | {
        "x-max-length": settings.queue_length,
        "x-max-length-bytes": _QUEUE_BYTES,
        "x-overflow": "reject-publish",
    }
