"""Tenants, as far as this daemon knows them: made and removed as the authentication daemon says."""

from typing import Any
from uuid import UUID

from confd_schemas import fields
from confd_schemas.schema import Schema
from confd_schemas.system.tenants import tenants
from sqlalchemy import select

from ...models.dialplan.context import Context
from ...models.media.moh import MOH
from ...models.system.tenant import Tenant
from ...plugin import DAO, ResourceService, known_tenants, loaded, on_event, procedure
from ..lines import sip_templates

__all__ = ["Tenants"]


class _Removed(Schema):
    """What is told of a tenant that is removed."""

    uuid = fields.UUID(required=True)


class _Added(_Removed):
    """What is told of a tenant that is added."""

    slug = fields.String(load_default=None)


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
        tenant = self.work.session.get(Tenant, loaded(_Removed, data)["uuid"])
        if tenant is not None:
            self._remove(tenant)

    @procedure
    def synchronize(self) -> dict[str, list[str]]:
        """Make tenants that the authentication daemon has and remove those that it no longer has.

        Returns:
            The uuids that were `added` and `removed`.
        """
        # Asked before the transaction begins, as nothing may wait for the network in it.
        known = {UUID(each["uuid"]): _slug(each) for each in known_tenants(self.work.settings)}
        return self.work.once(lambda: self._synchronize(known))

    def _synchronize(self, known: dict[UUID, str | None]) -> dict[str, list[str]]:
        present = {tenant.uuid: tenant for tenant in self.work.session.scalars(select(Tenant))}
        # Only a server's list is complete; a file for trials may have been made anew.
        complete = self.work.settings.auth_mode == "wazo"
        removed = [tenant for uuid, tenant in present.items() if complete and uuid not in known]
        for tenant in removed:
            self._remove(tenant)
        for uuid, slug in known.items():
            tenant = self._made(uuid)
            tenant.slug = tenant.slug or slug
        added = [uuid for uuid in known if uuid not in present]
        return {"added": [str(uuid) for uuid in added], "removed": [str(tenant.uuid) for tenant in removed]}

    def _made(self, uuid: UUID) -> Tenant:
        self.work.make_tenant(uuid)
        tenant = self.work.session.scalars(select(Tenant).where(Tenant.uuid == uuid).with_for_update()).one()
        sip_templates.generate(self.work, tenant)
        return tenant

    def _remove(self, tenant: Tenant) -> None:
        """Delete the tenant's row, with which everything of it goes."""
        for model, path, word in ((Context, "/voicemails_context", "context"), (MOH, "/moh", "name")):
            names = self.work.session.scalars(select(model.name).where(model.tenant_uuid == tenant.uuid))
            for name in names.all():
                self.work.ask_sysconfd("DELETE", path, **{word: name})
        self.work.session.delete(tenant)
        self.work.flush()


def _slug(told: dict[str, Any]) -> str | None:
    return (told.get("slug") or "")[:10] or None
