"""Connections to RabbitMQ over py-amqp, as the client and the worker both make them."""

import ssl
from urllib.parse import unquote, urlsplit

import amqp

__all__ = ["BusUnavailable", "ClientError", "Connection", "connect", "disconnect", "told"]


class ClientError(Exception):
    """Base of the errors that a call can end with."""


class BusUnavailable(ClientError):
    """The broker cannot be reached, or the connection was lost.

    Attributes:
        sent: False when the call surely was not sent; True when it may have been, and its outcome is unknown. With
            an idempotency key such a call can be repeated safely.
    """

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class Connection(amqp.Connection):
    """A connection that does not look for messages before each publish: `_Link.alive` does."""

    negotiate_capabilities = {"consumer_cancel_notify": True, "authentication_failure_close": True}


def connect(amqp_uri: str, timeout: float, heartbeat: int = 0) -> amqp.Connection:
    """An open connection; without a heartbeat a dead peer is noticed by TCP, so that a client may stay idle.

    Raises:
        BusUnavailable: the broker is not there or refuses; the message does not show the password.
        ValueError: `amqp_uri` is not the address of a broker.
    """
    address = urlsplit(amqp_uri)
    if address.scheme not in ("amqp", "amqps"):
        raise ValueError("The address of a broker starts with amqp:// or amqps://")
    secure = address.scheme == "amqps"
    host = address.hostname or "localhost"
    port = address.port or (5671 if secure else 5672)
    connection = Connection(
        host=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        userid=unquote(address.username or "guest"),
        password=unquote(address.password or "guest"),
        login_method="PLAIN",
        virtual_host=unquote(address.path[1:]) or "/",
        ssl={"server_hostname": host, "cert_reqs": ssl.CERT_REQUIRED} if secure else False,
        connect_timeout=timeout,
        read_timeout=timeout,
        write_timeout=timeout,
        heartbeat=heartbeat,
    )
    try:
        connection.connect()
    except (OSError, amqp.AMQPError) as error:
        connection.collect()
        raise BusUnavailable(f"No broker at {host}:{port}: {told(error)}", sent=False) from error
    return connection


def disconnect(connection: amqp.Connection) -> None:
    """Close in good manners where the other side still listens."""
    try:
        connection.close()
    except (OSError, amqp.AMQPError):
        connection.collect()


def told(error: Exception) -> str:
    """What an error says, on one line."""
    text = getattr(error, "reply_text", None) or str(error)
    return " ".join(text.split()) or type(error).__name__
