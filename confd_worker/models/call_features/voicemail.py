"""Voicemails, and the time zones in which they tell when a message came."""

from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, UniqueConstraint, false, text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..base import Base, Options, TenantOwned, integer_id
from ..dialplan.destination import Target, register
from ..dialplan.extension import in_context

__all__ = ["Voicemail", "ZoneMessage"]


class Voicemail(TenantOwned, Base):
    """A voicemail box."""

    __tablename__ = "voicemails"
    tallied = True
    __table_args__: Any = (
        UniqueConstraint("number", "context"),
        Index("voicemails_one_global_idx", "context", unique=True, postgresql_where=text("accesstype = 'global'")),
        in_context(),
        Index(None, "tenant_uuid", "number", "id"),
    )

    id: Mapped[integer_id]
    name: Mapped[str] = mapped_column(String(80))
    number: Mapped[str] = mapped_column(String(40))
    context: Mapped[str] = mapped_column(index=True)
    password: Mapped[str | None] = mapped_column(String(80))
    email: Mapped[str | None] = mapped_column(String(80))
    language: Mapped[str | None]
    timezone: Mapped[str | None]
    pager: Mapped[str | None] = mapped_column(String(80))
    max_messages: Mapped[int | None]
    attach_audio: Mapped[bool | None]
    delete_messages: Mapped[bool] = mapped_column(default=False, server_default=false())
    ask_password: Mapped[bool] = mapped_column(default=True, server_default=true())
    enabled: Mapped[bool] = mapped_column(default=True, server_default=true())
    options: Mapped[Options]
    accesstype: Mapped[str] = mapped_column(default="personal", server_default="personal")
    tenant_uuid: Mapped[UUID] = mapped_column()

    users: Mapped[list["User"]] = relationship(  # type: ignore[name-defined]  # noqa: F821
        back_populates="voicemail", order_by="User.id", passive_deletes="all"
    )


class ZoneMessage(Base):
    """How a voicemail tells the time of a message in a time zone."""

    __tablename__ = "voicemail_zonemessages"

    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    timezone: Mapped[str]
    message: Mapped[str | None]
    position: Mapped[int]


register(Target("voicemail_id", Voicemail.id, {"voicemail_name": Voicemail.name}))
