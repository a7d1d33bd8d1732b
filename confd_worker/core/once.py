"""How a call takes effect once: its attempts, the record of it, and its commit.

Nothing leaves a change before the commit: events, requests to the system daemon and the record of the call are rows of
the same transaction.
"""

import hashlib
import json
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import count
from typing import Any

import orjson
import psycopg2
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from . import errors
from .context import Context, Facts
from .database.engine import Database, lost_race, outdated, refusal, too_late, unreachable, violated
from .database.session import ChangeSession
from .database.wire import Bound, Statement

__all__ = ["Event", "Json", "Once", "Outgoing", "Shown", "Transaction"]

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
_RECORD = Statement("""
    INSERT INTO calls (key, fingerprint, expires_at, reply) VALUES ($1, $2, now() + make_interval(secs => $3), $4)
""")
_REPLY = Statement("SELECT reply FROM calls WHERE key = $1", encoded=True)


@dataclass(frozen=True)
class Shown:
    """The JSON that a statement gives when a change has done all that it does, as its reply.

    So it needs no round trip of its own: the record of the call gets it, and is read once it is committed.
    """

    statement: Statement
    parameters: tuple[Any, ...]


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
class Outgoing:
    """What a change tells others when it is committed, and does then.

    Attributes:
        events: in the order in which they are to be sent.
        reloads: commands of Asterisk, each once.
        requests: to the system daemon: HTTP method, path, parameters.
        afterwards: called after the commit.
        written: whether events were written before the end.
    """

    events: list[Event] = field(default_factory=list)
    reloads: dict[str, None] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    afterwards: list[Callable[[], None]] = field(default_factory=list)
    written: bool = False

    def __bool__(self) -> bool:
        return bool(self.events or self.reloads or self.requests or self.written)

    def statements(self, facts: Facts) -> Iterator[Bound]:
        """What writes all of it down."""
        yield from self.statements_of_events(facts)
        if not facts.settings.sysconfd_url:
            return
        if self.reloads:
            yield _RELOADS, [list(self.reloads)]
        for method, path, parameters in self.requests:
            yield _REQUEST, [method, path, json.dumps(parameters)]

    def statements_of_events(self, facts: Facts) -> Iterator[Bound]:
        """What writes the events down."""
        if self.events:
            rows = [_row(event, facts.origin_uuid) for event in self.events]
            yield _EVENTS, [list(column) for column in zip(*rows, strict=True)]

    def finish(self) -> None:
        """Do what is left to be done after the commit; what goes wrong is logged and changes no answer."""
        for run in self.afterwards:
            try:
                run()
            except Exception as error:
                _log.warning("left_undone_after_commit reason=%s", error, exc_info=error)


@dataclass
class Transaction:
    """What an attempt has in its hands: the session, and what it tells others."""

    session: ChangeSession
    outgoing: Outgoing = field(default_factory=Outgoing)


