"""Load over RPC: one bare py-amqp connection that keeps a number of calls in flight, in a process of its own.

It speaks nameko's wire format, and does for each call only what it must: one publish, one delivery, no decoding.
"""

import time
from functools import cache
from typing import Any

import amqp
import orjson

from confd_worker.connection import connect

from .calls import Call
from .figures import Load

__all__ = ["run"]

_TIMEOUT = 30
_EXCHANGE = "nameko-rpc"


def run(amqp_uri: str, call: Call, first: int, in_flight: int, seconds: float, calls: int | None = None) -> Load:
    """Make calls for so long.

    Args:
        first: number of the first call.
        in_flight: how many calls wait for their reply at once.
        calls: how many to make at the most.

    Raises:
        RuntimeError: a call was answered with an error.
        TimeoutError: a reply did not come.
    """
    return _client(amqp_uri).run(call, first, in_flight, seconds, calls)


@cache
def _client(amqp_uri: str) -> "_Client":
    return _Client(amqp_uri)


class _Client:
    def __init__(self, amqp_uri: str) -> None:
        self._connection = connect(amqp_uri, _TIMEOUT)
        self._channel = channel = self._connection.channel()
        channel.auto_decode = False
        channel.exchange_declare(_EXCHANGE, "topic", durable=True, auto_delete=False)
        self._reply_to = channel.queue_declare(exclusive=True).queue
        channel.queue_bind(self._reply_to, _EXCHANGE, self._reply_to)
        channel.basic_consume(self._reply_to, no_ack=True, callback=self._on_reply)
        self._sent: dict[str, float] = {}
        self._latencies: list[float] = []
        self._error: bytes | None = None

    def run(self, call: Call, first: int, in_flight: int, seconds: float, calls: int | None) -> Load:
        # What an error left behind is over.
        self._sent.clear()
        self._error = None
        self._latencies, begun, cpu = [], time.perf_counter(), time.process_time()
        until, number = begun + seconds, first
        last = first + calls if calls is not None else None
        while True:
            while len(self._sent) < in_flight and time.perf_counter() < until and number != last:
                self._send(call, number)
                number += 1
            if not self._sent:
                break
            try:
                self._connection.drain_events(timeout=_TIMEOUT)
            except TimeoutError:
                raise TimeoutError(f"{call.name}: {len(self._sent)} calls were not answered") from None
            if self._error is not None:
                raise RuntimeError(f"{call.name}: {self._error[:400].decode()}")
        return Load(self._latencies, time.perf_counter() - begun, time.process_time() - cpu)

    def _send(self, call: Call, number: int) -> None:
        key = f"{number:x}-{time.perf_counter_ns():x}"
        headers: dict[str, Any] = {
            "nameko.call_id_stack": [key],
            "nameko.deadline": f"{time.time() + _TIMEOUT:.3f}",
        }
        if call.tenant:
            headers["nameko.tenant_uuid"] = call.tenant
        message = amqp.Message(
            orjson.dumps({"args": (), "kwargs": call.arguments(number)}),
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=1,
            correlation_id=key,
            reply_to=self._reply_to,
            application_headers=headers,
        )
        self._sent[key] = time.perf_counter()
        self._channel.basic_publish(message, _EXCHANGE, call.method)

    def _on_reply(self, message: amqp.Message) -> None:
        sent = self._sent.pop(message.properties["correlation_id"], None)
        if sent is not None:
            self._latencies.append(time.perf_counter() - sent)
            if not message.body.endswith(b"null}"):
                self._error = message.body
