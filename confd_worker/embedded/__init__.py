"""Private PostgreSQL and RabbitMQ servers, with all that is theirs in one state folder, for this machine alone.

    with locked(Path(".confd")):
        database, broker = Postgres(Path(".confd")), Broker(Path(".confd"))
        for server in (database, broker):
            server.launch()
        for server in (database, broker):
            server.wait_until_ready()

Data, ports and passwords stay in the folder from one run to the next.
"""

from .postgres import Postgres
from .rabbitmq import Broker
from .server import EmbeddedError, close_to_others, free_port, is_free, locked, write_private

__all__ = [
    "Broker",
    "EmbeddedError",
    "Postgres",
    "close_to_others",
    "free_port",
    "is_free",
    "locked",
    "write_private",
]
