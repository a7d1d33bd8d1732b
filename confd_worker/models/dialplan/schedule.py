"""Schedules: when calls are let through."""

from typing import Any

from sqlalchemy import Column, ForeignKey, String, Table, cast, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..base import Base, TenantOwned, extend_model, integer_id, json_list, part_of
from ..users.user import User
from .destination import shown
from .incall import Incall

__all__ = ["Schedule", "scheduled"]


class Schedule(TenantOwned, Base):
    """Hours at which calls are let through, and where they go at other hours.

    Its destinations are no rows: they keep the id of a target that is deleted.
    """

    __tablename__ = "schedules"

    id: Mapped[integer_id]
    name: Mapped[str | None] = mapped_column(String(128))
    timezone: Mapped[str | None] = mapped_column(String(128))
    closed: Mapped[dict[str, Any]] = mapped_column(JSONB)
    open_periods: Mapped[list[Any]] = mapped_column(JSON)
    exceptions: Mapped[json_list]
    enabled: Mapped[bool] = mapped_column(default=True, server_default=true())

    @hybrid_property
    def closed_destination(cls) -> Any:
        """Where calls go outside of the open periods."""
        return cls.closed if isinstance(cls, Schedule) else shown(cls.closed)

    @closed_destination.inplace.setter
    def _set_closed_destination(self, fields: dict[str, Any]) -> None:
        self.closed = fields

    @hybrid_property
    def exceptional_periods(cls) -> Any:
        """Periods at which calls go to destinations of their own."""
        if isinstance(cls, Schedule):
            return cls.exceptions
        elements = func.jsonb_array_elements(cls.exceptions)
        period = elements.table_valued("value", with_ordinality="place").render_derived()
        value = cast(period.c.value, JSONB)
        destination = func.jsonb_build_object("destination", shown(cast(value.op("->")("destination"), JSONB)))
        periods = func.jsonb_agg(value.concat(destination).op("ORDER BY")(period.c.place))
        return select(func.coalesce(periods, literal_column("'[]'::jsonb"))).select_from(period).scalar_subquery()

    @exceptional_periods.inplace.setter
    def _set_exceptional_periods(self, periods: list[dict[str, Any]]) -> None:
        self.exceptions = periods


def scheduled(name: str, owner: Any) -> None:
    """Let a schedule hold for items of a model: a table `{name}_schedules`, and both relationships.

    An item has at most one schedule; its attribute is a list all the same, as clients see one.
    """
    table = Table(
        f"{name}_schedules",
        Base.metadata,
        Column(f"{name}_id", part_of(owner.id), primary_key=True),
        Column("schedule_id", ForeignKey(Schedule.id, ondelete="CASCADE"), index=True),
    )
    joined: dict[str, Any] = {"secondary": table, "passive_deletes": True}
    owners = relationship(owner, order_by=owner.id, back_populates="schedules", **joined)
    extend_model(owner, schedules=relationship(Schedule, back_populates=f"{name}s", **joined))
    extend_model(Schedule, **{f"{name}s": owners})


scheduled("incall", Incall)
scheduled("user", User)
