"""What the worker is held against: a stock nameko echo, a bare py-amqp echo, and PostgreSQL alone.

The echoes run as processes of their own: `python -m bench.references {nameko,bare} AMQP_URI`.
"""

import contextlib
import sys
import time
import uuid
import warnings
from collections.abc import Callable
from typing import Any

import psycopg2

from .calls import Call
from .data import Tenant
from .figures import Load

__all__ = ["BARE", "NAMEKO", "database_loads"]

_EXCHANGE = "nameko-rpc"

# Nameko imports it; both are loaded only where they are needed.
warnings.filterwarnings("ignore", r"\s*Eventlet is deprecated")


def _value(number: int) -> dict[str, Any]:
    return {"value": {"id": number}}


NAMEKO = Call("nameko echo", "echo.echo", _value)
BARE = Call("py-amqp echo", "bare.echo", _value)


def _serve_nameko(amqp_uri: str) -> None:
    import eventlet

    eventlet.monkey_patch()

    from nameko.rpc import rpc
    from nameko.runners import ServiceRunner

    class Echo:
        name = "echo"

        @rpc
        def echo(self, value: Any) -> Any:
            return value

    runner = ServiceRunner({"AMQP_URI": amqp_uri})
    runner.add_service(Echo)
    runner.start()
    runner.wait()


def _serve_bare(amqp_uri: str) -> None:
    import amqp
    import orjson

    from confd_worker.connection import connect

    connection = connect(amqp_uri, 10)
    channel = connection.channel()
    channel.auto_decode = False

    def answer(message: Any) -> None:
        value = orjson.loads(message.body)["kwargs"]["value"]
        properties = message.properties
        reply = amqp.Message(
            orjson.dumps({"result": value, "error": None}),
            content_type="application/json",
            delivery_mode=1,
            correlation_id=properties["correlation_id"],
        )
        channel.basic_publish(reply, _EXCHANGE, properties["reply_to"])
        channel.basic_ack(message.delivery_tag)

    channel.exchange_declare(_EXCHANGE, "topic", durable=True, auto_delete=False)
    channel.queue_declare("rpc-bare", durable=True, auto_delete=False)
    channel.queue_bind("rpc-bare", _EXCHANGE, "bare.*")
    channel.basic_qos(0, 10, False)
    channel.basic_consume("rpc-bare", callback=answer)
    while True:
        with contextlib.suppress(TimeoutError):
            connection.drain_events()


class _Recorder:
    """Stands in for a unit of work, and keeps the statement that a read comes down to."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.statement: Any = None
        self.values: tuple[Any, ...] = ()

    def read(self, statement: Any, parameters: tuple[Any, ...] = ()) -> str:
        self.statement, self.values = statement, parameters
        return ""

    page = read


def _projections(tenant: Tenant) -> dict[str, _Recorder]:
    """The statements of `users.get` and of `users.list` with 50 users."""
    from confd_worker.core.context import Context
    from confd_worker.services.users.users import Users

    context = Context(tenant_uuid=tenant.uuid, visible=(tenant.uuid,))
    one, many = _Recorder(context), _Recorder(context)
    Users.dao.show(one, tenant.first)  # type: ignore[arg-type]
    Users.dao.list(many, {"limit": 50})  # type: ignore[arg-type]
    return {"users.get": one, "users.list": many}


_USER = """
    INSERT INTO users (uuid, firstname, lastname, email, caller_id, tenant_uuid)
    VALUES (gen_random_uuid(), 'Zoë', 'Nguyễn', %s, '"Zoë Nguyễn"', %s)
"""
_EVENT = "INSERT INTO outbox (event_id, name, routing_key, headers, payload) VALUES (%s, 'bench', 'bench', '{}', '{}');"
_CALL = "INSERT INTO calls (key, fingerprint, reply) VALUES (%s, '', %s);"
_DONE = "DELETE FROM outbox WHERE event_id = %s"


def database_loads(db_uri: str, tenant: Tenant) -> dict[str, Callable[[float], Load]]:
    """What PostgreSQL alone does, over one psycopg2 connection: by name, what runs it for some seconds."""
    connection = psycopg2.connect(db_uri, options="-c jit=off -c plan_cache_mode=force_generic_plan")
    connection.autocommit = True
    cursor = connection.cursor()

    def row(number: int) -> None:
        cursor.execute("SELECT * FROM users WHERE id = %s", (tenant.first + number % tenant.users,))
        cursor.fetchone()

    def projection(recorder: _Recorder) -> Callable[[int], None]:
        statement, values = recorder.statement, recorder.values
        cursor.execute(f"PREPARE {statement.name} AS {statement.sql}".replace("%", "%%"), ())
        execute = f"EXECUTE {statement.name} ({', '.join(['%s'] * len(values))})"

        def run(number: int) -> None:
            cursor.execute(execute, values)
            cursor.fetchone()

        return run

    def insert(number: int) -> None:
        key = str(uuid.uuid4())
        cursor.execute("BEGIN")
        cursor.execute(_USER, (f"{key}@reference.example", tenant.uuid))
        cursor.execute(_EVENT + _CALL, (key, key, "{}" * 500))
        cursor.execute("COMMIT")

    projections = {f"projection of {name}": projection(each) for name, each in _projections(tenant).items()}
    runs = {"select of one row": row, **projections, "insert and commit": insert}
    return {name: _repeated(run) for name, run in runs.items()}


def _repeated(run: Callable[[int], None]) -> Callable[[float], Load]:
    def load(seconds: float) -> Load:
        latencies: list[float] = []
        begun, cpu = time.perf_counter(), time.process_time()
        last = begun
        while last < begun + seconds:
            run(len(latencies))
            now = time.perf_counter()
            latencies.append(now - last)
            last = now
        return Load(latencies, last - begun, time.process_time() - cpu)

    return load


if __name__ == "__main__":
    {"nameko": _serve_nameko, "bare": _serve_bare}[sys.argv[1]](sys.argv[2])
