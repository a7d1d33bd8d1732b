"""A daemon on plain nameko that tells each event that it hears as a line of JSON.

Run it with `python -m integration_tests.listener AMQP_URI`.
"""

import eventlet

eventlet.monkey_patch()

import json  # noqa: E402
import sys  # noqa: E402
from typing import Any  # noqa: E402

from nameko.containers import ServiceContainer  # noqa: E402
from nameko.events import event_handler  # noqa: E402


class Listener:
    """Hears of new users, and of new lines whichever service tells."""

    name = "listener"

    @event_handler("users", "user_created")
    def hear(self, event: dict[str, Any]) -> None:
        print(json.dumps(event), flush=True)

    @event_handler("confd", "user_line_associated")
    def hear_anyone(self, event: dict[str, Any]) -> None:
        self.hear(event)


if __name__ == "__main__":
    container = ServiceContainer(Listener, {"AMQP_URI": sys.argv[1]})
    container.start()
    print("listening", flush=True)
    container.wait()
