"""How the parts of the daemon are."""

from typing import Any

import psycopg2
from confd_schemas.status import status
from sqlalchemy.exc import SQLAlchemyError

from ..core.database import Statement
from ..core.rpc import read
from ..core.service import Service

__all__ = ["Status"]

_NOTHING = Statement("SELECT 1")


class Status(Service):
    spec = status

    @read
    def get(self) -> dict[str, Any]:
        """`{part: {"status": "ok" | "fail"}}`; the gateway adds what only it knows, such as its service token."""
        known = self.work.facts.master_tenant_uuid is not None
        return {
            "database": {"status": self._database()},
            "bus_consumer": {"status": "ok"},
            "master_tenant": {"status": "ok" if known else "fail"},
            "rest_api": {"status": "ok"},
            "service_token": {"status": "ok" if known else "fail"},
        }

    def _database(self) -> str:
        try:
            self.work.read(_NOTHING)
        except (psycopg2.Error, SQLAlchemyError):
            return "fail"
        return "ok"
