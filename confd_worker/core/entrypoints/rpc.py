"""The RPC entrypoint of all plugins: from an AMQP message to a method, and from its result or error to a reply.

Entrypoints are the methods that the service's spec has, of those with one of the decorators `read`, `change` and
`procedure`.

The wire format is nameko's own. An error carries, beside nameko's four keys, `status`, `type`, `message` and
`details`.
"""

import inspect
import logging
from collections.abc import Callable
from functools import cache, partial, wraps
from typing import Any

import amqp
import nameko.rpc
import orjson
from confd_schemas.rpc_names import nearest
from confd_schemas.spec import discover
from nameko.exceptions import ContainerBeingKilled, IncorrectSignature, MethodNotFound, serialize
from nameko.extensions import DependencyProvider, Entrypoint, ProviderCollector, SharedExtension

from ...bus_names import calls_arguments
from .. import errors
from ..bus.connection import Binding, Subscription
from ..context import Context
from ..database.engine import refusal, too_late, unreachable
from ..greenlets import spawn_n
from ..runtime import RUNTIME, Runtime
from ..work import Work

__all__ = ["CONTEXT", "Rpc", "UnitOfWork", "change", "procedure", "read", "start_worker"]

_log = logging.getLogger(__name__)
_PREFIX = "nameko."
# Of the text of an error, where all of it would be too much for a message.
_SHORT = 1000
CONTEXT = "confd.context"
"""Key of the call's `Context` in nameko's context data."""


class UnitOfWork(DependencyProvider):
    """Gives each call its own `Work`."""

    def get_dependency(self, worker_ctx: Any) -> Work:
        """The unit of work for the call's context."""
        runtime: Runtime = self.container.config[RUNTIME]
        return runtime.work(worker_ctx.data.get(CONTEXT) or Context(), worker_ctx.service_name)


def start_worker(entrypoint: Entrypoint, args: Any, kwargs: Any, **given: Any) -> None:
    """Start an entrypoint's method; arguments as for nameko's `ServiceContainer.spawn_worker`.

    Does not wait for a place among the workers of the service: who consumes, consumes for all services.
    """
    container = entrypoint.container
    if container._worker_pool.free() > 0:
        container.spawn_worker(entrypoint, args, kwargs, **given)
    else:
        spawn_n(_start_later, entrypoint, args, kwargs, given)


def _start_later(entrypoint: Entrypoint, args: Any, kwargs: Any, given: dict[str, Any]) -> None:
    try:
        entrypoint.container.spawn_worker(entrypoint, args, kwargs, **given)
    except ContainerBeingKilled:
        _log.info("left_to_another_worker")


