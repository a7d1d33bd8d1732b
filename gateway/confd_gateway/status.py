"""How the parts of the daemon are, as far as the gateway can see."""

from typing import Any

import msgspec

__all__ = ["STATUS_SECONDS", "compose_status"]

STATUS_SECONDS = 2.0
"""How long a worker may take to say that it is there."""


def compose_status(told_by_worker: bytes | None, *, master_tenant: bool, service_token: bool) -> dict[str, Any]:
    """The four parts that every client knows, whether calls can be answered now, and what only the worker knows.

    Args:
        told_by_worker: JSON of its own answer; None when there was none.
        master_tenant: whether it is known.
        service_token: whether the daemon has had a token of its own.
    """
    parts = {
        "bus_consumer": told_by_worker is not None,
        "master_tenant": master_tenant,
        "rest_api": True,
        "service_token": service_token,
    }
    status: dict[str, Any] = {name: {"status": "ok" if works else "fail"} for name, works in parts.items()}
    more = None if told_by_worker is None else msgspec.json.decode(told_by_worker)
    extra = more if isinstance(more, dict) else {}
    status["ready"] = {"status": "ok" if extra.get("database") == {"status": "ok"} else "fail"}
    return status | {name: value for name, value in extra.items() if name not in status}
