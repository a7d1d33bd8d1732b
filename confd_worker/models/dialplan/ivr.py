"""IVRs: menus by voice."""

from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..base import Base, TenantOwned, extend_model, integer_id, part_of
from .destination import Destination, Target, holds, register
from .extension import Extension
from .incall import Incall, incalls_to

__all__ = ["IVR", "IVRChoice"]


class IVRChoice(holds("destination"), Base):  # type: ignore[misc]
    """Keys that a caller may press, and where that leads; it goes with its destination."""

    __tablename__ = "ivr_choices"
    # New choices are written before old ones with the same extens are removed.
    __table_args__ = (UniqueConstraint("ivr_id", "exten", deferrable=True, initially="DEFERRED"),)

    id: Mapped[integer_id]
    ivr_id: Mapped[int] = mapped_column(part_of("ivr.id"))
    exten: Mapped[str] = mapped_column(String(40))
    destination_id: Mapped[int] = mapped_column(ForeignKey("destinations.id", ondelete="CASCADE"), index=True)


_Destinations: Any = tuple(holds(each) for each in ("invalid_destination", "timeout_destination", "abort_destination"))


class IVR(*_Destinations, TenantOwned, Base):  # type: ignore[misc]
    """A menu by voice: sounds that are played, and where the keys lead that the caller may press."""

    __tablename__ = "ivr"

    id: Mapped[integer_id]
    name: Mapped[str] = mapped_column(String(128))
    description: Mapped[str | None]
    greeting_sound: Mapped[str | None] = mapped_column(String(255))
    menu_sound: Mapped[str] = mapped_column(String(255))
    invalid_sound: Mapped[str | None] = mapped_column(String(255))
    abort_sound: Mapped[str | None] = mapped_column(String(255))
    timeout: Mapped[int] = mapped_column(default=5, server_default="5")
    max_tries: Mapped[int] = mapped_column(default=3, server_default="3")

    choice_rows: Mapped[list[IVRChoice]] = relationship(
        order_by=IVRChoice.id, cascade="all, delete-orphan", passive_deletes=True
    )

    @hybrid_property
    def choices(cls) -> Any:
        """`[{"exten": …, "destination": …}, …]`"""
        choice = func.json_build_object("exten", IVRChoice.exten, "destination", IVRChoice.destination)
        listed = func.coalesce(func.json_agg(aggregate_order_by(choice, IVRChoice.id)), literal_column("'[]'::json"))
        return select(listed).where(IVRChoice.ivr_id == cls.id).scalar_subquery()

    @choices.inplace.setter
    def _set_choices(self, choices: list[dict[str, Any]]) -> None:
        if choices != [{"exten": row.exten, "destination": row.destination} for row in self.choice_rows]:
            self.choice_rows = [IVRChoice(**choice) for choice in choices]

    @hybrid_property
    def exten(cls) -> Any:
        """Exten of an incall whose calls come here."""
        return (
            select(Extension.exten)
            .join(Incall, Incall.id == Extension.incall_id)  # type: ignore[attr-defined]
            .join(Destination, Destination.id == Incall.destination_id)
            .where(Destination.type == "ivr", Destination.target == cast(cls.id, Text))
            .order_by(Incall.id)
            .limit(1)
            .scalar_subquery()
        )


extend_model(IVR, incalls=incalls_to(IVR, "ivr", IVR.id))
register(Target("ivr_id", IVR.id, {"ivr_name": IVR.name}))
