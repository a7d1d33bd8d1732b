"""Connections to RabbitMQ over py-amqp, as the client and the worker both make them."""

import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import amqp
from amqp.method_framing import frame_handler

__all__ = ["BusUnavailable", "ClientError", "Connection", "at_once", "connect", "disconnect", "told"]


_log = logging.getLogger(__name__)
_CONTENT_HEADER = 2
# Of a content header: class, weight and size of the body; the flags of the properties follow.
_BEFORE_FLAGS = 12


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
        frame_handler=_tolerant,
    )
    try:
        connection.connect()
    except (OSError, amqp.AMQPError) as error:
        connection.collect()
        raise BusUnavailable(f"No broker at {host}:{port}: {told(error)}", sent=False) from error
    return connection


@contextmanager
def at_once(connection: amqp.Connection) -> Iterator[None]:
    """What is written to the connection meanwhile goes out in one piece at the end, and not at all after an error."""
    transport, pieces = connection.transport, []
    write = transport._write
    # The writer of frames uses its buffer again.
    transport._write = lambda piece: pieces.append(bytes(piece))
    try:
        yield
    finally:
        transport._write = write
    transport.write(b"".join(pieces))


def _tolerant(connection: amqp.Connection, callback: Callable[..., Any]) -> Callable[[Any], Any]:
    """A reader of frames to which a message whose properties cannot be read is one without any.

    With py-amqp's own, headers that are nested a thousand deep end the connection, again and again.
    """
    delivered = False

    def deliver(*arguments: Any) -> Any:
        nonlocal delivered
        delivered = True
        return callback(*arguments)

    read = frame_handler(connection, deliver)

    def on_frame(frame: Any) -> Any:
        nonlocal delivered
        delivered = False
        try:
            return read(frame)
        except Exception as error:
            kind, channel, content = frame
            if kind != _CONTENT_HEADER or delivered:
                raise
            _log.warning("properties_not_readable reason=%s", type(error).__name__)
            return read((kind, channel, bytes(content[:_BEFORE_FLAGS]) + b"\0\0"))

    return on_frame


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
