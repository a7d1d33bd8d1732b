"""Messages that were set aside: looked at, published again, or dropped; for those who see the master tenant."""

import base64
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from confd_schemas.system.dead_letters import DeadLetterContent, dead_letters
from sqlalchemy import delete

from ...connection import BusUnavailable
from ...models.system.dead_letter import DeadLetter
from ...plugin import ALL_TENANTS, DAO, Json, Letter, Service, change, decoded, errors, procedure, read, republish, sql

__all__ = ["DeadLetters"]

ALL = "all"

_IDS = sql("SELECT json_agg(id ORDER BY id) FROM dead_letters", tenants=ALL_TENANTS)


class DeadLetters(Service):
    spec = dead_letters
    dao = DAO(DeadLetter, dead_letters)

    @read
    def list(self, **parameters: Any) -> Json:
        """Where each came from and why it was set aside, as `{"total": …, "items": […]}`; nothing of what it says."""
        self._check_caller()
        return self.dao.list(self.work, parameters)

    @read
    def show(self, id: Any) -> dict[str, Any]:
        """The whole of one; its body as text, or in base64 where it is none, as `encoding` tells."""
        self._check_caller()
        shown = self._content(id)
        body = base64.b64decode(shown.pop("content"))
        try:
            return shown | {"encoding": "utf-8", "body": body.decode()}
        except UnicodeDecodeError:
            return shown | {"encoding": "base64", "body": base64.b64encode(body).decode()}

    @procedure
    def replay(self, ids: Any) -> dict[str, Any]:
        """Publish letters to their queues again, oldest first; each is removed once the broker has it.

        One that comes back meanwhile stays, and is not sent a second time by the same call.

        Args:
            ids: a list of them, or `all`.

        Returns:
            Those `replayed`, and those `refused` by the broker as `[{"id": …, "reason": …}]`.
        """
        self._check_caller()
        # Read first, so that an unknown id is told before anything is sent.
        wanted = self._ids(ids)
        replayed: list[int] = []
        attempts: dict[int, int] = {}

        def remove(id: int) -> None:
            self.work.once(partial(self._remove, id, attempts[id]), part=f"replay {id}")
            replayed.append(id)

        try:
            refused = republish(self.work.settings.amqp_uri, self._letters(wanted, attempts), remove)
        except BusUnavailable as error:
            raise errors.Unavailable(str(error)) from error
        return {"replayed": replayed, "refused": [{"id": id, "reason": reason} for id, reason in refused.items()]}

    @change
    def drop(self, ids: Any) -> dict[str, Any]:
        """Remove letters for good.

        Args:
            ids: a list of them, or `all`.

        Returns:
            Those `dropped`.
        """
        self._check_caller()
        wanted = self._ids(ids)
        found = self.work.session.scalars(delete(DeadLetter).where(DeadLetter.id.in_(wanted)).returning(DeadLetter.id))
        return {"dropped": sorted(found)}

    def _check_caller(self) -> None:
        """Refuse a caller that is limited to other tenants; raises NotPermitted."""
        context, master = self.work.context, self.work.master_tenant_uuid
        if context.visible is not None and (master is None or not context.sees(master)):
            raise errors.NotPermitted("Dead letters are the master tenant's")

    def _content(self, id: Any) -> dict[str, Any]:
        return decoded(self.dao.show(self.work, id, DeadLetterContent))

    def _ids(self, given: Any) -> Sequence[int]:
        """The ids that are meant, all of which there are; raises WrongType, NotFound."""
        known = _IDS.read(self.work) or []
        if given == ALL:
            return known
        if not isinstance(given, list) or any(isinstance(id, bool) or not isinstance(id, int) for id in given):
            raise errors.WrongType("ids", f"list of ids, or '{ALL}'")
        there = set(known)
        for id in given:
            if id not in there:
                raise self.dao.not_found(id)
        return sorted(set(given))

    def _letters(self, ids: Sequence[int], attempts: dict[int, int]) -> Iterator[tuple[int, Letter]]:
        """The letters one by one, until the caller's time is over; how often each was set aside goes to `attempts`."""
        for id in ids:
            if self.work.context.overdue:
                return
            try:
                shown = self._content(id)
            except errors.NotFound:
                # Somebody else dealt with it meanwhile.
                continue
            attempts[id] = shown["attempts"]
            yield (
                id,
                Letter(
                    shown["queue"],
                    shown["exchange"],
                    shown["routing_key"],
                    shown["headers"],
                    shown["properties"],
                    base64.b64decode(shown["content"]),
                ),
            )

    def _remove(self, id: int, attempts: int) -> None:
        """Remove a letter, unless it came back since it was read."""
        self.work.session.execute(delete(DeadLetter).where(DeadLetter.id == id, DeadLetter.attempts == attempts))
