"""What stands around the gateway in tests: a worker that answers what it is told to, servers, specs and tokens."""

import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import amqp
import httpx
import orjson
import uvicorn
from confd_gateway import GatewaySettings
from confd_gateway.server import server_config
from confd_schemas import fields
from confd_schemas.schema import Item
from confd_schemas.spec import Listing, Resource, operation, refused, resource

MASTER = "10000000-0000-4000-8000-000000000001"
CHILD = "10000000-0000-4000-8000-000000000002"
OTHER = "10000000-0000-4000-8000-000000000003"
UNREAD = "8c5f0000-0000-4000-8000-00000000abcd"
USER = "20000000-0000-4000-8000-000000000001"

SERVICES = ("things", "status", "api", "files", "rows")


class Thing(Item):
    """Something with a name."""

    name = fields.String()


RESOURCES = (
    resource(
        "/things/{id:id}",
        Thing,
        label="Thing",
        listing=Listing.by("name", "name"),
        also=(
            refused("PATCH", "/things/{id:id}"),
            operation("PUT", "/things/{id:id}/main", "things.set_main", constants={"which": "main"}),
            operation("GET", "/things/slow", "things.slow", timeout=0.3),
            operation("GET", "/things/master", "things.master", master_only=True),
            operation("GET", "/things/open", "things.open", acl=None),
            operation("GET", "/nowhere", "nowhere.get"),
        ),
    ),
    Resource(
        (
            operation("POST", "/rows", "rows.load", accepts="text/csv", success=201),
            operation("GET", "/rows", "rows.dump", produces="text/csv"),
            operation("GET", "/rows/{name:text}", "rows.one", query=("only",)),
        ),
    ),
    Resource(
        (
            operation("PUT", "/files/{name:text}", "files.put", accepts="application/octet-stream"),
            operation("GET", "/files/{name:text}", "files.get", produces="application/octet-stream"),
        ),
    ),
    Resource((operation("GET", "/status", "get"),)),
    Resource((operation("GET", "/api/api.yml", "api.get", acl=None, produces="application/x-yaml"),)),
)

TOKENS = f"""
tenants:
  - {{uuid: {MASTER}, name: master}}
  - {{uuid: {CHILD}, parent_uuid: {MASTER}}}
  - {{uuid: {OTHER}, parent_uuid: {MASTER}}}
tokens:
  - {{token: all, tenant_uuid: {MASTER}, acl: ["confd.#"], user_uuid: {USER}}}
  - {{token: child, tenant_uuid: {CHILD}, acl: ["confd.#"]}}
  - {{token: reader, tenant_uuid: {MASTER}, acl: [confd.#.read, "!confd.things.7.read", "!confd.things.{UNREAD}.read"]}}
"""


class FakeWorker:
    """Answers calls to `SERVICES` with what `answers` holds for the method, and keeps the calls.

    An answer is JSON of a result, an error as a dict, or None for silence.
    """

    def __init__(self, uri: str) -> None:
        self.answers: dict[str, bytes | dict[str, Any] | None] = {}
        self.calls: list[SimpleNamespace] = []
        self._waiting: deque[amqp.Message] = deque()
        parts = httpx.URL(uri)
        self._connection = amqp.Connection(
            f"{parts.host}:{parts.port}", userid=parts.username or "guest", password=parts.password or "guest"
        )
        self._connection.connect()
        self._channel = self._connection.channel()
        self._channel.auto_decode = False
        self._channel.exchange_declare("nameko-rpc", "topic", durable=True, auto_delete=False)
        self._channel.exchange_declare("wazo-headers", "headers", durable=True, auto_delete=False)
        queue = self._channel.queue_declare(exclusive=True).queue
        for service in SERVICES:
            self._channel.queue_bind(queue, "nameko-rpc", f"{service}.*")
        self._channel.basic_consume(queue, no_ack=True, callback=self._waiting.append)
        self._running = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def call(self) -> SimpleNamespace:
        """The only call since the last look."""
        (call,) = self.calls
        self.calls.clear()
        return call

    def publish(self, name: str, data: dict[str, Any]) -> None:
        """Send an event as the authentication server does."""
        message = amqp.Message(orjson.dumps({"name": name, "data": data}), application_headers={"name": name})
        self._channel.basic_publish(message, "wazo-headers")

    def reply_late(self, answer: bytes) -> None:
        """Answer the last call that was met with silence."""
        self._reply(self._unanswered, answer)

    def stop(self) -> None:
        self._running = False
        self._thread.join(5)
        self._connection.close()

    def _run(self) -> None:
        while self._running:
            try:
                self._connection.drain_events(timeout=0.2)
                # Not in the callback: publishing takes in messages, too.
                while self._waiting:
                    self._take(self._waiting.popleft())
            except TimeoutError:
                continue
            except (OSError, amqp.AMQPError):
                return

    def _take(self, message: amqp.Message) -> None:
        method = message.delivery_info["routing_key"]
        content = orjson.loads(message.body)
        self.calls.append(
            SimpleNamespace(method=method, headers=message.headers, properties=message.properties, **content)
        )
        answer = self.answers.get(method, b"null")
        if answer is None:
            self._unanswered = message
            return
        self._reply(message, answer)

    def _reply(self, message: amqp.Message, answer: bytes | dict[str, Any]) -> None:
        if isinstance(answer, dict):
            body = orjson.dumps({"result": None, "error": answer})
        else:
            body = b'{"result":' + answer + b',"error":null}'
        key = message.properties["correlation_id"]
        reply = amqp.Message(body, correlation_id=key, content_type="application/json")
        self._channel.basic_publish(reply, "nameko-rpc", message.properties["reply_to"])


@contextmanager
def serving(app: Any, settings: GatewaySettings | None = None) -> Iterator[str]:
    """Serve an ASGI application on a free port, in a thread; its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(server_config(app, settings or GatewaySettings(amqp_uri="", drain=5)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started or not thread.is_alive())
    assert server.started, "the application did not start"
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(15)
        listener.close()


def wait_until(condition: Callable[[], Any], seconds: float = 15) -> None:
    """Come back as soon as the condition holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)
