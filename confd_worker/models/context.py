"""Contexts: the parts of the dialplan, with their ranges of numbers."""

from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, String, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, TenantOwned, integer_id, json_list

__all__ = ["Context", "ContextInclude"]


class ContextInclude(Base):
    """A context that another one includes, at its place in the order."""

    __tablename__ = "context_includes"

    context_id: Mapped[int] = mapped_column(ForeignKey("contexts.id", ondelete="CASCADE"), primary_key=True)
    included_id: Mapped[int] = mapped_column(
        ForeignKey("contexts.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    position: Mapped[int]


class Context(TenantOwned, Base):
    """A context; other tables refer to it by its name, which never changes."""

    __tablename__ = "contexts"
    __table_args__ = (UniqueConstraint("name", "tenant_uuid"),)

    id: Mapped[integer_id]
    uuid: Mapped[UUID] = mapped_column(unique=True, default=uuid4)
    name: Mapped[str] = mapped_column(unique=True)
    label: Mapped[str] = mapped_column(String(128))
    type: Mapped[str] = mapped_column(default="internal")
    description: Mapped[str | None]
    enabled: Mapped[bool] = mapped_column(default=True, server_default=true())
    user_ranges: Mapped[json_list]
    group_ranges: Mapped[json_list]
    queue_ranges: Mapped[json_list]
    conference_room_ranges: Mapped[json_list]
    incall_ranges: Mapped[json_list]

    includes: Mapped[list[ContextInclude]] = relationship(
        foreign_keys=[ContextInclude.context_id], cascade="all, delete-orphan", passive_deletes=True
    )
    contexts: Mapped[list["Context"]] = relationship(
        secondary="context_includes",
        primaryjoin="Context.id == ContextInclude.context_id",
        secondaryjoin="Context.id == ContextInclude.included_id",
        order_by="ContextInclude.position",
        viewonly=True,
    )
