"""The ASGI application: one request becomes one RPC call."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import msgspec
import structlog
from confd_schemas.spec import Resource, discover
from starlette.responses import Response
from starlette.routing import Router as OtherScopes
from starlette.types import Message, Receive, Scope, Send

from .addresses import base_url, script_name
from .auth import Access, Auth, OpenAuth
from .auth_server import ServerAuth
from .auth_static import StaticAuth
from .bodies import Bodies
from .bus import Bus
from .cors import Cors
from .errors import BrokenOff, ClientGone, Failure, NotAllowed
from .files import download, upload
from .replies import decode, failure_response, json_response, render
from .requests import (
    body_pieces,
    condition,
    context,
    json_body,
    one_of_each,
    query_arguments,
    read_body,
    request_id,
    text_body,
)
from .routing import Match, Router
from .settings import GatewaySettings
from .status import STATUS_SECONDS, compose_status

__all__ = ["Gateway", "create_app", "create_auth"]

API_DOCUMENT, STATUS = "api.get", "status.get"
CLIENT_GONE = 499
# Most calls are answered sooner; only then is it worth looking whether the client is still there.
PATIENCE = 1.0

_access_log = structlog.get_logger("confd_gateway.access")
_log = structlog.get_logger(__name__)

Headers = Mapping[bytes, bytes]


def create_app(settings: GatewaySettings, resources: Iterable[Resource] | None = None) -> "Gateway":
    """The application; connects to nothing before its lifespan begins.

    Args:
        resources: what it serves; by default all that are installed.

    Raises:
        ConfigurationError: the settings are not usable.
        ValueError: two operations share a method and a path.
    """
    settings.check()
    return Gateway(settings, Router(discover() if resources is None else resources), create_auth(settings))


def create_auth(settings: GatewaySettings) -> Auth:
    """The way to know callers that the settings name.

    Raises:
        ConfigurationError: the file of tokens is not usable.
    """
    master = settings.master_tenant_uuid.lower() if settings.master_tenant_uuid else None
    if settings.auth_mode == "static":
        return StaticAuth.from_file(settings.auth_tokens or "", master)
    if settings.auth_mode == "none":
        return OpenAuth(master)
    return ServerAuth(
        settings.auth_url or "",
        settings.auth_username,
        settings.auth_password,
        master_tenant=master,
        cache_seconds=settings.auth_cache,
    )


class Gateway:
    """The application itself.

    Args:
        router: of all operations.
        auth: how callers are known.
    """

    def __init__(self, settings: GatewaySettings, router: Router, auth: Auth) -> None:
        self._settings = settings
        self._router = router
        self._auth = auth
        self._bodies = Bodies()
        self._cors = Cors(settings.cors_headers) if settings.cors else None
        self.bus = Bus(
            settings.amqp_uri,
            message_limit=settings.message_limit,
            rpc_exchange=settings.rpc_exchange,
            prefix=settings.service_prefix,
            events_exchange=settings.events_exchange,
            events=auth.events,
            on_event=auth.on_event,
            on_lost=auth.forget,
        )
        self._other_scopes = OtherScopes(lifespan=self._lifespan)

    async def startup(self) -> None:
        """Connect to the broker, and begin to learn who may call."""
        await self._auth.start()
        await self.bus.start()

    async def shutdown(self) -> None:
        """Close all connections."""
        await self.bus.stop()
        await self._auth.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or take part in the server's lifespan."""
        if scope["type"] != "http":
            await self._other_scopes(scope, receive, send)
            return
        begun = time.perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        request = request_id(headers)
        status = CLIENT_GONE
        try:
            response = await self._answer(scope, headers, receive, request)
            response.raw_headers.append((b"x-request-id", request.encode("ascii")))
            if self._cors is not None:
                self._cors.add(response, headers)
            if scope["method"] == "HEAD":
                # The headers still tell of the body that GET would have.
                response.body = b""
            status = response.status_code
            await response(scope, receive, send)
        except (ClientGone, BrokenOff):
            # Nothing more is sent, and so the server closes the connection.
            pass
        finally:
            if self._settings.access_log:
                _log_access(scope, request, status, time.perf_counter() - begun)

    async def _answer(self, scope: Scope, headers: Headers, receive: Receive, request: str) -> Response:
        try:
            if len(headers) < len(scope["headers"]):
                headers = one_of_each(scope["headers"])
            if scope["method"] == "OPTIONS":
                return self._options(scope, headers)
            match = self._router.match(scope["method"], scope["path"], scope.get("raw_path"))
            return await self._call(match, scope, headers, receive, request)
        except Failure as failure:
            return failure_response(failure)
        except ClientGone:
            raise
        except Exception:
            _log.exception("request_failed", request_id=request)
            return failure_response(Failure(500, {"message": "Internal Server Error"}))

    def _options(self, scope: Scope, headers: Headers) -> Response:
        try:
            allowed: Iterable[str] = self._router.match("OPTIONS", scope["path"], scope.get("raw_path")).allowed
        except NotAllowed as other_methods:
            allowed = other_methods.allowed
        response = Response(status_code=200, headers={"allow": ", ".join(allowed)}, media_type="text/html")
        if self._cors is not None:
            self._cors.add_preflight(response, headers)
        return response

    async def _call(self, match: Match, scope: Scope, headers: Headers, receive: Receive, request: str) -> Response:
        operation = match.route.operation
        access = await self._access(match, headers)
        if operation.rpc is None:
            raise NotAllowed(match.allowed, operation.refusal)
        told = context(headers, access, request)
        if operation.rpc == STATUS:
            return await self._status(told)
        told |= condition(headers, operation)
        timeout = operation.timeout or self._settings.timeout
        send = partial(self.bus.send, operation.rpc, headers=told, timeout=timeout)
        arguments = await self._arguments(match, scope, headers, receive)
        if operation.in_blocks and operation.method == "GET":
            return await download(send, arguments, operation, head=scope["method"] == "HEAD")
        if operation.in_blocks:
            pieces = body_pieces(receive, headers, operation.limit or self._settings.max_body, self._settings.stall)
            arguments |= await upload(send, arguments, pieces)
        result = decode(await _patiently(send(arguments), receive))
        base = base_url(headers, scope.get("scheme", "http"), scope.get("server"))
        return render(match, result, base, self._bodies)

    async def _access(self, match: Match, headers: Headers) -> Access | None:
        acl = match.route.acl(match.values)
        if acl is None:
            return None
        token = headers.get(b"x-auth-token", b"").decode("latin-1")
        tenant = headers.get(b"wazo-tenant", b"").decode("latin-1").strip()
        return await self._auth.access(token, acl, tenant, master_only=match.route.operation.master_only)

    async def _arguments(self, match: Match, scope: Scope, headers: Headers, receive: Receive) -> dict[str, Any]:
        """The arguments of the call; what the path says wins over what the query says."""
        operation = match.route.operation
        arguments: dict[str, Any] = {
            **query_arguments(match.route, scope["query_string"]),
            **operation.constants,
            **match.values,
        }
        if operation.rpc == API_DOCUMENT:
            arguments.pop("prefix", None)
            prefix = script_name(headers.get(b"x-script-name", b""))
            return arguments | ({"prefix": prefix} if prefix else {})
        if operation.in_blocks:
            return arguments
        stall = self._settings.stall
        if operation.accepts != "application/json":
            body = await read_body(receive, headers, self._settings.max_body, stall)
            arguments["body"] = text_body(body, operation.accepts, headers.get(b"content-type", b""))
        elif operation.takes_body:
            arguments["body"] = json_body(await read_body(receive, headers, self._settings.max_json, stall))
        return arguments

    async def _status(self, told: dict[str, Any]) -> Response:
        try:
            told_by_worker = decode(await self.bus.send(STATUS, {}, told, STATUS_SECONDS))
        except Failure:
            told_by_worker = None
        master_known = self._auth.master_tenant is not None
        content = compose_status(told_by_worker, master_tenant=master_known, service_token=self._auth.ready)
        return json_response(200, msgspec.json.encode(content))

    @asynccontextmanager
    async def _lifespan(self, app: Any) -> AsyncIterator[None]:
        await self.startup()
        try:
            yield
        finally:
            await self.shutdown()


async def _patiently(reply: "asyncio.Future[bytes]", receive: Receive) -> bytes:
    """Wait for the reply, as long as the client does.

    Raises:
        ClientGone: it does not.
        Failure: there is no answer.
    """
    loop = asyncio.get_running_loop()
    watches: list[asyncio.Task[None]] = []
    timer = loop.call_later(PATIENCE, lambda: watches.append(loop.create_task(_watch(reply, receive))))
    try:
        return await reply
    finally:
        timer.cancel()
        for watch in watches:
            watch.cancel()


async def _watch(reply: "asyncio.Future[bytes]", receive: Receive) -> None:
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()
    if not reply.done():
        reply.set_exception(ClientGone())


def _log_access(scope: Scope, request: str, status: int, seconds: float) -> None:
    raw_path = scope.get("raw_path")
    path = raw_path.split(b"?")[0].decode("latin-1") if raw_path else scope["path"]
    _access_log.info(
        "request",
        request_id=request,
        method=scope["method"],
        path=path,
        status=status,
        ms=round(seconds * 1000, 1),
    )
