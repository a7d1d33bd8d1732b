"""Options of Asterisk's own configuration files."""

from sqlalchemy import JSON, text
from sqlalchemy.orm import Mapped, mapped_column

from ..base import Base, Revised

__all__ = ["AsteriskOptions"]


class AsteriskOptions(Revised, Base):
    """The options of one section of a configuration file; JSON as text, which keeps their order."""

    __tablename__ = "asterisk_options"

    file: Mapped[str] = mapped_column(primary_key=True)
    section: Mapped[str] = mapped_column(primary_key=True)
    options: Mapped[dict[str, str]] = mapped_column(JSON, default=dict, server_default=text("'{}'"))
    ordered_options: Mapped[list[list[str]]] = mapped_column(JSON, default=list, server_default=text("'[]'"))
