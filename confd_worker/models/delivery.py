"""What was done and what must still be told: the record of calls and the outboxes."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Identity, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base

__all__ = ["Call", "OutgoingEvent", "SysconfdRequest"]


class Call(Base):
    """A change that was made, and the reply to it; a repeat of the call gets the same reply."""

    __tablename__ = "calls"

    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    reply: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("now() + interval '1 day'"), index=True
    )


class OutgoingEvent(Base):
    """An event that the relay has yet to publish."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    event_id: Mapped[str]
    name: Mapped[str]
    routing_key: Mapped[str]
    headers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    payload: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class SysconfdRequest(Base):
    """A request that the system daemon has yet to be sent: a reload of asterisk, or another call as it is.

    A reload has its command in `command` and nothing else; another call has method, path and parameters.
    """

    __tablename__ = "sysconfd_requests"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    command: Mapped[str | None]
    method: Mapped[str | None]
    path: Mapped[str | None]
    parameters: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
