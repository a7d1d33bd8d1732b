"""Users of the telephony platform."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Computed, ForeignKey, Index, String, and_, case, false, func, select, text, true
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..base import Base, TenantOwned, integer_id, looked_up, restricted, trigrams
from ..call_features.voicemail import Voicemail
from ..dialplan.destination import Target, register
from ..dialplan.extension import Extension
from ..lines.line import Line, LineExtension, UserLine
from ..system.tenant import Tenant

__all__ = ["FORWARDS", "SERVICES", "User"]

FORWARDS = ("busy", "noanswer", "unconditional")
SERVICES = ("dnd", "incallfilter")
RECORDINGS = tuple(
    f"call_record_{direction}_enabled"
    for direction in ("outgoing_external", "outgoing_internal", "incoming_internal", "incoming_external")
)

_CALLER_ID = re.compile(r'"(?P<name>.*)"(?: <(?P<number>\+?\d+)>)?', re.DOTALL)


_TEXTS = (
    "firstname || ' ' || lastname", "caller_id", "description", "userfield", "email", "mobile_phone_number",
    "preprocess_subroutine", "outgoing_caller_id", "username", "subscription_type::text",
)  # fmt: skip
_SEARCHED = "confd_fold({})".format(" || E'\\n' || ".join(f"coalesce({text}, '')" for text in _TEXTS))


def _off() -> Mapped[bool]:
    return mapped_column(default=False, server_default=false())


def _on() -> Mapped[bool]:
    return mapped_column(default=True, server_default=true())


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class User(TenantOwned, Base):
    """A person, or a thing like a door phone, that calls and is called."""

    __tablename__ = "users"
    tallied = True
    __table_args__ = (
        Index("users_email_key", text("lower(email)"), unique=True),
        Index(None, "tenant_uuid", "lastname", "id"),
        trigrams("users_searched_idx", "searched"),
    )

    id: Mapped[integer_id]
    uuid: Mapped[UUID] = mapped_column(unique=True, default=uuid4)
    firstname: Mapped[str] = mapped_column(String(128))
    lastname: Mapped[str | None] = mapped_column(String(128))
    email: Mapped[str | None] = mapped_column(String(254))
    timezone: Mapped[str | None] = mapped_column(String(128))
    language: Mapped[str | None]
    description: Mapped[str | None]
    caller_id: Mapped[str] = mapped_column(String(260))
    outgoing_caller_id: Mapped[str | None] = mapped_column(String(80))
    mobile_phone_number: Mapped[str | None] = mapped_column(String(80))
    mobile_fallback_enabled: Mapped[bool] = _off()
    username: Mapped[str | None] = mapped_column(String(254), unique=True)
    password: Mapped[str | None] = mapped_column(String(64))
    music_on_hold: Mapped[str | None] = mapped_column(String(128))
    preprocess_subroutine: Mapped[str | None] = mapped_column(String(79))
    userfield: Mapped[str | None] = mapped_column(String(128))
    call_transfer_enabled: Mapped[bool] = _off()
    dtmf_hangup_enabled: Mapped[bool] = _off()
    call_record_outgoing_external_enabled: Mapped[bool] = _off()
    call_record_outgoing_internal_enabled: Mapped[bool] = _off()
    call_record_incoming_internal_enabled: Mapped[bool] = _off()
    call_record_incoming_external_enabled: Mapped[bool] = _off()
    online_call_record_enabled: Mapped[bool] = _off()
    supervision_enabled: Mapped[bool] = _on()
    ring_seconds: Mapped[int] = mapped_column(default=30, server_default="30")
    simultaneous_calls: Mapped[int] = mapped_column(default=5, server_default="5")
    call_permission_password: Mapped[str | None] = mapped_column(String(16))
    subscription_type: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime] = mapped_column(default=_now, server_default=text("timezone('utc', now())"))
    enabled: Mapped[bool] = _on()
    func_key_template_id: Mapped[int | None]
    dnd_enabled: Mapped[bool] = _off()
    incallfilter_enabled: Mapped[bool] = _off()
    busy_enabled: Mapped[bool] = _off()
    busy_destination: Mapped[str | None] = mapped_column(String(128))
    noanswer_enabled: Mapped[bool] = _off()
    noanswer_destination: Mapped[str | None] = mapped_column(String(128))
    unconditional_enabled: Mapped[bool] = _off()
    unconditional_destination: Mapped[str | None] = mapped_column(String(128))
    voicemail_id: Mapped[int | None] = mapped_column(restricted("voicemails.id"), index=True)

    tenant_uuid: Mapped[UUID] = mapped_column(ForeignKey("tenants.uuid", ondelete="CASCADE"))
    searched: Mapped[str] = mapped_column(String, Computed(_SEARCHED, persisted=True), deferred=True)

    voicemail: Mapped[Voicemail | None] = relationship(back_populates="users")
    lines: Mapped[list[Line]] = relationship(
        secondary="user_lines", order_by="[UserLine.main_line.desc(), Line.id]", viewonly=True
    )

    user_lines: Mapped[list[UserLine]] = relationship(
        back_populates="user", order_by=UserLine.line_id, passive_deletes=True, cascade="all"
    )

    @property
    def caller_id_parts(self) -> tuple[str, str | None]:
        """Name and number of the caller ID."""
        match = _CALLER_ID.fullmatch(self.caller_id)
        return (match["name"], match["number"]) if match else (self.caller_id, None)

    @hybrid_property
    def fullname(cls: Any) -> Any:
        """First and last name; null for a user without last name."""
        return cls.firstname + " " + cls.lastname

    @hybrid_property
    def country(cls) -> Any:
        """Country of the user's tenant."""
        return looked_up(Tenant.country, Tenant.uuid, cls.tenant_uuid)

    @hybrid_property
    def call_record_enabled(cls) -> Any:
        """Whether all four kinds of calls are recorded."""
        return and_(*(getattr(cls, name) for name in RECORDINGS))

    @hybrid_property
    def services(cls) -> Any:
        """`{"dnd": {"enabled": …}, …}`"""
        pairs = ((name, func.json_build_object("enabled", getattr(cls, f"{name}_enabled"))) for name in SERVICES)
        return func.json_build_object(*(part for pair in pairs for part in pair))

    @hybrid_property
    def presence_services(cls) -> Any:
        """Of the services, what tells whether the user can be called."""
        return func.json_build_object("dnd", func.json_build_object("enabled", cls.dnd_enabled))

    @hybrid_property
    def forwards(cls) -> Any:
        """`{"busy": {"enabled": …, "destination": …}, …}`"""
        parts: list[Any] = []
        for name in FORWARDS:
            enabled, destination = getattr(cls, f"{name}_enabled"), getattr(cls, f"{name}_destination")
            parts += [name, func.json_build_object("enabled", enabled, "destination", destination)]
        return func.json_build_object(*parts)

    @hybrid_property
    def line_id(cls) -> Any:
        """Id of the main line."""
        return _of_main_line(cls, Line.id)

    @hybrid_property
    def provisioning_code(cls) -> Any:
        """Provisioning code of the main line."""
        return _of_main_line(cls, Line.provisioning_code)

    @hybrid_property
    def telephone_provisioning_code(cls) -> Any:
        """Provisioning code of the main line, where that is for a telephone: not custom, not WebRTC."""
        telephone = Line.protocol.in_(("sip", "sccp")) & ~Line.is_webrtc
        return _of_main_line(cls, case((telephone, Line.provisioning_code)))

    @hybrid_property
    def protocol(cls) -> Any:
        """Protocol of the main line."""
        return _of_main_line(cls, Line.protocol)

    @hybrid_property
    def is_webrtc(cls) -> Any:
        """Whether the main line speaks WebRTC."""
        return func.coalesce(_of_main_line(cls, Line.is_webrtc), False)

    @hybrid_property
    def exten(cls) -> Any:
        """Exten of the main line's enabled extension."""
        return _of_main_extension(cls, Extension.exten)

    @hybrid_property
    def extension(cls) -> Any:
        """The other name of `exten`."""
        return _of_main_extension(cls, Extension.exten)

    @hybrid_property
    def context(cls) -> Any:
        """Context of the main line's extension."""
        return _of_main_extension(cls, Extension.context)

    @hybrid_property
    def voicemail_number(cls) -> Any:
        """Number of the user's voicemail."""
        return looked_up(Voicemail.number, Voicemail.id, cls.voicemail_id)


def _of_main_line(user: Any, value: Any) -> Any:
    return (
        select(value)
        .select_from(UserLine)
        .join(Line, Line.id == UserLine.line_id)
        .where(UserLine.user_id == user.id, UserLine.main_line)
        .scalar_subquery()
    )


def _of_main_extension(user: Any, value: Any) -> Any:
    return (
        select(value)
        .select_from(UserLine)
        .join(LineExtension, LineExtension.line_id == UserLine.line_id)
        .join(Extension, Extension.id == LineExtension.extension_id)
        .where(UserLine.user_id == user.id, UserLine.main_line, Extension.enabled)
        .scalar_subquery()
    )


register(Target("user_id", User.id, {"user_firstname": User.firstname, "user_lastname": User.lastname}))
