"""A nameko daemon that hears of new users and asks for more: python examples/greeter.py amqp://user:password@host:port/"""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402
from typing import Any  # noqa: E402

from nameko.containers import ServiceContainer  # noqa: E402
from nameko.events import event_handler  # noqa: E402
from nameko.rpc import RpcProxy  # noqa: E402


class Greeter:
    """Greets every new user, and tells of those who go."""

    name = "greeter"
    users = RpcProxy("users")

    @event_handler("confd", "user_created")
    def greet(self, event: dict[str, Any]) -> None:
        """Called once for each event, by one of the greeters that run; `confd` is the source of every event."""
        user = self.users.get(id=event["data"]["id"])
        print(f"Hello, {user['firstname']}!", flush=True)

    @event_handler("users", "user_deleted")
    def take_leave(self, event: dict[str, Any]) -> None:
        """The service that makes the change is a source of its events as well."""
        print(f"Goodbye, {event['data']['uuid']}!", flush=True)


if __name__ == "__main__":
    container = ServiceContainer(Greeter, {"AMQP_URI": sys.argv[1]})
    container.start()
    container.wait()