class Once:
    """The attempts of one call.

    Args:
        database: where its changes happen.
        context: of the call.
        facts: of the process.
        service: that is called.

    Attributes:
        call: service, method and arguments, which tell calls apart that reuse an idempotency key.
        transaction: of the attempt that runs; None outside of one.
        trusting: whether constraints are to tell what is taken.
    """

    def __init__(self, database: Database, context: Context, facts: Facts, service: str = "") -> None:
        self.call: Any = None
        self.transaction: Transaction | None = None
        self.trusting = False
        self._trusted = False
        self._committing = False
        self._database, self._context, self._facts, self._service = database, context, facts, service

    def called(self, *call: Any) -> None:
        """The call is this one: service, method and arguments."""
        self.call = call
        self.__dict__.pop("_fingerprint", None)

    def run(self, change: Callable[[], Any], part: str = "") -> Any:
        """Run a change in a transaction; see `Work.once`."""
        self._committing = False
        until = (self._context.deadline or time.time() + _TIMEOUT) - _MARGIN
        broken: str | None = None
        for attempt in count():
            self.trusting, self._trusted = attempt == 0, False
            try:
                return self._attempt(change, part, attempt)
            except errors.ServiceError:
                if not self._trusted:
                    raise
            except (SQLAlchemyError, psycopg2.Error) as error:
                gone = unreachable(error)
                if too_late(error):
                    raise refusal(error) from error
                if outdated(error):
                    self._database.renew()
                if not gone and not lost_race(error):
                    raise
                # Without a key nobody can look up whether the commit that was lost took effect.
                last = time.time() > until or (self._committing and not self._context.key)
                if gone and last:
                    raise self._unreached(error) from error
                before, broken = broken, None if self._trusted else violated(error)
                if broken is not None and broken == before:
                    # Every rule was asked, and saw what is there: none of them knows the constraint.
                    _log.error("constraint_without_rule constraint=%s call=%s", broken, self.call and self.call[:2])
                    raise errors.Unexpected(f"the constraint {broken} is broken, of which no rule tells") from error
                if not gone and attempt == _ATTEMPTS:
                    raise errors.Conflict("try again") from error
                if gone or not self._trusted:
                    time.sleep(min(_PATIENCE * (attempt + 1), _LONGEST))
            self._facts.tenants.discard(str(self._context.tenant_uuid))
        raise AssertionError

    def trusts(self) -> bool:
        """Whether constraints are to tell what is taken: at first they are.

        A change that fails then, for whatever reason, runs again and asks, so that the error is the same as if it had
        asked at once.
        """
        self._trusted |= self.trusting
        return self.trusting

    def let_go(self) -> None:
        """Write what was made and told so far, and forget it; see `Work.let_go`."""
        assert self.transaction is not None
        session, outgoing = self.transaction.session, self.transaction.outgoing
        session.flush()
        for statement, values in outgoing.statements_of_events(self._facts):
            session.send(statement.sql, values)
            outgoing.written = True
        outgoing.events.clear()
        session.let_go()

    def recorded(self, part: str) -> Json | None:
        """The reply that a call already got, of which this one is a repeat; see `Work.recorded`."""
        key = self.key(part)
        if not key or not (self._context.keyed or self._context.redelivered):
            return None
        with self._begun() as transaction:
            reply = self._recorded(transaction.session, key)
        return None if reply is None else Json(reply)

    def key(self, part: str) -> str | None:
        """What identifies the call, or one part of it."""
        key = self._context.key
        if key and not self._context.keyed:
            # Another call with the same ids is another call; who repeats an idempotency key is told instead.
            key = hashlib.sha256(f"{key} {self._fingerprint}".encode()).hexdigest()
        return f"{key} {part}" if key and part else key

    @cached_property
    def _fingerprint(self) -> str:
        """What tells calls apart that have the same key: their method and arguments."""
        return hashlib.sha256(orjson.dumps(self.call, default=str, option=orjson.OPT_SORT_KEYS)).hexdigest()

    @property
    def _kept(self) -> int:
        """Seconds for which the record of the call is kept."""
        settings = self._facts.settings
        return settings.call_record_seconds if self._context.keyed else settings.redelivery_seconds

    def _unreached(self, error: Exception) -> errors.ServiceError:
        # What was delivered before may have taken effect then.
        unknown = self._committing or self._context.redelivered
        return errors.OutcomeUnknown() if unknown else refusal(error)

    def _attempt(self, change: Callable[[], Any], part: str, attempt: int) -> Any:
        key = self.key(part)
        with self._begun() as transaction:
            session = transaction.session
            if key and (attempt or self._context.keyed or self._context.redelivered):
                recorded = self._recorded(session, key)
                if recorded is not None:
                    return Json(recorded)
                self._committing = False
            # Waiting for a connection may have taken the time that was left.
            session.connection()
            if self._context.overdue:
                raise errors.Overdue()
            try:
                answer = change()
                reply = answer if isinstance(answer, Shown) else orjson.dumps(answer)
            except errors.ServiceError:
                # A call that is delivered twice at once may be refused for what it has just done itself.
                session.rollback()
                recorded = self._recorded(session, key) if key else None
                if recorded is None:
                    raise
                return Json(recorded)
            told = self._commit(transaction, key, reply)
        transaction.outgoing.finish()
        return Json(told)

    @contextmanager
    def _begun(self) -> Iterator[Transaction]:
        with self._database.session(self._context, self._service) as session:
            session.together = self.trusting
            self.transaction = transaction = Transaction(session)
            try:
                yield transaction
            finally:
                self.transaction = None

    def _recorded(self, session: ChangeSession, key: str) -> str | None:
        query = text("SELECT fingerprint, reply FROM calls WHERE key = :key")
        found = session.execute(query, {"key": key}).one_or_none()
        if found is None:
            return None
        if found.fingerprint != self._fingerprint:
            raise errors.KeyReused(key.partition(":")[2])
        return found.reply

    def _commit(self, transaction: Transaction, key: str | None, reply: bytes | Shown) -> bytes:
        """Write down what must be told and the call itself, in one round trip, and commit; the reply."""
        session, limit = transaction.session, self._facts.settings.message_limit
        session.flush()
        if isinstance(reply, bytes) and len(reply) > limit:
            # While it can still be undone: the caller would learn nothing of what was made.
            raise errors.MessageTooLarge(_method(self.call), "a reply", len(reply), limit, "nothing was changed")
        if self._context.overdue:
            # Nobody waits any more; and a process that was stopped for a while may have begun too late.
            raise errors.Overdue()
        if isinstance(reply, Shown) and not key:
            reply = session.run(reply.statement.sql, reply.parameters)[0][0].encode()
        last = list(transaction.outgoing.statements(self._facts))
        then = None
        if isinstance(reply, Shown):
            record = _record_of(reply.statement, len(reply.parameters))
            last.append((record, [*reply.parameters, key, self._fingerprint, self._kept]))
            then = _REPLY, [key]
        elif key:
            last.append((_RECORD, [key, self._fingerprint, self._kept, reply.decode()]))
        self._committing = True
        rows = session.finish(last, then)
        if transaction.outgoing:
            self._facts.rung()
        return rows[0][0] if isinstance(reply, Shown) else reply


