"""How the parts of a system are, as seen from outside: each is asked itself, within a few seconds."""

import dataclasses
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import amqp
import psycopg2
import requests
import yaml
from confd_schemas.spec import discover

from .bus_names import BusNames, calls_arguments
from .client import TRANSIENT, Client, ClientError
from .config import Settings
from .connection import BusUnavailable, connect, disconnect
from .core.delivery.health import RELAY_LAG, STATE, SYSCONFD_LAG, keeps_up
from .supervisor import Ledger

__all__ = ["Part", "examine"]

SECONDS = 3
TOKEN_SECONDS = 10
ORDER = ("database", "bus", "relay", "sysconfd", "workers", "processes", "dead_letters", "auth")


@dataclasses.dataclass(frozen=True)
class Part:
    """One part of the system.

    Attributes:
        well: whether it does its work.
        text: a line for people.
        facts: for programs.
    """

    name: str
    well: bool
    text: str
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)


def examine(settings: Settings, ledger: Path | None = None) -> list[Part]:
    """All parts of the system that these settings describe; raises nothing.

    Args:
        ledger: where a supervisor writes down how its processes are.
    """
    parts = [
        *_database(settings),
        *_broker(settings),
        *([] if ledger is None else _processes(ledger)),
        _auth(settings),
    ]
    return sorted(parts, key=lambda part: ORDER.index(part.name))


def _database(settings: Settings) -> Iterable[Part]:
    """The database, and what it tells of the jobs."""
    limits = f"-c statement_timeout={SECONDS * 1000}"
    try:
        connection = psycopg2.connect(settings.db_uri, connect_timeout=SECONDS, options=limits)
        try:
            with connection.cursor() as cursor:
                cursor.execute(STATE)
                state = cursor.fetchone()[0]
            version = connection.server_version
        finally:
            connection.close()
    except psycopg2.Error as error:
        yield Part("database", False, _told(error))
        yield Part("relay", False, "unknown, as the database does not tell")
        return
    yield Part("database", True, f"PostgreSQL {version // 10000}.{version % 10000}", {"version": version})
    yield _job("relay", state["relay"], RELAY_LAG, "events")
    if settings.sysconfd_url:
        yield _job("sysconfd", state["sysconfd"], SYSCONFD_LAG, "requests")
    number = state["dead_letters"]
    text = f"{number}, see `confd-worker dead list`" if number else "none"
    yield Part("dead_letters", True, text, {"number": number})


def _job(name: str, job: dict[str, Any], longest: float, what: str) -> Part:
    where = f"on {' '.join(job['on'].split()[:2])}" if job["on"] else "nobody does it"
    waiting = f"{job['waiting']} {what} wait, the oldest for {job['lag']:.1f} s" if job["waiting"] else "nothing waits"
    return Part(name, keeps_up(job, longest), f"{where}; {waiting}", job)


def _broker(settings: Settings) -> Iterable[Part]:
    """The broker, and what it tells of the workers."""
    try:
        connection = connect(settings.amqp_uri, SECONDS)
    except BusUnavailable as error:
        yield Part("bus", False, str(error))
        yield Part("workers", False, "unknown, as the broker does not tell")
        return
    try:
        product = connection.server_properties
        text = f"{product.get('product', 'AMQP')} {product.get('version', '')}".rstrip()
        gone = _gone(settings, connection)
        told = "".join(f"; the exchange {name} is gone" for name in gone)
        yield Part("bus", not gone, text + told, {"gone": gone})
        yield _workers(settings, connection)
    except (OSError, amqp.AMQPError) as error:
        yield Part("workers", False, _told(error))
    finally:
        disconnect(connection)


def _workers(settings: Settings, connection: amqp.Connection) -> Part:
    """Who consumes the calls of the services, and whether one is answered."""
    names = settings.services or sorted(spec.name for spec in discover())
    on_bus = BusNames.of(settings)
    waiting, consumers, refused = 0, {}, []
    channel = connection.channel()
    for name in names:
        queue = on_bus.calls(name)
        try:
            _, calls, consumers[name] = channel.queue_declare(queue, passive=True)
            # As it is there, nothing is made: the broker compares the arguments.
            channel.queue_declare(queue, durable=True, auto_delete=False, arguments=calls_arguments(on_bus, settings))
            waiting += calls
        except amqp.NotFound:
            consumers[name] = 0
        except amqp.ChannelError:
            consumers[name] = 0
            refused.append(name)
    processes = max(consumers.values(), default=0)
    silent = [name for name, number in consumers.items() if not number and name not in refused]
    unbound = _unbound(on_bus, connection, [name for name, number in consumers.items() if number])
    facts = {
        "processes": processes,
        "expected": settings.processes,
        "unserved": silent,
        "refused": refused,
        "unbound": unbound,
        "waiting": waiting,
    }
    text = f"{processes} of {settings.processes} processes serve {len(names) - len(silent) - len(refused)} services; "
    text += f"{waiting or 'no'} calls wait"
    if silent and processes:
        text += f"; nobody serves {', '.join(silent)}"
    text += "".join(f"; the queue {on_bus.calls(name)} is not ours, see the log of the workers" for name in refused)
    if unbound:
        text += f"; no call gets to {', '.join(unbound)}"
    well = processes >= settings.processes and not silent and not refused and not unbound
    if "status" in names and consumers["status"]:
        reason = _no_answer(settings)
        if reason:
            well, text = False, f"{text}; {reason}"
    return Part("workers", well, text, facts)


