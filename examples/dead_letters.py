"""Shows the messages that were set aside, oldest first.

With --again, events go to their handler once more, and calls are removed: nobody waits for their reply any longer.

python examples/dead_letters.py amqp://user:password@host:port/ [--again]
"""

import sys
from typing import Any

import amqp

from confd_worker.connection import connect

QUEUE = "confd.dead-letters"


def letters(channel: amqp.Channel) -> list[amqp.Message]:
    """All messages in the queue; what is not acknowledged goes back to it."""
    found = []
    while message := channel.basic_get(QUEUE):
        found.append(message)
    return found


def show(message: amqp.Message) -> None:
    """Print where a message came from, why it was set aside, and how it begins."""
    death: dict[str, Any] = message.headers["x-death"][0]
    print(f"{death['time']}  {death['queue']}  {death['reason']}  {death['routing-keys'][0]}  {message.body[:120]!r}")


def settle(channel: amqp.Channel, message: amqp.Message) -> None:
    """Send an event to the queue that it came from, or remove a call."""
    queue = message.headers["x-first-death-queue"]
    if not queue.startswith("rpc-"):
        properties = {**message.properties, "application_headers": {}}
        channel.basic_publish(amqp.Message(message.body, **properties), "", queue)
    channel.basic_ack(message.delivery_tag)


def main(uri: str, again: bool) -> None:
    """Show all, and settle them when `again`."""
    with connect(uri, timeout=10) as connection:
        channel = connection.channel()
        channel.auto_decode = False
        for message in letters(channel):
            show(message)
            if again:
                settle(channel, message)


if __name__ == "__main__":
    main(sys.argv[1], "--again" in sys.argv[2:])
