"""Contexts: the parts of the dialplan, with their ranges of numbers."""

from typing import Annotated, Any
from uuid import UUID, uuid4

from sqlalchemy import (
    JSON,
    ForeignKey,
    String,
    UniqueConstraint,
    column,
    func,
    literal_column,
    select,
    table,
    text,
    true,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..base import Base, TenantOwned, integer_id, part_of

__all__ = ["Context", "ContextInclude"]

# Not jsonb, which would show `end` before `start`.
_ranges = Annotated[list[Any], mapped_column(JSON, default=list, server_default=text("'[]'"))]


class ContextInclude(Base):
    """A context that another one includes, at its place in the order."""

    __tablename__ = "context_includes"

    context_id: Mapped[int] = mapped_column(part_of("contexts.id"), primary_key=True)
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
    user_ranges: Mapped[_ranges]
    group_ranges: Mapped[_ranges]
    queue_ranges: Mapped[_ranges]
    conference_room_ranges: Mapped[_ranges]
    incall_ranges: Mapped[_ranges]

    extensions: Mapped[list["Extension"]] = relationship(  # type: ignore[name-defined]  # noqa: F821
        viewonly=True
    )
    voicemails: Mapped[list["Voicemail"]] = relationship(  # type: ignore[name-defined]  # noqa: F821
        viewonly=True
    )
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

    @hybrid_property
    def numbering(cls) -> Any:
        """The ranges, and the extens that are in use: `{"user_ranges": […], …, "extens": […]}`"""
        names = ("user_ranges", "group_ranges", "queue_ranges", "conference_room_ranges", "incall_ranges")
        extensions = table("extensions", column("exten"), column("context"))
        extens = select(func.coalesce(func.json_agg(extensions.c.exten), literal_column("'[]'::json")))
        used = extens.where(extensions.c.context == cls.name).scalar_subquery()
        pairs = ((name, getattr(cls, name)) for name in names)
        return func.json_build_object(*(part for pair in pairs for part in pair), "extens", used)
