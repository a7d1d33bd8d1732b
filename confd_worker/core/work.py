"""The unit of work of one call: its context, its session, and what it must tell others.

Nothing leaves it before the commit: events, requests to the system daemon and the record of the call are rows of the
same transaction.
"""

import json
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import count
from typing import Any

import orjson
import psycopg2
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from ..config import Settings
from . import errors
from .context import Context
from .database import Database, lost_race, refusal, unreachable
from .statements import Bound, Statement
from .stock import Stock
from .writing import ChangeSession

__all__ = ["Event", "Facts", "Json", "Shown", "Work", "decoded"]

Json = orjson.Fragment
"""JSON text that goes out as it is."""

_log = logging.getLogger(__name__)
_ATTEMPTS = 8
_PATIENCE = 0.05
_LONGEST = 0.5
_TIMEOUT = 10
# Soon enough before the deadline that the caller still gets the answer.
_MARGIN = 1

_EVENTS = Statement("""
    INSERT INTO outbox (event_id, name, routing_key, headers, payload)
    SELECT event_id, name, routing_key, headers::jsonb, payload
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
        AS event (event_id, name, routing_key, headers, payload)
""")
_RELOADS = Statement("""
    INSERT INTO sysconfd_requests (command)
    SELECT unnest($1::text[]) WHERE (SELECT live_reload_enabled FROM infos)
""")
_REQUEST = Statement("INSERT INTO sysconfd_requests (method, path, parameters) VALUES ($1, $2, $3::jsonb)")
_RECORD = Statement("INSERT INTO calls (key, fingerprint, reply) VALUES ($1, $2, $3)")
_REPLY = Statement("SELECT reply FROM calls WHERE key = $1", encoded=True)
_TENANT = text("INSERT INTO tenants (uuid) VALUES (:uuid) ON CONFLICT DO NOTHING")


@dataclass(frozen=True)
class Shown:
    """The JSON that a statement gives when a change has done all that it does, as its reply.

    So it needs no round trip of its own: the record of the call gets it, and is read once it is committed.
    """

    statement: Statement
    parameters: tuple[Any, ...]


@cache
def _record_of(shown: Statement, parameters: int) -> Statement:
    """Writes down the call that its last two parameters tell, with what the statement gives as its reply."""
    return Statement(f"""
        INSERT INTO calls (key, fingerprint, reply) VALUES (${parameters + 1}, ${parameters + 2}, ({shown.sql}))
    """)


def decoded(shown: Json) -> Any:
    """What JSON text that would go out as it is says, for who has something to add to it."""
    return orjson.loads(orjson.dumps(shown))


@dataclass(frozen=True)
class Event:
    """Something that happened, as the bus tells it.

    Attributes:
        name: of the event, such as `user_created`.
        routing_key: AMQP routing key.
        body: what the payload has under `data`.
        tenant_uuid: the tenant whom it concerns; None for events between daemons.
        users: uuids of the users whom it concerns; None means the whole tenant.
        headers: further headers of this event.
    """

    name: str
    routing_key: str
    body: dict[str, Any]
    tenant_uuid: Any = None
    users: Sequence[Any] | None = None
    headers: dict[str, Any] = field(default_factory=dict)


@dataclass
class Facts:
    """What every call of a process needs to know of its surroundings.

    Attributes:
        settings: of the worker.
        origin_uuid: uuid of this server, which events carry.
        master_tenant_uuid: the tenant of callers who name none; None while it is not known.
        rung: called after each commit that left something to tell.
        tenants: uuids of tenants that are known to have a row.
    """

    settings: Settings
    origin_uuid: str
    rung: Callable[[], None]
    master_tenant_uuid: str | None = None
    tenants: set[str] = field(default_factory=set)


