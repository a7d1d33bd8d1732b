"""Sites: table and service."""

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from confd_worker.models.base import Base, TenantOwned, integer_id
from confd_worker.plugin import DAO, Example, Notifier, ResourceService, Unique, Validator

from .spec import sites


class Site(TenantOwned, Base):
    """A site of a tenant."""

    __tablename__ = "sites"
    __table_args__ = (UniqueConstraint("name", "tenant_uuid"),)

    id: Mapped[integer_id]
    name: Mapped[str] = mapped_column(String(128))
    address: Mapped[str | None]


class Sites(ResourceService):
    spec = sites
    dao = DAO(Site, sites)
    validator = Validator(change=[Unique("name", "tenant_uuid", label="Site")])
    notifier = Notifier.resource("site", "config.sites", reload=["dialplan reload"])
    example = Example({"name": "site {n}"}, {"address": "1 place Bellecour"})
