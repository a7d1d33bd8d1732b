"""How the parts of the daemon are."""

from typing import Any

from confd_schemas.status import status

from ..core.rpc import read
from ..core.service import Service

__all__ = ["Status"]


class Status(Service):
    spec = status

    @read
    def get(self) -> dict[str, Any]:
        """`{part: {"status": "ok" | "fail"}}`; the gateway adds what only it knows, such as its service token."""
        known = bool(self.work.settings.master_tenant_uuid)
        return {
            "bus_consumer": {"status": "ok"},
            "master_tenant": {"status": "ok" if known else "fail"},
            "rest_api": {"status": "ok"},
            "service_token": {"status": "ok"},
        }