def _gone(settings: Settings, connection: amqp.Connection) -> list[str]:
    """The exchanges that everything goes through and that are not there."""
    gone, channel = [], connection.channel()
    for exchange, kind in ((settings.rpc_exchange, "topic"), (settings.events_exchange, "headers")):
        try:
            channel.exchange_declare(exchange, kind, passive=True)
        except amqp.NotFound:
            gone.append(exchange)
    return gone


def _unbound(names: BusNames, connection: amqp.Connection, services: list[str]) -> list[str]:
    """The services to which the broker leads no call.

    Each is sent one whose time is over, which no worker runs, and whose answer gets to nobody.
    """
    methods = {spec.name: next(iter(spec.methods)) for spec in discover()}
    channel, returned = connection.channel(), set[str]()
    channel.events["basic_return"].add(lambda error, exchange, key, message: returned.add(key))
    keys = {service: names.routing_key(f"{service}.{methods[service]}") for service in services if service in methods}
    try:
        for key in keys.values():
            message = amqp.Message(
                b"{}",
                content_type="application/json",
                delivery_mode=TRANSIENT,
                reply_to=str(uuid.uuid4()),
                expiration=str(SECONDS * 1000),
                application_headers={"nameko.deadline": "1"},
            )
            channel.basic_publish(message, names.rpc_exchange, key, mandatory=True)
        # Is answered after all that comes back.
        channel.basic_qos(0, 1, False)
    except amqp.NotFound:
        return list(keys)
    return [service for service, key in keys.items() if key in returned]


def _no_answer(settings: Settings) -> str:
    """Why a worker does not answer; empty when it does."""
    try:
        with Client(
            settings.amqp_uri, SECONDS, exchange=settings.rpc_exchange, prefix=settings.service_prefix
        ) as client:
            client.call("status.get")
    except ClientError as error:
        return str(error)
    return ""


def _processes(ledger: Path) -> Iterable[Part]:
    """The processes of the supervisor that writes the ledger; nothing when there is none."""
    kept = Ledger.read(ledger)
    if kept is None:
        return
    ill = [f"{name} {one['story']}" for name, one in kept.items() if one["story"]]
    yield Part("processes", not ill, "; ".join(ill) or f"{len(kept)} run", kept)


def _auth(settings: Settings) -> Part:
    """Who knows the tokens."""
    if settings.auth_mode == "none":
        return Part("auth", True, "everybody may do everything")
    try:
        if settings.auth_mode == "static":
            known = yaml.safe_load(Path(settings.auth_tokens).read_text("utf-8"))
            return Part("auth", True, f"tokens in {settings.auth_tokens}: {len(known['tokens'])}")
        return _auth_server(settings)
    except (OSError, ValueError, yaml.YAMLError, LookupError, TypeError) as error:
        return Part("auth", False, f"{settings.auth_tokens or settings.auth_url}: {type(error).__name__}")


def _auth_server(settings: Settings) -> Part:
    """Whether the server knows the worker's own account, or at least answers."""
    where = urlsplit(settings.auth_url).netloc.rpartition("@")[2]
    base = settings.auth_url.rstrip("/") + "/0.1"
    if not settings.auth_username:
        status = requests.get(f"{base}/status", timeout=SECONDS).status_code
        return Part("auth", status < 500, f"{where} answers with status {status}; no account of its own is set")
    account = settings.auth_username, settings.auth_password
    answer = requests.post(f"{base}/token", json={"expiration": TOKEN_SECONDS}, auth=account, timeout=SECONDS)
    if answer.status_code == requests.codes.ok:
        return Part("auth", True, f"{where} knows the account {settings.auth_username}")
    text = f"{where} answers with status {answer.status_code} to the account {settings.auth_username}"
    return Part("auth", False, text)


def _told(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
