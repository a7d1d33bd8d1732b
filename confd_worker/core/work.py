"""The unit of work of one call: what a plugin reads, changes, and has told to others."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import orjson
from sqlalchemy import text

from .context import Context, Facts
from .database.engine import Database
from .database.id_blocks import IdBlocks
from .database.session import ChangeSession
from .database.wire import Statement
from .once import Event, Json, Once, Outgoing, Shown

__all__ = ["Event", "Json", "Shown", "Work", "decoded"]

_TENANT = text("INSERT INTO tenants (uuid) VALUES (:uuid) ON CONFLICT DO NOTHING")


def decoded(shown: Json) -> Any:
    """What JSON text that would go out as it is says, for who has something to add to it."""
    return orjson.loads(orjson.dumps(shown))


class Work:
    """One call's unit of work.

    Args:
        database: where it happens.
        context: of the call.
        facts: of the process.
        service: that is called.
    """

    def __init__(self, database: Database, context: Context, facts: Facts, service: str = "") -> None:
        self.context = context
        self.settings = facts.settings
        self._facts = facts
        self._database = database
        self._once = Once(database, context, facts, service)
        self._service = service
        self._checking = False

    @property
    def session(self) -> ChangeSession:
        """The session of the transaction that is open."""
        assert self._once.transaction is not None, "a change runs in a transaction"
        return self._once.transaction.session

    @property
    def running(self) -> bool:
        """Whether a change runs, which further ones are part of."""
        return self._once.transaction is not None

    @property
    def master_tenant_uuid(self) -> str | None:
        """The tenant of callers who name none; None while it is not known."""
        return self._facts.master_tenant_uuid

    @property
    def refused_queues(self) -> dict[str, str]:
        """The queues that the broker does not let this process have, and why."""
        return self._facts.refused()

    def read(self, statement: Statement, parameters: tuple[Any, ...] = ()) -> Any:
        """The value that a prepared statement gives.

        Inside a transaction it sees what was changed before, but for the item whose rules are being checked.
        """
        if self.running and not self._checking:
            self.session.flush()
        rows = self.session.run(statement.sql, parameters) if self.running else self._read(statement, parameters)
        return rows[0][0] if rows else None

    def page(self, statement: Statement, parameters: tuple[Any, ...]) -> Json:
        """The JSON that a list's statement gives; outside of a transaction it may be the same as before."""
        if self.running:
            return Json(self.read(statement, parameters))
        return Json(self._database.lists.show(statement, parameters, self._read))

    def flush(self) -> None:
        """Write what is new and what was changed, so that an error of a constraint comes here."""
        self.session.flush()

    @contextmanager
    def checking(self) -> Iterator[None]:
        """Rules are checked meanwhile: what they read sees nothing of an item that is not written yet."""
        before, self._checking = self._checking, True
        try:
            yield
        finally:
            self._checking = before

    def remembered(self, what: Any, ask: Callable[[], Any]) -> Any:
        """What `ask` gives, asked once in a transaction.

        Args:
            what: tells the questions apart.
        """
        known = self.session.info
        if what not in known:
            known[what] = ask()
        return known[what]

    def tenant(self) -> uuid.UUID:
        """The tenant in which the caller acts; it gets a row when it has none."""
        tenant = self.context.tenant
        if tenant not in self._facts.tenants:
            self.make_tenant(tenant)
            self._facts.tenants.add(tenant)
        return uuid.UUID(tenant)

    def make_tenant(self, tenant_uuid: Any) -> None:
        """Give a tenant a row, when it has none."""
        self.session.execute(_TENANT, {"uuid": tenant_uuid})

    def publish(self, event: Event) -> None:
        """Send an event when the change is committed."""
        self._outgoing.events.append(event)

    def reload(self, *commands: str) -> None:
        """Have Asterisk run commands when the change is committed, unless live reload is off."""
        self._outgoing.reloads.update(dict.fromkeys(commands))

    def ask_sysconfd(self, method: str, path: str, **parameters: Any) -> None:
        """Send another request to the system daemon when the change is committed, whatever live reload says.

        Args:
            parameters: go into the query, with POST into a JSON body.
        """
        self._outgoing.requests.append((method, path, parameters))

    def afterwards(self, run: Callable[[], None]) -> None:
        """Run this once the change is committed, before the call is answered.

        Only for what may be left undone: a process that dies in between does not run it, and what it raises is logged
        and changes no answer.
        """
        self._outgoing.afterwards.append(run)

    def once(self, change: Callable[[], Any], part: str = "") -> Any:
        """Run a change in a transaction of its own; a repeat of the call gets the same reply and changes nothing.

        Within a change that already runs, it is part of that one. A change that loses a race against another one, or
        that meets what is taken, runs again, and so sees what the other did.

        Args:
            change: makes the change and returns the reply; may be called more than once.
            part: tells the changes of one call apart, where it makes several.

        Raises:
            KeyReused: the key was used for another call.
            Conflict: every attempt lost a race.
            Unavailable: the database cannot be reached.
            OutcomeUnknown: it was lost during the commit, and did not come back in time.
        """
        return change() if self.running else self._once.run(change, part)

    def recorded(self, part: str = "") -> Json | None:
        """The reply that a call already got, of which this one is a repeat; `part` as for `once`.

        For calls that do something beside their transaction, before it.

        Raises:
            KeyReused: the key was used for another call.
        """
        return self._once.recorded(part)

    def let_go(self) -> None:
        """Write what the change has made and told so far, and forget it, so that it may make more than memory holds.

        Nothing that it has in its hands may be used any more.
        """
        self._once.let_go()

    def stable_uuid(self, part: str = "") -> uuid.UUID:
        """A new uuid, and the same one when the call is repeated."""
        key = self._once.key(part)
        return uuid.uuid5(uuid.NAMESPACE_OID, key) if key else uuid.uuid4()

    def called(self, *call: Any) -> None:
        """The call is this one: service, method and arguments."""
        self._once.called(*call)

    def trusts(self) -> bool:
        """Whether constraints are to tell what is taken; see `Once.trusts`."""
        return self._once.trusts()

    @property
    def ids(self) -> IdBlocks:
        """Ids and the like that the process has at hand."""
        return self._database.ids

    def _read(self, statement: Statement, parameters: Sequence[Any]) -> list[Sequence[Any]]:
        return self._database.read(statement, parameters, self._service, self.context.deadline)

    @property
    def _outgoing(self) -> Outgoing:
        assert self._once.transaction is not None, "a change runs in a transaction"
        return self._once.transaction.outgoing
