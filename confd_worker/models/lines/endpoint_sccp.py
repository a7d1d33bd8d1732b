"""SCCP endpoints."""

import secrets
from typing import Any, ClassVar

from sqlalchemy import String
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from ..base import Base, Options, TenantOwned, integer_id, option_value

__all__ = ["SCCP_OPTIONS", "EndpointSCCP"]

SCCP_OPTIONS = ("cid_name", "cid_num", "disallow", "allow")
"""Options of an SCCP endpoint, in the order in which they are shown."""

_CALLER_ID = ("cid_name", "cid_num")


class EndpointSCCP(TenantOwned, Base):
    """An SCCP endpoint."""

    __tablename__ = "endpoint_sccp"

    kind: ClassVar[str] = "sccp"
    key: ClassVar[str] = "id"
    caller_id_fields: ClassVar[tuple[str, ...]] = ("caller_id_name",)

    id: Mapped[integer_id]
    name: Mapped[str] = mapped_column(String(128), default=lambda: secrets.token_hex(4))
    options: Mapped[Options]

    line: Mapped["Line | None"] = relationship(back_populates="endpoint_sccp", passive_deletes=True)  # type: ignore[name-defined]  # noqa: F821

    @validates("options")
    def _keep_caller_id(self, key: str, given: list[list[str]]) -> list[list[str]]:
        """What is given takes the place of all but the caller ID; an empty caller ID is none."""
        kept = {name: value for name, value in self.options or () if name in _CALLER_ID}
        kept |= {name: value for name, value in given}  # noqa: C416
        known = [[name, kept.pop(name)] for name in SCCP_OPTIONS if name in kept]
        return [pair for pair in known if pair[1] or pair[0] not in _CALLER_ID] + [list(pair) for pair in kept.items()]

    @property
    def caller_id_parts(self) -> tuple[str | None, str | None]:
        """Name and number of the caller ID."""
        options = {name: value for name, value in self.options}  # noqa: C416
        return options.get("cid_name"), options.get("cid_num")

    def set_caller_id(self, name: str | None, number: str | None) -> None:
        """Set the caller ID and leave the other options as they are."""
        self.options = [*self.options, ["cid_name", name or ""], ["cid_num", number or ""]]

    def change_caller_id(self, given: dict[str, str]) -> None:
        """Set the name that `given` has under `caller_id_name`."""
        if "caller_id_name" in given:
            self.set_caller_id(given["caller_id_name"], self.caller_id_parts[1])

    def follow(self, name: str, number: str | None, exten: str | None) -> None:
        """Take the caller ID of the line's main user, with the exten of the line before his own number."""
        self.set_caller_id(name, exten or number)

    @hybrid_property
    def caller_id_name(cls) -> Any:
        """Name in the caller ID."""
        return option_value(cls.options, "cid_name")

    @hybrid_property
    def caller_id_num(cls) -> Any:
        """Number in the caller ID."""
        return option_value(cls.options, "cid_num")
