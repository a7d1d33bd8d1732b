"""Who calls, and what they may see: the interface of all ways to know, and the one that asks nobody."""

import re
from dataclasses import dataclass
from typing import Any

from .errors import MasterTenantUnknown, NotMaster, TokenRefused

__all__ = ["ALL_TENANTS", "UUID", "Access", "Auth", "OpenAuth", "chosen_tenant", "usual_uuid"]

ALL_TENANTS = ("*",)
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Access:
    """On whose behalf a call is made.

    Attributes:
        tenant_uuid: the tenant to act in.
        visible: the tenants whose items may be seen; `("*",)` for all.
        user_uuid: the user whom the token belongs to.
    """

    tenant_uuid: str | None
    visible: tuple[str, ...]
    user_uuid: str | None = None


class Auth:
    """A way to know callers.

    Attributes:
        events: names of the bus events that `on_event` wants to know of.
        master_tenant: None while it is not known.
        ready: whether the daemon has what it needs to ask.
    """

    events: tuple[str, ...] = ()
    master_tenant: str | None = None
    ready: bool = True

    async def start(self) -> None:
        """Get ready; never waits for another server."""

    async def stop(self) -> None:
        """Let go of everything."""

    async def access(self, token: str, acl: str, tenant: str, *, master_only: bool) -> Access:
        """Let a caller in, or refuse.

        Args:
            token: as given, empty when there is none.
            acl: what it must grant.
            tenant: uuid that the caller chose, empty when none.
            master_only: whether the token's own tenant must be the master tenant.

        Raises:
            Failure: the answer to a caller who is refused.
        """
        raise NotImplementedError

    def on_event(self, name: str, payload: Any) -> None:
        """Something happened that may change who sees what."""

    def forget(self) -> None:
        """Events may have been missed: believe nothing that was learnt before."""

    def check_master(self, token: str, own_tenant: str) -> None:
        """Refuse a token whose own tenant is not the master tenant.

        Raises:
            MasterTenantUnknown, NotMaster
        """
        if self.master_tenant is None:
            raise MasterTenantUnknown
        if own_tenant != self.master_tenant:
            raise NotMaster(token)


class OpenAuth(Auth):
    """Lets everybody act in any tenant and see all: for trying things out on one's own machine."""

    def __init__(self, master_tenant: str | None) -> None:
        self.master_tenant = master_tenant

    async def access(self, token: str, acl: str, tenant: str, *, master_only: bool) -> Access:
        """Full access, in the chosen tenant or the master tenant."""
        return Access(chosen_tenant(token, acl, tenant) or self.master_tenant, ALL_TENANTS)


def usual_uuid(value: Any) -> str | None:
    """A uuid in its usual form; None for anything else."""
    return value.lower() if isinstance(value, str) and UUID.fullmatch(value) else None


def chosen_tenant(token: str, acl: str, tenant: str) -> str:
    """The uuid in its usual form, or empty.

    Raises:
        TokenRefused: what is no uuid is an unknown tenant.
    """
    if tenant and not UUID.fullmatch(tenant):
        raise TokenRefused(token, acl, tenant)
    return tenant.lower()
