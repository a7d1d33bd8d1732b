"""Music on hold."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from ..base import Base, TenantOwned, uuid_id

__all__ = ["MOH"]


class MOH(TenantOwned, Base):
    """A class of music on hold; its name, which never changes, is that of its section and folder in Asterisk."""

    __tablename__ = "moh"

    uuid: Mapped[uuid_id]
    name: Mapped[str] = mapped_column(String(128), unique=True)
    label: Mapped[str] = mapped_column(String(128))
    mode: Mapped[str]
    application: Mapped[str | None] = mapped_column(String(256))
    sort: Mapped[str | None]
