"""Who calls, and for whom: what travels beside the arguments of a call; and the process in which it happens."""

import math
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..config import Settings
from . import errors

__all__ = ["ALL_TENANTS", "ANY_REVISION", "Context", "Facts"]

ALL_TENANTS = "*"
ANY_REVISION = "*"
_REVISION = re.compile(r"[0-9]{1,10}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Context:
    """The context of one call.

    Attributes:
        tenant_uuid: the tenant in which the caller acts; None when the caller gave none and the master tenant
            is not known.
        visible: the tenants whose items the caller sees; None means all.
        user_uuid: the user on whose behalf the call is made.
        request_id: joins the log lines of one request over several processes.
        deadline: Unix time in seconds after which nobody waits for the reply.
        key: identifies the call, so that a repeat is recognised: an idempotency key among those of the tenant, a
            message among those of the caller who waits for its reply.
        if_revision: the revisions of which the item to change must have one, any when empty; None sets no condition.
        keyed: whether the caller chose the key (an idempotency key) and so may repeat the call on purpose.
        redelivered: whether the broker delivered the request before.
    """

    tenant_uuid: str | None = None
    visible: tuple[str, ...] | None = None
    user_uuid: str | None = None
    request_id: str | None = None
    deadline: float | None = None
    key: str | None = None
    if_revision: tuple[int, ...] | None = None
    keyed: bool = False
    redelivered: bool = False

    @classmethod
    def from_headers(
        cls,
        data: Mapping[str, Any],
        *,
        master: str | None,
        correlation_id: str | None = None,
        reply_to: str | None = None,
        redelivered: bool = False,
    ) -> "Context":
        """The context that nameko's context data carry.

        A caller that names no tenant acts in the master tenant and sees all; one that names a tenant without
        `visible_tenants` sees that one alone; `["*"]` sees all.

        Raises:
            WrongType: for a value of another type.
        """
        tenant = _uuid(data, "tenant_uuid")
        visible = _visible(data, tenant)
        key, user = _text(data, "idempotency_key"), _uuid(data, "user_uuid")
        return cls(
            tenant_uuid=tenant or master,
            visible=visible,
            user_uuid=user,
            request_id=_text(data, "request_id"),
            deadline=_time(data, "deadline"),
            key=_joined(*((tenant or master, key) if key else (tenant or master, user, reply_to, correlation_id))),
            if_revision=_revisions(data, "if_revision"),
            keyed=bool(key),
            redelivered=redelivered,
        )

    @property
    def overdue(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.time() > self.deadline

    @property
    def tenant(self) -> str:
        """The tenant in which the caller acts.

        Raises:
            MissingParameters: there is none.
        """
        if self.tenant_uuid is None:
            raise errors.MissingParameters("tenant_uuid")
        return self.tenant_uuid

    def sees(self, tenant_uuid: Any) -> bool:
        """Whether the caller sees items of that tenant."""
        return self.visible is None or str(tenant_uuid) in self.visible


@dataclass
class Facts:
    """What every call of a process needs to know of its surroundings.

    Attributes:
        settings: of the worker.
        origin_uuid: uuid of this server, which events carry.
        rung: called after each commit that left something to tell.
        master_tenant_uuid: the tenant of callers who name none; None while it is not known.
        tenants: uuids of tenants that are known to have a row.
        refused: tells of which queues the broker does not let the process have, and why.
    """

    settings: Settings
    origin_uuid: str
    rung: Callable[[], None]
    master_tenant_uuid: str | None = None
    tenants: set[str] = field(default_factory=set)
    refused: Callable[[], dict[str, str]] = dict


def _joined(*parts: Any) -> str | None:
    """The parts of a key; None where the last one is not known."""
    return ":".join(map(str, parts)) if parts[-1] else None


def _visible(data: Mapping[str, Any], tenant: str | None) -> tuple[str, ...] | None:
    given = data.get("visible_tenants")
    if given is None:
        return (tenant,) if tenant else None
    if not isinstance(given, list):
        raise errors.WrongType("visible_tenants", "list of uuids")
    if ALL_TENANTS in given:
        return None
    return tuple(_canonical(each, "visible_tenants") for each in given)


def _uuid(data: Mapping[str, Any], name: str) -> str | None:
    value = data.get(name)
    return None if value is None else _canonical(value, name)


def _canonical(value: Any, name: str) -> str:
    try:
        return str(uuid.UUID(str(value)))
    except ValueError:
        raise errors.WrongType(name, "uuid") from None


def _text(data: Mapping[str, Any], name: str) -> str | None:
    value = data.get(name)
    if value is None or (isinstance(value, str) and 0 < len(value) <= 255 and "\0" not in value):
        return value
    raise errors.WrongType(name, "string of 1 to 255 characters")


def _revisions(data: Mapping[str, Any], name: str) -> tuple[int, ...] | None:
    given = data.get(name)
    if given is None:
        return None
    if given == ANY_REVISION:
        return ()
    each = given if isinstance(given, list) else [given]
    if not each or not all(_REVISION.fullmatch(str(one)) and not isinstance(one, bool) for one in each):
        raise errors.WrongType(name, f"revision, a list of revisions, or {ANY_REVISION}")
    return tuple(map(int, each))


def _time(data: Mapping[str, Any], name: str) -> float | None:
    value = data.get(name)
    if value is None:
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = math.nan
    if not math.isfinite(seconds):
        raise errors.WrongType(name, "number of seconds since 1970")
    return seconds