class Work:
    """One call's unit of work.

    Args:
        database: where it happens.
        context: of the call.
        facts: of the process.
    """

    def __init__(self, database: Database, context: Context, facts: Facts) -> None:
        self.context = context
        self.settings = facts.settings
        self.facts = facts
        self._database = database
        self._session: ChangeSession | None = None
        self._committing = False
        self._trusting = self._trusted = False
        self._events: list[Event] = []
        self._reloads: dict[str, None] = {}
        self._requests: list[tuple[str, str, dict[str, Any]]] = []
        self._afterwards: list[Callable[[], None]] = []

    @property
    def session(self) -> ChangeSession:
        """The session of the transaction that is open."""
        assert self._session is not None, "a change runs in a transaction"
        return self._session

    @property
    def stock(self) -> Stock:
        """What the process has at hand of what the database gives out."""
        return self._database.stock

    @property
    def running(self) -> bool:
        """Whether a change runs, which further ones are part of."""
        return self._session is not None

    def read(self, statement: Statement, parameters: tuple[Any, ...] = ()) -> Any:
        """The value that a prepared statement gives; inside a transaction it sees what was flushed."""
        if self._session is not None:
            self._session.flush()
        return self._database.read(statement, parameters, self._session)

    def page(self, statement: Statement, parameters: tuple[Any, ...]) -> Json:
        """The JSON that a list's statement gives; outside of a transaction it may be the same as before."""
        if self._session is not None:
            return Json(self.read(statement, parameters))
        return Json(self._database.pages.show(statement, parameters))

    def look(self, statement: Statement, parameters: tuple[Any, ...]) -> Any:
        """The value that a prepared statement gives within the transaction, before anything more is flushed."""
        return self._database.read(statement, parameters, self.session)

    def remembered(self, what: Any, ask: Callable[[], Any]) -> Any:
        """What `ask` gives, asked once in a transaction.

        Args:
            what: tells the questions apart.
        """
        known = self.session.info
        if what not in known:
            known[what] = ask()
        return known[what]

    def trusts(self) -> bool:
        """Whether constraints are to tell what is taken: at first they are.

        A change that fails then, for whatever reason, runs again and asks, so that the error is the same as if it had
        asked at once.
        """
        self._trusted |= self._trusting
        return self._trusting

    def tenant(self) -> uuid.UUID:
        """The tenant in which the caller acts; it gets a row when it has none."""
        tenant = self.context.tenant
        if tenant not in self.facts.tenants:
            self.make_tenant(tenant)
            self.facts.tenants.add(tenant)
        return uuid.UUID(tenant)

    def make_tenant(self, tenant_uuid: Any) -> None:
        """Give a tenant a row, when it has none."""
        self.session.execute(_TENANT, {"uuid": tenant_uuid})

    def publish(self, event: Event) -> None:
        """Send an event when the change is committed."""
        self._events.append(event)

    def reload(self, *commands: str) -> None:
        """Have asterisk run commands when the change is committed, unless live reload is off."""
        self._reloads.update(dict.fromkeys(commands))

    def ask_sysconfd(self, method: str, path: str, **parameters: Any) -> None:
        """Send another request to the system daemon when the change is committed, whatever live reload says.

        Args:
            parameters: go into the query, with POST into a JSON body.
        """
        self._requests.append((method, path, parameters))

    def afterwards(self, run: Callable[[], None]) -> None:
        """Run this once the change is committed, before the call is answered.

        Only for what may be left undone: a process that dies in between does not run it, and what it raises is logged
        and changes no answer.
        """
        self._afterwards.append(run)

    def once(self, run: Callable[[], Any], fingerprint: str = "", part: str = "") -> Any:
        """Run a change in a transaction of its own; a repeat of the call gets the same reply and changes nothing.

        Within a change that already runs, it is part of that one. A change that loses a race against another one, or
        that meets what is taken, runs again, and so sees what the other did.

        Args:
            run: makes the change and returns the reply; may be called more than once.
            fingerprint: tells calls apart that reuse an idempotency key.
            part: tells the changes of one call apart, where it makes several.

        Raises:
            KeyReused: the key was used for another call.
            Conflict: every attempt lost a race.
            Unavailable: the database cannot be reached.
            OutcomeUnknown: it was lost during the commit, and did not come back in time.
        """
        if self.running:
            return run()
        self._committing = False
        until = (self.context.deadline or time.time() + _TIMEOUT) - _MARGIN
        for attempt in count():
            self._trusting, self._trusted = attempt == 0, False
            try:
                return self._attempt(run, fingerprint, part, attempt)
            except errors.ServiceError:
                if not self._trusted:
                    raise
            except (SQLAlchemyError, psycopg2.Error) as error:
                gone = unreachable(error)
                if not gone and not lost_race(error):
                    raise
                # Without a key nobody can look up whether the commit that was lost took effect.
                last = time.time() > until or (self._committing and not self.context.key)
                if gone and last:
                    raise self._unreached(error) from error
                if not gone and attempt == _ATTEMPTS:
                    raise errors.Conflict("try again") from error
                if gone or not self._trusted:
                    time.sleep(min(_PATIENCE * (attempt + 1), _LONGEST))
            self.facts.tenants.discard(str(self.context.tenant_uuid))
        raise AssertionError

    def recorded(self, fingerprint: str, part: str = "") -> Json | None:
        """The reply that a call already got, of which this one is a repeat; arguments as for `once`.

        For calls that do something beside their transaction, before it.

        Raises:
            KeyReused: the key was used for another call.
        """
        key = self._key(part)
        if not key or not (self.context.keyed or self.context.redelivered):
            return None
        with self._transaction():
            reply = self._recorded(key, fingerprint)
        return None if reply is None else Json(reply)

    def stable_uuid(self, part: str = "") -> uuid.UUID:
        """A new uuid, and the same one when the call is repeated."""
        key = self._key(part)
        return uuid.uuid5(uuid.NAMESPACE_OID, key) if key else uuid.uuid4()

    def _key(self, part: str) -> str | None:
        key = self.context.key
        return f"{key} {part}" if key and part else key

    def _unreached(self, error: Exception) -> errors.ServiceError:
        # What was delivered before may have taken effect then.
        unknown = self._committing or self.context.redelivered
        return errors.OutcomeUnknown() if unknown else refusal(error)

    def _attempt(self, run: Callable[[], Any], fingerprint: str, part: str, attempt: int) -> Any:
        context = self.context
        key = self._key(part)
        with self._transaction():
            if key and (attempt or context.keyed or context.redelivered):
                recorded = self._recorded(key, fingerprint)
                if recorded is not None:
                    return Json(recorded)
                self._committing = False
            # Waiting for a connection may have taken the time that was left.
            self.session.connection()
            if context.overdue:
                raise errors.Overdue()
            try:
                answer = run()
                reply = answer if isinstance(answer, Shown) else orjson.dumps(answer)
            except errors.ServiceError:
                # A call that is delivered twice at once may be refused for what it has just done itself.
                self.session.rollback()
                recorded = self._recorded(key, fingerprint) if key else None
                if recorded is None:
                    raise
                return Json(recorded)
            told = self._commit(key, fingerprint, reply)
        for each in self._afterwards:
            self._finish(each)
        return Json(told)

    @staticmethod
    def _finish(run: Callable[[], None]) -> None:
        try:
            run()
        except Exception as error:
            _log.warning("left_undone_after_commit reason=%s", error, exc_info=error)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._database.session(self.context) as session:
            self._session = session
            session.together = self._trusting
            self._events, self._reloads, self._requests, self._afterwards = [], {}, [], []
            try:
                yield
            finally:
                self._session = None

    def _recorded(self, key: str, fingerprint: str) -> str | None:
        query = text("SELECT fingerprint, reply FROM calls WHERE key = :key")
        found = self.session.execute(query, {"key": key}).one_or_none()
        if found is None:
            return None
        if found.fingerprint != fingerprint:
            raise errors.KeyReused(key.partition(":")[2])
        return found.reply

    def _commit(self, key: str | None, fingerprint: str, reply: bytes | Shown) -> bytes:
        """Write down what must be told and the call itself, in one round trip, and commit; the reply."""
        self.session.flush()
        if self.context.overdue:
            # Nobody waits any more; and a process that was stopped for a while may have begun too late.
            raise errors.Overdue()
        if isinstance(reply, Shown) and not key:
            reply = self.read(reply.statement, reply.parameters).encode()
        last: list[Bound] = []
        if self._events:
            last.append((_EVENTS, self._event_columns()))
        if self._reloads and self.settings.sysconfd_url:
            last.append((_RELOADS, [list(self._reloads)]))
        if self.settings.sysconfd_url:
            for method, path, parameters in self._requests:
                last.append((_REQUEST, [method, path, json.dumps(parameters)]))
        then = None
        if isinstance(reply, Shown):
            record = _record_of(reply.statement, len(reply.parameters))
            last.append((record, [*reply.parameters, key, fingerprint]))
            then = _REPLY, [key]
        elif key:
            last.append((_RECORD, [key, fingerprint, reply.decode()]))
        self._committing = True
        rows = self.session.finish(last, then)
        if self._events or self._reloads or self._requests:
            self.facts.rung()
        return rows[0][0] if isinstance(reply, Shown) else reply

    def _event_columns(self) -> list[list[Any]]:
        rows = []
        for event in self._events:
            identity = str(uuid.uuid4())
            headers = self._headers(event, identity)
            rows.append(
                (identity, event.name, event.routing_key, orjson.dumps(headers).decode(),
                 orjson.dumps(event.body, default=str).decode())
            )  # fmt: skip
        return [list(column) for column in zip(*rows, strict=True)]

    def _headers(self, event: Event, identity: str) -> dict[str, Any]:
        headers: dict[str, Any] = {
            "name": event.name,
            "event_id": identity,
            "origin_uuid": self.facts.origin_uuid,
            "timestamp": datetime.now().isoformat(timespec="microseconds"),
            "required_access": f"event.{event.name}",
            "required_acl": f"events.{event.routing_key}",
            **event.headers,
        }
        if event.tenant_uuid is not None:
            headers["tenant_uuid"] = str(event.tenant_uuid)
            for user in ("*",) if event.users is None else event.users:
                headers[f"user_uuid:{user}"] = True
        return headers
