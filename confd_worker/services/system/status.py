"""How the parts of the daemon are."""

from typing import Any

import psycopg2
from confd_schemas.system.status import status
from sqlalchemy.exc import SQLAlchemyError

from ...plugin import ALL_TENANTS, Service, health, read, sql, within

__all__ = ["Status"]

# Less than the gateway waits, so that a database that hangs is told from a worker that does.
_SECONDS = 1.0
_STATE = sql(health.STATE, tenants=ALL_TENANTS)


class Status(Service):
    spec = status

    @read
    def get(self) -> dict[str, Any]:
        """`{part: {"status": "ok" | "fail"}}`, with figures of the jobs.

        `bus_consumer` tells which queues the broker does not let the process have, and why. The gateway adds what
        only it knows, such as its service token. What the database would tell is left out while it does not answer.
        """
        known = self.work.master_tenant_uuid is not None
        state, refused = self._state(), self.work.refused_queues
        return {
            "database": _part(state is not None),
            "bus_consumer": {**_part(not refused), **({"refused": refused} if refused else {})},
            "master_tenant": _part(known),
            "rest_api": _part(True),
            "service_token": _part(known),
            **({} if state is None else self._jobs(state)),
        }

    def _state(self) -> dict[str, Any] | None:
        """What the database tells, or None when it does not do so in time."""
        with within(_SECONDS):
            try:
                return _STATE.read(self.work)
            except (psycopg2.Error, SQLAlchemyError):
                return None
        return None

    def _jobs(self, state: dict[str, Any]) -> dict[str, Any]:
        jobs = {"relay": health.RELAY_LAG} | (
            {"sysconfd": health.SYSCONFD_LAG} if self.work.settings.sysconfd_url else {}
        )
        return {
            name: {
                **_part(health.keeps_up(state[name], longest)),
                "waiting": state[name]["waiting"],
                "lag": round(state[name]["lag"], 3),
            }
            for name, longest in jobs.items()
        }


def _part(works: bool) -> dict[str, Any]:
    return {"status": "ok" if works else "fail"}
