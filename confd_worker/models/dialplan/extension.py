"""Extensions: the numbers of a context."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, String, UniqueConstraint, true
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..base import Base, TenantOwned, integer_id, looked_up, trigrams
from .context import Context

__all__ = ["Extension", "in_context"]


def in_context(**options: Any) -> ForeignKeyConstraint:
    """The constraint that an item belongs to its context, and so to the context's tenant."""
    return ForeignKeyConstraint(
        ["context", "tenant_uuid"],
        ["contexts.name", "contexts.tenant_uuid"],
        onupdate="CASCADE",
        ondelete="CASCADE",
        **options,
    )


class Extension(TenantOwned, Base):
    """A number, or a pattern of numbers, in a context."""

    __tablename__ = "extensions"
    tallied = True
    __table_args__ = (
        UniqueConstraint("exten", "context"),
        in_context(),
        Index(None, "tenant_uuid", "exten", "id"),
        trigrams("extensions_exten_idx", "confd_fold(exten)"),
    )

    id: Mapped[integer_id]
    exten: Mapped[str] = mapped_column(String(40))
    context: Mapped[str] = mapped_column(index=True)
    enabled: Mapped[bool] = mapped_column(default=True, server_default=true())
    tenant_uuid: Mapped[UUID] = mapped_column()

    lines: Mapped[list["Line"]] = relationship(  # type: ignore[name-defined]  # noqa: F821
        secondary="line_extensions", order_by="Line.id", back_populates="extensions", passive_deletes=True
    )

    @hybrid_property
    def commented(cls) -> Any:
        """The old opposite of `enabled`."""
        return ~cls.enabled if not isinstance(cls, Extension) else not cls.enabled

    @hybrid_property
    def type(cls) -> Any:
        """The type of the extension's context."""
        return looked_up(Context.type, Context.name, cls.context)
