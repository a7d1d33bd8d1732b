"""Lines: what joins users, endpoints and extensions."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, case, func, select, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..base import Base, TenantOwned, extend_model, integer_id, looked_up, part_of, restricted, trigrams
from ..dialplan.extension import Extension, in_context
from .endpoint_custom import EndpointCustom
from .endpoint_sccp import EndpointSCCP
from .endpoint_sip import EndpointSIP

__all__ = ["Line", "LineExtension", "UserLine"]

ENDPOINTS: tuple[Any, ...] = (EndpointSIP, EndpointSCCP, EndpointCustom)
"""The kinds of endpoints, of which a line has one."""


class LineExtension(Base):
    """The extension of a line; a line has at most one, an extension may be on many lines."""

    __tablename__ = "line_extensions"

    line_id: Mapped[int] = mapped_column(part_of("lines.id"), primary_key=True)
    extension_id: Mapped[int] = mapped_column(restricted("extensions.id"), index=True)


class UserLine(Base):
    """A line of a user; one line is the user's main line, one user the line's main user."""

    __tablename__ = "user_lines"
    __table_args__ = (
        Index("user_lines_one_main_line_idx", "user_id", unique=True, postgresql_where=text("main_line")),
        Index("user_lines_one_main_user_idx", "line_id", unique=True, postgresql_where=text("main_user")),
    )

    user_id: Mapped[int] = mapped_column(part_of("users.id"), primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("lines.id", ondelete="CASCADE"), primary_key=True, index=True)
    main_line: Mapped[bool]
    main_user: Mapped[bool]

    line: Mapped["Line"] = relationship(back_populates="user_lines")
    user: Mapped["User"] = relationship(back_populates="user_lines")  # type: ignore[name-defined]  # noqa: F821


class Line(TenantOwned, Base):
    """A line; its tenant is that of its context."""

    __tablename__ = "lines"
    tallied = True
    __table_args__ = (
        in_context(),
        CheckConstraint("num_nonnulls(endpoint_sip_uuid, endpoint_sccp_id, endpoint_custom_id) <= 1", "one_endpoint"),
        trigrams("lines_provisioning_code_idx", "provisioning_code"),
    )

    id: Mapped[integer_id]
    context: Mapped[str] = mapped_column(index=True)
    provisioning_code: Mapped[str] = mapped_column(String(6), unique=True)
    position: Mapped[int] = mapped_column(default=1, server_default="1")
    registrar: Mapped[str] = mapped_column(String(128), default="default", server_default="default")
    device_id: Mapped[str | None]
    endpoint_sip_uuid: Mapped[UUID | None] = mapped_column(
        ForeignKey("endpoint_sip.uuid", ondelete="SET NULL"), unique=True
    )
    endpoint_sccp_id: Mapped[int | None] = mapped_column(
        ForeignKey("endpoint_sccp.id", ondelete="SET NULL"), unique=True
    )
    endpoint_custom_id: Mapped[int | None] = mapped_column(
        ForeignKey("endpoint_custom.id", ondelete="SET NULL"), unique=True
    )
    tenant_uuid: Mapped[UUID] = mapped_column(index=True)

    endpoint_sip: Mapped[EndpointSIP | None] = relationship(back_populates="line", lazy="joined")
    endpoint_sccp: Mapped[EndpointSCCP | None] = relationship(back_populates="line", lazy="joined")
    endpoint_custom: Mapped[EndpointCustom | None] = relationship(back_populates="line", lazy="joined")
    extensions: Mapped[list[Extension]] = relationship(
        secondary="line_extensions", order_by=Extension.id, back_populates="lines", passive_deletes=True
    )
    user_lines: Mapped[list[UserLine]] = relationship(back_populates="line", passive_deletes=True, cascade="all")
    users: Mapped[list["User"]] = relationship(  # type: ignore[name-defined]  # noqa: F821
        secondary="user_lines", order_by="[UserLine.main_user.desc(), User.id]", viewonly=True
    )

    @property
    def endpoint(self) -> "EndpointSIP | EndpointSCCP | EndpointCustom | None":
        """The endpoint, of whatever kind."""
        return self.endpoint_sip or self.endpoint_sccp or self.endpoint_custom

    def follow_main_user(self) -> None:
        """Make the endpoint's caller ID that of the main user."""
        user = next((link.user for link in self.user_lines if link.main_user), None)
        if user is not None and self.endpoint is not None:
            name, number = user.caller_id_parts
            self.endpoint.follow(name, number, self.extensions[0].exten if self.extensions else None)

    @hybrid_property
    def name(cls) -> Any:
        """Name of the endpoint, the interface of a custom one."""
        if isinstance(cls, Line):
            endpoint: Any = cls.endpoint
            return endpoint and (endpoint.interface if endpoint.kind == "custom" else endpoint.name)
        names = (EndpointSIP.name, EndpointSCCP.name, EndpointCustom.interface)
        return func.coalesce(*(_of_endpoint(cls, each.class_, each) for each in names))

    @hybrid_property
    def protocol(cls) -> Any:
        """Kind of the endpoint."""
        if isinstance(cls, Line):
            return cls.endpoint and cls.endpoint.kind
        return case(*((_key(cls, each).is_not(None), each.kind) for each in ENDPOINTS), else_=None)

    @hybrid_property
    def caller_id_name(cls) -> Any:
        """Name in the endpoint's caller ID."""
        return func.coalesce(*(_of_endpoint(cls, each, each.caller_id_name) for each in (EndpointSIP, EndpointSCCP)))

    @hybrid_property
    def caller_id_num(cls) -> Any:
        """Number in the endpoint's caller ID."""
        return func.coalesce(*(_of_endpoint(cls, each, each.caller_id_num) for each in (EndpointSIP, EndpointSCCP)))

    @hybrid_property
    def is_webrtc(cls) -> Any:
        """Whether the endpoint speaks WebRTC, by itself or through a template."""
        return func.coalesce(_of_endpoint(cls, EndpointSIP, EndpointSIP.webrtc), False)

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


def _key(line: Any, endpoint: Any) -> Any:
    return getattr(line, f"endpoint_{endpoint.kind}_{endpoint.key}")


def _of_endpoint(line: Any, endpoint: Any, value: Any) -> Any:
    return looked_up(value, getattr(endpoint, endpoint.key), _key(line, endpoint))


def _context(endpoint: Any) -> Any:
    return select(Line.context).where(Line.endpoint_custom_id == endpoint.id).scalar_subquery()


extend_model(EndpointCustom, context=hybrid_property(_context))
