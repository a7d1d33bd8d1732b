"""Tenants, and the one row of facts about this server."""

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String, false, select, text, true
from sqlalchemy.orm import Mapped, Session, mapped_column, synonym

from ..base import Base, Revised

__all__ = ["Infos", "Tenant"]


def _template() -> Mapped[UUID | None]:
    return mapped_column(ForeignKey("endpoint_sip.uuid", ondelete="SET NULL", use_alter=True))


class Tenant(Revised, Base):
    """A tenant, as far as this daemon knows it; the tree of tenants is held by the authentication daemon."""

    __tablename__ = "tenants"

    uuid: Mapped[UUID] = mapped_column(primary_key=True)
    tenant_uuid: Mapped[UUID] = synonym("uuid")
    slug: Mapped[str | None] = mapped_column(String(10))
    country: Mapped[str | None] = mapped_column(String(2))
    sip_templates_generated: Mapped[bool] = mapped_column(default=False, server_default=false())
    global_sip_template_uuid: Mapped[UUID | None] = _template()
    webrtc_sip_template_uuid: Mapped[UUID | None] = _template()
    registration_trunk_sip_template_uuid: Mapped[UUID | None] = _template()
    meeting_guest_sip_template_uuid: Mapped[UUID | None] = _template()
    twilio_trunk_sip_template_uuid: Mapped[UUID | None] = _template()

    @classmethod
    def slug_of(cls, session: Session, uuid: UUID) -> str:
        """The slug of a tenant, for names that the server makes; empty while it is not known."""
        return session.scalar(select(cls.slug).where(cls.uuid == uuid)) or ""


class Infos(Revised, Base):
    """Facts about this server; a table of exactly one row."""

    __tablename__ = "infos"
    __table_args__ = (CheckConstraint("only_row", name="one_row"),)

    only_row: Mapped[bool] = mapped_column(primary_key=True, default=True, server_default=true())
    uuid: Mapped[UUID] = mapped_column(server_default=text("gen_random_uuid()"))
    wazo_version: Mapped[str] = mapped_column(String(64))
    live_reload_enabled: Mapped[bool] = mapped_column(server_default=true())
    timezone: Mapped[str] = mapped_column(server_default="Europe/Paris")
    configured: Mapped[bool] = mapped_column(server_default=false())
