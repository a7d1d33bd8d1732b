"""Messages that were set aside."""

from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, column_property, mapped_column

from ..base import Base, integer_id

__all__ = ["DeadLetter"]


class DeadLetter(Base):
    """A message that a queue's consumer could do nothing with, as it came.

    `fingerprint` is the same for the same message: one that is set aside again is counted in `attempts`.
    """

    __tablename__ = "dead_letters"

    id: Mapped[integer_id]
    fingerprint: Mapped[str] = mapped_column(unique=True)
    received_at: Mapped[datetime] = mapped_column(server_default=text("timezone('utc', now())"))
    queue: Mapped[str]
    exchange: Mapped[str]
    routing_key: Mapped[str]
    headers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    properties: Mapped[dict[str, Any]] = mapped_column(JSONB)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    reason: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(default=1, server_default="1")

    size = column_property(func.octet_length(body))
    content = column_property(func.encode(body, "base64"), deferred=True)
