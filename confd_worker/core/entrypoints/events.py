"""Handling events of other daemons, from the headers exchange."""

import logging
from collections.abc import Callable
from functools import partial, wraps
from http import HTTPStatus
from typing import Any

import amqp
import orjson
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint

from ...bus_names import queue_arguments
from .. import errors
from ..bus.connection import Binding, Bus, Subscription
from ..context import Context
from ..greenlets import spawn_after
from ..runtime import RUNTIME, Runtime
from .rpc import CONTEXT, start_worker

__all__ = ["listen", "on_event"]

_log = logging.getLogger(__name__)
_PAUSES = (1, 2, 5, 10, 20, 60)
_PREFETCH = 4


class EventHandler(Entrypoint):
    """Calls a method with the data of each event of one name, one process at a time.

    The queue is durable, so that events wait while no process runs. A method that fails is tried again, later each
    time; after that the event is set aside. One that refuses the event as malformed is not tried again.

    Args:
        event: name of the event.
    """

    def __init__(self, event: str) -> None:
        super().__init__(expected_exceptions=(Exception,))
        self.event = event
        self._subscription: Subscription | None = None

    @property
    def runtime(self) -> Runtime:
        """What the process shares."""
        return self.container.config[RUNTIME]

    @property
    def queue(self) -> str:
        """Name of the event's queue."""
        return self.runtime.bus.names.handled(self.container.service_name, self.event)

    def start(self) -> None:
        """Begin to consume the event's queue."""
        bus, settings = self.runtime.bus, self.runtime.settings
        binding = Binding(settings.events_exchange, "headers", arguments={"x-match": "all", "name": self.event})
        arguments = queue_arguments(bus.names, settings)
        self._subscription = Subscription(self.queue, [binding], self.handle_message, _PREFETCH, arguments)
        bus.subscribe(self._subscription)

    def stop(self) -> None:
        """Take no more events."""
        if self._subscription is not None:
            self.runtime.bus.unsubscribe(self._subscription)

    def handle_message(self, message: amqp.Message) -> None:
        """Start the method, or set aside what is not an event."""
        try:
            data = orjson.loads(message.body)["data"]
        except (orjson.JSONDecodeError, RecursionError, KeyError, TypeError):
            self._set_aside(message, f"not an event: {self.event}")
            return
        self._try(message, data, 0)

    def _try(self, message: amqp.Message, data: Any, attempt: int) -> None:
        try:
            start_worker(
                self,
                (data,),
                {},
                context_data={CONTEXT: Context()},
                handle_result=partial(self._handle_result, message, data, attempt),
            )
        except ContainerBeingKilled:
            _log.info("event_left_to_another_worker")

    def _handle_result(
        self, message: amqp.Message, data: Any, attempt: int, worker_ctx: Any, result: Any, exc_info: Any
    ) -> tuple[Any, Any]:
        error = exc_info[1] if exc_info else None
        if error is None:
            Bus.ack(message)
        elif isinstance(error, errors.ServiceError) and error.status == HTTPStatus.BAD_REQUEST:
            self._set_aside(message, f"the handler of {self.event} refused it: {error.message}")
        elif attempt < len(_PAUSES):
            _log.warning("event_failed name=%s attempt=%s", self.event, attempt + 1, exc_info=exc_info)
            spawn_after(_PAUSES[attempt], self._try, message, data, attempt + 1)
        else:
            _log.error("event_failed name=%s attempt=%s", self.event, attempt + 1, exc_info=exc_info)
            self._set_aside(message, f"the handler of {self.event} failed {attempt + 1} times: {_told(error)}")
        return result, exc_info

    def _set_aside(self, message: amqp.Message, reason: str) -> None:
        self.runtime.dead_letters.set_aside(message, self.queue, reason)


listen = EventHandler.decorator
"""A method that gets the data of events, and runs in no transaction, as it waits for other servers."""


def on_event(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A method that makes a change when an event comes; it gets the event's data."""

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def run(self: Any, data: Any) -> None:
            self.work.once(partial(method, self, data))

        return EventHandler.decorator(name)(run)

    return decorate


def _told(error: BaseException) -> str:
    """What may be told of an error: its message where it is one of ours, else its type; the log has the rest."""
    return error.message if isinstance(error, errors.ServiceError) else type(error).__name__
