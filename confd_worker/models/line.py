"""Lines: what joins users, endpoints and extensions."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, case, func, select, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base, TenantOwned, integer_id, restricted
from .endpoint_sip import EndpointSIP
from .extension import Extension, in_context

__all__ = ["Line", "LineExtension", "UserLine"]


class LineExtension(Base):
    """The extension of a line; a line has at most one, an extension may be on many lines."""

    __tablename__ = "line_extensions"

    line_id: Mapped[int] = mapped_column(ForeignKey("lines.id", ondelete="CASCADE"), primary_key=True)
    extension_id: Mapped[int] = mapped_column(restricted("extensions.id"), index=True)


class UserLine(Base):
    """A line of a user; one line is the user's main line, one user the line's main user."""

    __tablename__ = "user_lines"
    __table_args__ = (
        Index("user_lines_one_main_line_idx", "user_id", unique=True, postgresql_where=text("main_line")),
        Index("user_lines_one_main_user_idx", "line_id", unique=True, postgresql_where=text("main_user")),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("lines.id", ondelete="CASCADE"), primary_key=True, index=True)
    main_line: Mapped[bool]
    main_user: Mapped[bool]

    line: Mapped["Line"] = relationship(back_populates="user_lines")
    user: Mapped["User"] = relationship(back_populates="user_lines")  # type: ignore[name-defined]  # noqa: F821


class Line(TenantOwned, Base):
    """A line; its tenant is that of its context."""

    __tablename__ = "lines"
    __table_args__ = (in_context(),)

    id: Mapped[integer_id]
    context: Mapped[str] = mapped_column(index=True)
    provisioning_code: Mapped[str] = mapped_column(String(6), unique=True)
    position: Mapped[int] = mapped_column(default=1, server_default="1")
    registrar: Mapped[str] = mapped_column(String(128), default="default", server_default="default")
    device_id: Mapped[str | None]
    endpoint_sip_uuid: Mapped[UUID | None] = mapped_column(
        ForeignKey("endpoint_sip.uuid", ondelete="SET NULL"), unique=True
    )
    tenant_uuid: Mapped[UUID] = mapped_column(index=True)

    endpoint_sip: Mapped[EndpointSIP | None] = relationship(back_populates="line")
    extensions: Mapped[list[Extension]] = relationship(
        secondary="line_extensions", order_by=Extension.id, back_populates="lines", passive_deletes=True
    )
    user_lines: Mapped[list[UserLine]] = relationship(back_populates="line", passive_deletes=True, cascade="all")
    users: Mapped[list["User"]] = relationship(  # type: ignore[name-defined]  # noqa: F821
        secondary="user_lines", order_by="[UserLine.main_user.desc(), User.id]", viewonly=True
    )

    def follow_main_user(self) -> None:
        """Make the endpoint's caller ID that of the main user, with the exten where the user has no number."""
        user = next((link.user for link in self.user_lines if link.main_user), None)
        if user is not None and self.endpoint_sip is not None:
            name, number = user.caller_id_parts
            exten = self.extensions[0].exten if self.extensions else None
            self.endpoint_sip.set_caller_id(name, number or exten)

    @hybrid_property
    def name(cls) -> Any:
        """Name of the endpoint."""
        if isinstance(cls, Line):
            return cls.endpoint_sip.name if cls.endpoint_sip else None
        return _of_endpoint(cls, EndpointSIP.name)

    @hybrid_property
    def protocol(cls) -> Any:
        """Kind of the endpoint."""
        if isinstance(cls, Line):
            return "sip" if cls.endpoint_sip_uuid else None
        return case((cls.endpoint_sip_uuid.is_not(None), "sip"), else_=None)

    @hybrid_property
    def caller_id_name(cls) -> Any:
        """Name in the endpoint's caller ID; nothing is read when no blank follows it."""
        return _of_endpoint(cls, func.nullif(func.substring(EndpointSIP.caller_id, r'^"(.*)"\s'), ""))

    @hybrid_property
    def caller_id_num(cls) -> Any:
        """Number in the endpoint's caller ID."""
        return _of_endpoint(cls, func.substring(EndpointSIP.caller_id, r"<(\d+)>$"))

    @hybrid_property
    def is_webrtc(cls) -> Any:
        """Whether the endpoint speaks WebRTC, by itself or through a template."""
        return func.coalesce(_of_endpoint(cls, EndpointSIP.webrtc), False)

    @hybrid_property
    def device_slot(cls) -> Any:
        """The old name of `position`."""
        return cls.position

    @hybrid_property
    def provisioning_extension(cls) -> Any:
        """The old name of `provisioning_code`."""
        return cls.provisioning_code

    @hybrid_property
    def exten(cls) -> Any:
        """Exten of the line's enabled extension."""
        return (
            select(Extension.exten)
            .join(LineExtension, LineExtension.extension_id == Extension.id)
            .where(LineExtension.line_id == cls.id, Extension.enabled)
            .scalar_subquery()
        )


def _of_endpoint(line: Any, value: Any) -> Any:
    return select(value).where(EndpointSIP.uuid == line.endpoint_sip_uuid).scalar_subquery()
