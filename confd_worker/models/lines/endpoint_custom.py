"""Custom endpoints: any interface that Asterisk can dial."""

from typing import ClassVar

from sqlalchemy import String, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..base import Base, TenantOwned, integer_id

__all__ = ["EndpointCustom"]


class EndpointCustom(TenantOwned, Base):
    """A custom endpoint; it knows no caller ID."""

    __tablename__ = "endpoint_custom"

    kind: ClassVar[str] = "custom"
    key: ClassVar[str] = "id"
    caller_id_fields: ClassVar[tuple[str, ...]] = ()

    id: Mapped[integer_id]
    interface: Mapped[str] = mapped_column(String(128), unique=True)
    interface_suffix: Mapped[str | None] = mapped_column(String(32))
    enabled: Mapped[bool] = mapped_column(default=True, server_default=true())

    caller_id_parts: ClassVar[tuple[None, None]] = (None, None)
    line: Mapped["Line | None"] = relationship(back_populates="endpoint_custom", passive_deletes=True)  # type: ignore[name-defined]  # noqa: F821

    def change_caller_id(self, given: dict[str, str]) -> None:
        """Nothing: there is no caller ID."""

    def follow(self, name: str, number: str | None, exten: str | None) -> None:
        """Nothing: there is no caller ID."""