def _method(call: Any) -> str:
    """Full name of the method that is called."""
    return ".".join(call[:2]).rstrip("_") if call else "the call"


@lru_cache(1000)
def _record_of(shown: Statement, parameters: int) -> Statement:
    """Writes down the call that its last three parameters tell, with what the statement gives as its reply."""
    key, fingerprint, seconds = (f"${parameters + number}" for number in (1, 2, 3))
    return Statement(f"""
        INSERT INTO calls (key, fingerprint, expires_at, reply)
        VALUES ({key}, {fingerprint}, now() + make_interval(secs => {seconds}), ({shown.sql}))
    """)


def _row(event: Event, origin_uuid: str) -> tuple[str, str, str, str, str]:
    """The columns of an event in the outbox."""
    identity = str(uuid.uuid4())
    headers: dict[str, Any] = {
        "name": event.name,
        "event_id": identity,
        "origin_uuid": origin_uuid,
        "timestamp": datetime.now().isoformat(timespec="microseconds"),
        "required_access": f"event.{event.name}",
        "required_acl": f"events.{event.routing_key}",
        **event.headers,
    }
    if event.tenant_uuid is not None:
        headers["tenant_uuid"] = str(event.tenant_uuid)
        for user in ("*",) if event.users is None else event.users:
            headers[f"user_uuid:{user}"] = True
    payload = orjson.dumps(event.body, default=str).decode()
    return identity, event.name, event.routing_key, orjson.dumps(headers).decode(), payload
