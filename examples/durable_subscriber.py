"""A subscriber that misses no event: its queue is durable, and it acknowledges an event when it has dealt with it.

python examples/durable_subscriber.py amqp://user:password@host:port/ user_created user_deleted
"""

import contextlib
import sys
from collections import OrderedDict

import amqp
import orjson

from confd_worker.connection import connect

EXCHANGE = "wazo-headers"
QUEUE = "example.users"
REMEMBERED = 10_000


def follow(uri: str, names: list[str]) -> None:
    """Print the events of these names for ever, each once, though it may be delivered twice after a crash."""
    seen: OrderedDict[str, None] = OrderedDict()

    def on_event(message: amqp.Message) -> None:
        event_id = message.properties["message_id"]
        if event_id not in seen:
            event = orjson.loads(message.body)
            print(event["name"], event.get("tenant_uuid"), event["data"], flush=True)
            seen[event_id] = None
            if len(seen) > REMEMBERED:
                seen.popitem(last=False)
        message.channel.basic_ack(message.delivery_tag)

    with connect(uri, timeout=10, heartbeat=30) as connection:
        channel = connection.channel()
        channel.auto_decode = False
        channel.exchange_declare(EXCHANGE, "headers", durable=True, auto_delete=False)
        channel.queue_declare(QUEUE, durable=True, auto_delete=False)
        for name in names:
            channel.queue_bind(QUEUE, EXCHANGE, arguments={"x-match": "all", "name": name})
        channel.basic_qos(0, 50, False)
        channel.basic_consume(QUEUE, callback=on_event)
        while True:
            with contextlib.suppress(TimeoutError):
                connection.drain_events(timeout=10)
            connection.heartbeat_tick()


if __name__ == "__main__":
    follow(sys.argv[1], sys.argv[2:])
