"""SIP endpoints with their templates, and the transports that they use."""

import re
import secrets
import string
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Computed, ForeignKey, Index, String, cast, false, func
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..base import Base, Options, Revised, TenantOwned, extend_model, part_of, uuid_id

__all__ = ["SECTIONS", "EndpointSIP", "EndpointSIPTemplate", "SIPTransport"]

SECTIONS = (
    "aor",
    "auth",
    "endpoint",
    "identify",
    "registration",
    "registration_outbound_auth",
    "outbound_auth",
)
"""Sections of a SIP endpoint, in the order in which they are checked."""


class SIPTransport(Revised, Base):
    """A transport of the SIP stack; transports belong to no tenant."""

    __tablename__ = "sip_transports"

    uuid: Mapped[uuid_id]
    name: Mapped[str] = mapped_column(String(79), unique=True)
    options: Mapped[Options]


class EndpointSIPTemplate(Base):
    """A template that an endpoint, or another template, inherits from; a lower position goes first."""

    __tablename__ = "endpoint_sip_templates"

    child_uuid: Mapped[UUID] = mapped_column(part_of("endpoint_sip.uuid"), primary_key=True)
    parent_uuid: Mapped[UUID] = mapped_column(
        ForeignKey("endpoint_sip.uuid", ondelete="CASCADE"), primary_key=True, index=True
    )
    position: Mapped[int]


_ALPHABET = string.ascii_letters + string.digits
_CALLER_ID = re.compile(r'"(?P<name>.*)"(?:\s.*?(?:<(?P<number>\+?\d+)>)?)?', re.DOTALL)


def _random_name() -> str:
    """Eight characters, of which there are so many that none will be drawn twice."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(8))


def _computed(value: str) -> Mapped[str | None]:
    return mapped_column(String, Computed(value, persisted=True), deferred=True)


def _pairs_named(options: Any, key: str) -> Any:
    """Those pairs of a section whose option is `key`."""
    filter_ = f'strict $[*] ? (@[0] == "{key}")'
    return func.jsonb_path_query_array(options, cast(filter_, JSONPATH), type_=JSONB)


class EndpointSIP(TenantOwned, Base):
    """A SIP endpoint or a template of endpoints.

    `webrtc` and `caller_id`, with its name and number, hold what the options webrtc and callerid come down to, own or
    inherited; they are worked out anew whenever the endpoint or a template above it changes.
    """

    __tablename__ = "endpoint_sip"
    __table_args__ = (
        Index(
            None,
            "auth_section_options",
            postgresql_using="gin",
            postgresql_ops={"auth_section_options": "jsonb_path_ops"},
        ),
    )

    kind: ClassVar[str] = "sip"
    key: ClassVar[str] = "uuid"
    caller_id_fields: ClassVar[tuple[str, ...]] = ("caller_id_name", "caller_id_num")

    uuid: Mapped[uuid_id]
    name: Mapped[str] = mapped_column(String(79), unique=True, default=_random_name)
    label: Mapped[str | None] = mapped_column(String(128))
    template: Mapped[bool] = mapped_column(default=False, server_default=false())
    asterisk_id: Mapped[str | None] = mapped_column(String(1024))
    transport_uuid: Mapped[UUID | None] = mapped_column(ForeignKey("sip_transports.uuid"), index=True)
    aor_section_options: Mapped[Options]
    auth_section_options: Mapped[Options]
    endpoint_section_options: Mapped[Options]
    identify_section_options: Mapped[Options]
    registration_section_options: Mapped[Options]
    registration_outbound_auth_section_options: Mapped[Options]
    outbound_auth_section_options: Mapped[Options]
    webrtc: Mapped[bool] = mapped_column(default=False, server_default=false())
    caller_id: Mapped[str | None]
    # Nothing is read as the name when no blank follows it.
    caller_id_name: Mapped[str | None] = _computed(r"""nullif(substring(caller_id, '^"(.*)"\s'), '')""")
    caller_id_num: Mapped[str | None] = _computed(r"substring(caller_id, '<(\d+)>$')")

    transport: Mapped[SIPTransport | None] = relationship(lazy="raise")
    templates: Mapped[list["EndpointSIP"]] = relationship(
        secondary="endpoint_sip_templates",
        primaryjoin="EndpointSIP.uuid == EndpointSIPTemplate.child_uuid",
        secondaryjoin="EndpointSIP.uuid == EndpointSIPTemplate.parent_uuid",
        order_by="EndpointSIPTemplate.position",
        viewonly=True,
    )
    template_links: Mapped[list[EndpointSIPTemplate]] = relationship(
        foreign_keys=[EndpointSIPTemplate.child_uuid],
        order_by=EndpointSIPTemplate.position,
        cascade="all, delete-orphan",
        passive_deletes=True,
    )
    line: Mapped["Line | None"] = relationship(back_populates="endpoint_sip", passive_deletes=True)  # type: ignore[name-defined]  # noqa: F821

    def pairs(self, section: str, option: str) -> list[list[str]]:
        """The endpoint's own pairs of that option."""
        return [pair for pair in getattr(self, f"{section}_section_options") or () if pair[0] == option]

    @property
    def caller_id_parts(self) -> tuple[str | None, str | None]:
        """Name and number of the caller ID, the own or the inherited one."""
        own = self.pairs("endpoint", "callerid")
        match = _CALLER_ID.fullmatch(own[0][1] if own else self.caller_id or "")
        return (match["name"], match["number"]) if match else (None, None)

    def set_caller_id(self, name: str | None, number: str | None) -> None:
        """Set the endpoint's own option callerid, in its place if there is one."""
        options = self.endpoint_section_options
        place = next((place for place, pair in enumerate(options) if pair[0] == "callerid"), len(options))
        pair = ["callerid", f'"{name}" <{number}>' if number else f'"{name}"']
        rest = [each for each in options[place:] if each[0] != "callerid"]
        self.endpoint_section_options = [*options[:place], pair, *rest]

    def change_caller_id(self, given: dict[str, str]) -> None:
        """Set what `given` has of `caller_id_name` and `caller_id_num`."""
        name, number = self.caller_id_parts
        # A name is read back only when something follows it, so that a missing number is written, too.
        self.set_caller_id(given.get("caller_id_name", name or ""), str(given.get("caller_id_num", number)))

    def follow(self, name: str, number: str | None, exten: str | None) -> None:
        """Take the caller ID of the line's main user, with the exten of the line where he has no number."""
        self.set_caller_id(name, number or exten)

    @hybrid_property
    def auth_username(cls) -> Any:
        """The pairs of the auth section that a summary shows; never the password."""
        return _pairs_named(cls.auth_section_options, "username")

    @hybrid_property
    def client_uri(cls) -> Any:
        """The pairs of the registration section that a summary shows."""
        return _pairs_named(cls.registration_section_options, "client_uri")


def _merged(field: str) -> Any:
    return hybrid_property(lambda cls: func.confd_sip_merged(cls.uuid, field, type_=JSONB))


extend_model(EndpointSIP, **{f"merged_{each}_section_options": _merged(f"{each}_section_options") for each in SECTIONS})
