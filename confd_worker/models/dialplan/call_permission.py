"""Call permissions: which numbers may be called."""

from typing import Any

from sqlalchemy import Column, ForeignKey, Identity, Integer, String, Table, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..base import Base, TenantOwned, extend_model, integer_id, json_list, part_of
from ..users.user import User

__all__ = ["CallPermission", "permitted"]


class CallPermission(TenantOwned, Base):
    """Numbers that are allowed or denied, unless the password is known."""

    __tablename__ = "call_permissions"
    __table_args__ = (UniqueConstraint("name", "tenant_uuid"),)

    id: Mapped[integer_id]
    name: Mapped[str] = mapped_column(String(128))
    password: Mapped[str | None] = mapped_column(String(40))
    mode: Mapped[str] = mapped_column(default="deny", server_default="deny")
    extensions: Mapped[json_list]
    enabled: Mapped[bool] = mapped_column(default=True, server_default=true())
    description: Mapped[str | None]


def permitted(name: str, owner: Any) -> None:
    """Let call permissions hold for items of a model: a table `{name}_call_permissions`, and both relationships.

    Both are in the order in which they were joined.
    """
    table = Table(
        f"{name}_call_permissions",
        Base.metadata,
        Column(f"{name}_id", part_of(owner.id), primary_key=True),
        Column("call_permission_id", ForeignKey(CallPermission.id, ondelete="CASCADE"), primary_key=True, index=True),
        Column("place", Integer, Identity(), nullable=False),
    )
    shared: dict[str, Any] = {"secondary": table, "order_by": table.c.place, "passive_deletes": True}
    extend_model(owner, call_permissions=relationship(CallPermission, back_populates=f"{name}s", **shared))
    extend_model(CallPermission, **{f"{name}s": relationship(owner, back_populates="call_permissions", **shared)})


permitted("user", User)
