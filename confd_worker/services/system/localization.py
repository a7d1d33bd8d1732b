"""The country of each tenant."""

from typing import Any

from confd_schemas.system.localization import localization

from ...models.system.tenant import Tenant
from ...plugin import DAO, EventType, Json, Notifier, Service, change, read

__all__ = ["Localization"]


class Localization(Service):
    spec = localization
    dao = DAO(Tenant, localization, tenant="uuid", shown=str)
    notifier = Notifier(
        {
            "edited": EventType(
                "localization_edited",
                "config.localization.edited",
                lambda tenant: {"tenant_uuid": tenant.uuid, "country": tenant.country},
            )
        }
    )

    @read
    def get(self) -> Json:
        """That of the caller's tenant."""
        return self.dao.show(self.work, self.work.context.tenant)

    @change
    def update(self, body: Any) -> None:
        """Change that of the caller's tenant, which gets a row when it has none."""
        fields = self.load("update", body)
        tenant = self.addressed()
        self.dao.change(tenant, fields)
        self.notifier.tell("edited", self.work, tenant)

    def addressed(self, *call: Any) -> Tenant:
        """The caller's tenant, locked."""
        self.work.make_tenant(self.work.context.tenant)
        return self.dao.get(self.work, self.work.context.tenant)
