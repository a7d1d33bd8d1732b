"""Access features: who outside may use what."""

from sqlalchemy import String, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column

from ..base import Base, Revised, integer_id

__all__ = ["AccessFeature"]


class AccessFeature(Revised, Base):
    """A host or network that may use a feature."""

    __tablename__ = "access_features"
    __table_args__ = (UniqueConstraint("host", "feature"),)

    id: Mapped[integer_id]
    host: Mapped[str] = mapped_column(String(255))
    feature: Mapped[str]
    enabled: Mapped[bool] = mapped_column(default=True, server_default=true())
