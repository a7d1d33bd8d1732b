"""Tenants, as far as this daemon knows them: made and removed as the authentication daemon says."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from confd_schemas import fields
from confd_schemas.schema import Schema
from confd_schemas.system.tenants import tenants
from sqlalchemy import select

from ...models.dialplan.context import Context
from ...models.media.moh import MOH
from ...models.system.tenant import Tenant
from ...plugin import (
    ALL_TENANTS,
    DAO,
    AuthServer,
    Folder,
    ResourceService,
    errors,
    known_tenants,
    loaded,
    on_event,
    procedure,
    sql,
)
from ..lines import sip_templates

__all__ = ["Tenants"]

_PRESENT = sql("SELECT json_agg(uuid) FROM tenants", tenants=ALL_TENANTS)
# Of the tenants in question that an error tells.
_SHOWN = 20


class _Removed(Schema):
    """What is told of a tenant that is removed."""

    uuid = fields.UUID(required=True)


class _Added(_Removed):
    """What is told of a tenant that is added."""

    slug = fields.String(load_default=None)


class DoubtfulList(errors.ResourceError):
    """The authentication server's list of tenants would remove what was hardly meant to go."""

    type = "doubtful-list"
    text = "{0}. If that is right, synchronise with force (confd-worker sync-tenants --force)"


class Tenants(ResourceService):
    spec = tenants
    dao = DAO(Tenant, tenants, tenant="uuid", shown=str)

    @on_event("auth_tenant_added")
    def added(self, data: dict[str, Any]) -> None:
        """Make the tenant's row and its SIP templates, and keep its slug."""
        told = loaded(_Added, data)
        tenant = self._made(told["uuid"])
        tenant.slug = _slug(told)

    @on_event("auth_tenant_deleted")
    def deleted(self, data: dict[str, Any]) -> None:
        """Remove all that belongs to the tenant."""
        tenant = self.work.session.get(Tenant, loaded(_Removed, data)["uuid"], with_for_update=True)
        if tenant is not None:
            self._remove(tenant)

    @procedure
    def synchronize(self, force: bool = False) -> dict[str, list[str]]:
        """Make tenants that the authentication daemon has and remove those that it no longer has.

        Args:
            force: go on where the list has not the master tenant (which stays), or would remove a larger share of the
                tenants than the setting sync_remove_share allows.

        Returns:
            The uuids that were `added` and `removed`.
        """
        self._check(force)
        # All is asked before the transaction begins, as nothing may wait for the network in it; and first what there
        # is here, so that a tenant that is made meanwhile is not taken for one that is gone.
        present = {UUID(each) for each in _PRESENT.read(self.work) or ()}
        known = self._known()
        # Only a server's list is complete; a file for trials may have been made anew.
        gone = self._gone(present, known, force) if self.work.settings.auth_mode == "wazo" else set()
        return self.work.once(lambda: self._synchronize(present, known, gone))

    def _check(self, force: Any) -> None:
        """Refuse a caller that is limited to other tenants; raises NotPermitted, WrongType."""
        if not isinstance(force, bool):
            raise errors.WrongType("force", "boolean")
        visible, master = self.work.context.visible, self.work.master_tenant_uuid
        if visible is not None and master not in visible:
            raise errors.NotPermitted("Who synchronises tenants sees the master tenant")

    def _known(self) -> dict[UUID, str | None]:
        """The slugs of the tenants that the authentication daemon has, by their uuids; raises Unavailable."""
        try:
            listed = [loaded(_Added, each) for each in known_tenants(self.work.settings)]
        except (errors.BadFields, LookupError, TypeError) as error:
            raise errors.Unavailable("the list of tenants (it makes no sense)") from error
        return {told["uuid"]: _slug(told) for told in listed}

    def _gone(self, present: set[UUID], known: dict[UUID, str | None], force: bool) -> set[UUID]:
        """Those of the tenants that the authentication server does not list, nor has when it is asked for each.

        Raises:
            DoubtfulList: the list has not the master tenant, or would remove too many.
            Unavailable: the server does not tell.
        """
        server = AuthServer(self.work.settings)
        master = UUID(self.work.master_tenant_uuid or server.master_tenant_uuid)
        missing = present - known.keys()
        if not force and master not in known:
            raise DoubtfulList(f"The authentication server does not list the master tenant {master}")
        share = self.work.settings.sync_remove_share
        allowed = max(1, int(share * len(present))) if share else 0
        if not force and len(missing) > allowed:
            told = f"{len(missing)} of {len(present)} tenants would be removed, more than {allowed}"
            told += f" (CONFD_SYNC_REMOVE_SHARE is {share:g})"
            raise DoubtfulList(told, tenants=sorted(map(str, missing))[:_SHOWN])
        return {uuid for uuid in missing - {master} if _is_gone(server, uuid)}

    def _synchronize(self, present: set[UUID], known: dict[UUID, str | None], gone: set[UUID]) -> dict[str, list[str]]:
        rows = self.work.session.execute(select(Tenant.uuid, Tenant.sip_templates_generated, Tenant.slug))
        # Those that lack nothing are not locked: others go on writing in them.
        there = {uuid: done and slug is not None for uuid, done, slug in rows}
        removed = self.work.session.scalars(
            select(Tenant).where(Tenant.uuid.in_(gone)).order_by(Tenant.uuid).with_for_update()
        ).all()
        for tenant in removed:
            self._remove(tenant)
        # One that was here is removed, as its event tells, while the list that has it was on its way.
        known = {uuid: slug for uuid, slug in known.items() if uuid in there or uuid not in present}
        for uuid, slug in known.items():
            if not there.get(uuid):
                tenant = self._made(uuid)
                tenant.slug = tenant.slug or slug
        added = [str(uuid) for uuid in known if uuid not in there]
        return {"added": added, "removed": [str(tenant.uuid) for tenant in removed]}

    def _made(self, uuid: UUID) -> Tenant:
        self.work.make_tenant(uuid)
        tenant = self.work.session.scalars(select(Tenant).where(Tenant.uuid == uuid).with_for_update()).one()
        sip_templates.generate(self.work, tenant)
        return tenant

    def _remove(self, tenant: Tenant) -> None:
        """Delete the tenant's row, with which everything of it goes; the files of its music afterwards."""
        if str(tenant.uuid) == self.work.master_tenant_uuid:
            raise errors.NotPermitted("the master tenant stays")
        for context in self._names(Context, tenant):
            self.work.ask_sysconfd("DELETE", "/voicemails_context", context=context)
        for music in self._names(MOH, tenant):
            self.work.ask_sysconfd("DELETE", "/moh", name=music)
            self.work.afterwards(Folder(self.work.settings.moh_directory, music).remove)
        self.work.session.delete(tenant)
        self.work.flush()

    def _names(self, model: Any, tenant: Tenant) -> Sequence[str]:
        return self.work.session.scalars(select(model.name).where(model.tenant_uuid == tenant.uuid)).all()


def _is_gone(server: AuthServer, uuid: UUID) -> bool:
    """Whether the authentication server has no such tenant; raises Unavailable where it does not tell."""
    try:
        server.ask("GET", f"/tenants/{uuid}")
    except errors.BadValue as refusal:
        if refusal.message.startswith("404 "):
            return True
        told = f"the authentication server (asked for tenant {uuid}: {refusal.message:.100})"
        raise errors.Unavailable(told) from refusal
    return False


def _slug(told: dict[str, Any]) -> str | None:
    return (told.get("slug") or "")[:10] or None