class RpcConsumer(SharedExtension, ProviderCollector):
    """Consumes the calls of one service; what is not a call is refused, or set aside where nobody could be told."""

    def __init__(self) -> None:
        super().__init__()
        self._methods: dict[str, Rpc] = {}
        self._subscription: Subscription | None = None

    @property
    def runtime(self) -> Runtime:
        """What the process shares."""
        return self.container.config[RUNTIME]

    @property
    def queue(self) -> str:
        """Name of the service's queue."""
        return self.runtime.bus.names.calls(self.container.service_name)

    def register_provider(self, provider: "Rpc") -> None:
        """Take calls for the method of that entrypoint."""
        super().register_provider(provider)
        self._methods[provider.method_name.rstrip("_")] = provider

    def start(self) -> None:
        """Begin to consume the service's queue."""
        bus, service = self.runtime.bus, self.container.service_name
        self._subscription = Subscription(
            self.queue,
            [Binding(bus.names.rpc_exchange, "topic", bus.names.routing_key(f"{service}.*"))],
            self.handle_message,
            self.container.max_workers,
            calls_arguments(bus.names, self.runtime.settings),
        )
        bus.subscribe(self._subscription)

    def unregister_provider(self, provider: "Rpc") -> None:
        """Take no more calls; the first entrypoint that stops ends it for all of the service."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            self.runtime.bus.unsubscribe(subscription)
        super().unregister_provider(provider)

    def handle_message(self, message: amqp.Message) -> None:
        """Start the call that the message asks for, or answer why not."""
        try:
            self._check_size(message)
            args, kwargs, data = _envelope(message)
        except (errors.BadRequest, errors.MessageTooLarge) as error:
            if _reply_to(message):
                # The caller knows what was wrong, and has the call.
                self._finish(message, None, error)
            else:
                self.runtime.dead_letters.set_aside(message, self.queue, error.message)
            return
        try:
            self._spawn(message, args, kwargs, data)
        except ContainerBeingKilled:
            _log.info("call_left_to_another_worker")
        except Exception as error:
            self._finish(message, None, error)

    def _check_size(self, message: amqp.Message) -> None:
        """Read nothing that is larger than messages may be: what is made of it takes many times as much memory."""
        size, limit = len(message.body), self.runtime.settings.message_limit
        if size > limit:
            raise errors.MessageTooLarge(self._method(message), "a call", size, limit)

    def _spawn(self, message: amqp.Message, args: list[Any], kwargs: dict[str, Any], data: dict[str, Any]) -> None:
        method = self._method(message)
        name = method.rpartition(".")[2]
        entrypoint = self._methods.get(name)
        if entrypoint is None:
            raise MethodNotFound(name)
        context = Context.from_headers(
            data,
            master=self.runtime.facts.master_tenant_uuid,
            correlation_id=message.properties.get("correlation_id"),
            reply_to=message.properties.get("reply_to"),
            redelivered=message.delivery_info.get("redelivered", False),
        )
        if context.overdue:
            # An earlier delivery may have run in time, without its reply having been sent.
            raise errors.OutcomeUnknown() if context.redelivered else errors.Overdue()
        if context.if_revision is not None and not entrypoint.changes:
            raise errors.NoRevision(method)
        kwargs = entrypoint.arguments(args, kwargs)
        start_worker(
            entrypoint,
            (),
            kwargs,
            context_data={**data, CONTEXT: context},
            handle_result=partial(self._handle_result, message),
        )

    def _method(self, message: amqp.Message) -> str:
        """The full name of the method that is called, such as `users.get`."""
        return self.runtime.bus.names.method(message.delivery_info["routing_key"])

    def _handle_result(self, message: amqp.Message, worker_ctx: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
        self._finish(message, result, exc_info[1] if exc_info else None)
        return result, exc_info

    def _finish(self, message: amqp.Message, result: Any, error: BaseException | None) -> None:
        """Reply, then acknowledge: a worker that dies in between makes the call come again, not get lost."""
        self._answer(message, result, error)
        self.runtime.bus.ack(message)

    def _answer(self, message: amqp.Message, result: Any, error: BaseException | None) -> None:
        reply_to = _reply_to(message)
        if not reply_to:
            return
        method, limit = self._method(message), self.runtime.settings.message_limit
        failure = None if error is None else _told(error, message, method)
        try:
            body = orjson.dumps({"result": result, "error": failure})
        except TypeError as unserializable:
            body = orjson.dumps({"result": None, "error": _told(unserializable, message, method)})
        if len(body) > limit:
            # The broker would end the channel, and with it the replies to others that are on their way.
            _log.warning("reply_too_large method=%s bytes=%s", method, len(body))
            advice = "ask for a page of it with limit and offset" if method.endswith(".list") else ""
            too_large = errors.MessageTooLarge(method, "a reply", len(body), limit, advice)
            failure = _told(too_large, message, method) if failure is None else _shortened(failure)
            body = orjson.dumps({"result": None, "error": failure})
        correlation_id = message.properties.get("correlation_id")
        self.runtime.bus.reply(reply_to, correlation_id if isinstance(correlation_id, str) else None, body)


class Rpc(nameko.rpc.Rpc):
    """A method that can be called over the bus.

    Args:
        changes: whether it may depend on the revision of an item.
    """

    rpc_consumer = RpcConsumer()

    def __init__(self, changes: bool = False, **options: Any) -> None:
        # What goes wrong is told by `_told`, once; nameko's own line would repeat it with the arguments.
        super().__init__(expected_exceptions=(Exception,), **options)
        self.changes = changes
        self._signature: inspect.Signature | None = None
        self._names: dict[str, str] = {}

    def setup(self) -> None:
        """Take calls, where the spec has the method."""
        service = self.container.service_cls
        if self.method_name.rstrip("_") in service.spec.methods:
            super().setup()
            self._signature, self._names = called(service, self.method_name)

    def arguments(self, args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a call by the method's own names.

        Raises:
            IncorrectSignature: one is missing, or is not known.
        """
        assert self._signature is not None
        if "self" in kwargs:
            raise IncorrectSignature("got an unexpected keyword argument 'self'")
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise IncorrectSignature(str(error)) from None
        arguments = {self._names.get(name, name): value for name, value in bound.arguments.items()}
        for name, parameter in self._signature.parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                arguments.update(arguments.pop(name, {}))
        return arguments


def called(service: Any, method: str) -> tuple[inspect.Signature, dict[str, str]]:
    """The signature of a method as callers see it, and the method's own names of arguments by theirs.

    Callers name what the path's variables tell as the path does, in its order; the method may name it otherwise.
    """
    own = list(inspect.signature(getattr(service, method)).parameters.values())[1:]
    operation = service.spec.methods[method.rstrip("_")]
    variables = list(operation.variables) if operation else []
    theirs = [each.replace(name=variable) for variable, each in zip(variables, own, strict=False)]
    names = {variable: each.name for variable, each in zip(variables, own, strict=False)}
    return inspect.Signature([*theirs, *own[len(theirs) :]]), names


