"""How the parts of the daemon are."""

from typing import Any

import eventlet
import psycopg2
from confd_schemas.status import status
from sqlalchemy.exc import SQLAlchemyError

from ..core.jobs import RELAY_LAG, STATE, SYSCONFD_LAG, keeps_up
from ..core.rpc import read
from ..core.service import Service
from ..core.statements import Statement

__all__ = ["Status"]

# Less than the gateway waits, so that a database that hangs is told from a worker that does.
_SECONDS = 1.0
_STATE = Statement(STATE)


class Status(Service):
    spec = status

    @read
    def get(self) -> dict[str, Any]:
        """`{part: {"status": "ok" | "fail"}}`, with figures of the jobs.

        The gateway adds what only it knows, such as its service token. What the database would tell is left out while
        it does not answer.
        """
        known = self.work.facts.master_tenant_uuid is not None
        state = self._state()
        return {
            "database": _part(state is not None),
            "bus_consumer": _part(True),
            "master_tenant": _part(known),
            "rest_api": _part(True),
            "service_token": _part(known),
            **({} if state is None else self._jobs(state)),
        }

    def _state(self) -> dict[str, Any] | None:
        """What the database tells, or None when it does not do so in time."""
        with eventlet.Timeout(_SECONDS, False):
            try:
                return self.work.read(_STATE)
            except (psycopg2.Error, SQLAlchemyError):
                return None
        return None

    def _jobs(self, state: dict[str, Any]) -> dict[str, Any]:
        jobs = {"relay": RELAY_LAG} | ({"sysconfd": SYSCONFD_LAG} if self.work.settings.sysconfd_url else {})
        return {
            name: {
                **_part(keeps_up(state[name], longest)),
                "waiting": state[name]["waiting"],
                "lag": round(state[name]["lag"], 3),
            }
            for name, longest in jobs.items()
        }


def _part(works: bool) -> dict[str, Any]:
    return {"status": "ok" if works else "fail"}