read = Rpc.decorator
"""A method that changes nothing."""


def change(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method that runs in one transaction, and takes effect once however often the call is delivered."""

    @wraps(method)
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        work: Work = self.work
        if work.running:
            return method(self, *args, **kwargs)
        work.called(self.name, method.__name__, args, kwargs)
        return work.once(partial(_conditionally, method, self, args, kwargs))

    return Rpc.decorator(changes=True)(run)


def _conditionally(method: Callable[..., Any], service: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    if service.work.context.if_revision is not None:
        service.check_revision(method.__name__, [*args, *kwargs.values()])
    return method(service, *args, **kwargs)


def procedure(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method that makes its changes in transactions of its own, by `Work.once`, and does more beside them.

    Such as asking another server, for which no transaction may wait. Within a change that already runs it is part of
    that one.
    """

    @wraps(method)
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        self.work.called(self.name, method.__name__, args, kwargs)
        return method(self, *args, **kwargs)

    return Rpc.decorator(run)


@cache
def _known_methods() -> tuple[str, ...]:
    return tuple(f"{spec.name}.{method}" for spec in discover() for method in spec.methods)


def _reply_to(message: amqp.Message) -> str:
    """The routing key of the reply; empty when there is none."""
    reply_to = message.properties.get("reply_to")
    return reply_to if isinstance(reply_to, str) else ""


def _envelope(message: amqp.Message) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    """Arguments by place, by name, and the context data of a call.

    Raises:
        BadRequest: the message is not a call as nameko makes them.
    """
    properties = message.properties
    if not _reply_to(message):
        raise errors.BadRequest("reply_to: must be the routing key of the reply")
    if properties.get("content_type") != "application/json":
        raise errors.BadRequest(f"content_type: must be application/json, not {properties.get('content_type')!r:.80}")
    headers = message.headers or {}
    if not all(isinstance(name, str) for name in headers):
        raise errors.BadRequest("headers: a name is not text")
    stack = headers.get("nameko.call_id_stack", [])
    if not isinstance(stack, list) or not all(isinstance(each, str) for each in stack):
        raise errors.BadRequest("nameko.call_id_stack: must be a list of texts")
    try:
        body = orjson.loads(message.body)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise errors.BadRequest(f"body: not JSON ({error})") from None
    if not isinstance(body, dict):
        raise errors.BadRequest("body: must be an object with args and kwargs")
    args, kwargs = body.get("args", []), body.get("kwargs", {})
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise errors.BadRequest("body: args must be a list and kwargs an object")
    return args, kwargs, {name.removeprefix(_PREFIX): value for name, value in headers.items()}


def _told(error: BaseException, message: amqp.Message, method: str) -> dict[str, Any]:
    """The error as a reply carries it; what nobody foresaw goes to the log, and the reply tells only where to look."""
    if isinstance(error, IncorrectSignature):
        return _data(serialize(error), errors.BadRequest(f"{method}: {error}"))
    if isinstance(error, MethodNotFound):
        service, _, name = method.rpartition(".")
        alike = nearest(method, _known_methods())
        unknown = errors.UnknownMethod(service, name, alike)
        # nameko's own clients show this text.
        return _data(serialize(MethodNotFound(unknown.message)), unknown)
    if unreachable(error) or too_late(error):
        error = refusal(error)
    if not isinstance(error, errors.ServiceError):
        headers = message.headers or {}
        reference = headers.get("nameko.request_id") or message.properties.get("correlation_id")
        _log.error("call_failed method=%s request_id=%s", method, reference, exc_info=error)
        error = errors.Unexpected(f"see the log of the worker for {reference}")
    return _data(serialize(error), error)


def _data(nameko_error: dict[str, Any], error: errors.ServiceError) -> dict[str, Any]:
    return {
        **nameko_error,
        "status": error.status,
        "type": error.type,
        "message": error.message,
        "details": orjson.Fragment(_encoded(error.details)),
    }


def _shortened(failure: dict[str, Any]) -> dict[str, Any]:
    """An error without its details, whose texts end early."""
    texts = {name: str(failure[name])[:_SHORT] for name in ("value", "message")}
    return {**failure, **texts, "exc_args": [texts["message"]], "details": {}}


def _encoded(details: dict[str, Any]) -> bytes:
    """Details as JSON, whatever a caller has made get into them: an error here would end the process."""
    try:
        return orjson.dumps(details, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return orjson.dumps({str(name): repr(value)[:1000] for name, value in details.items()})
