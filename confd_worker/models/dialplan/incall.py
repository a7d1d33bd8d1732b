"""Incalls: where calls from outside go."""

from typing import Any

from sqlalchemy import String, Text, and_, cast, select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..base import Base, TenantOwned, associated, extend_model, integer_id, looked_up
from ..users.user import User
from .destination import Destination, holds
from .extension import Extension

__all__ = ["Incall", "incalls_to"]

_NONE = """'{"type": "none"}'"""


class Incall(holds("destination", empty=_NONE), TenantOwned, Base):  # type: ignore[misc]
    """A number that is called from outside, and where such a call goes."""

    __tablename__ = "incalls"

    id: Mapped[integer_id]
    preprocess_subroutine: Mapped[str | None] = mapped_column(String(79))
    greeting_sound: Mapped[str | None] = mapped_column(String(255))
    caller_id_mode: Mapped[str | None]
    caller_id_name: Mapped[str | None] = mapped_column(String(80))
    description: Mapped[str | None]

    extensions: Mapped[list[Extension]] = relationship(order_by=Extension.id, back_populates="incall")

    @hybrid_property
    def exten(cls) -> Any:
        """Exten of the extension."""
        of_incall = Extension.incall_id == cls.id  # type: ignore[attr-defined]
        return select(Extension.exten).where(of_incall).limit(1).scalar_subquery()

    @hybrid_property
    def user_id(cls) -> Any:
        """Id of the user whom the calls go to."""
        return looked_up(Destination.fields["user_id"].as_integer(), Destination.id, cls.destination_id)


def incalls_to(model: Any, type_: str, id_: Any) -> Any:
    """The relationship from a model to the incalls whose calls go to its items.

    Args:
        type_: of the destinations.
        id_: attribute of the model that is the id.
    """
    leads_here = and_(Destination.type == type_, Destination.target == cast(id_, Text))
    return relationship(
        Incall,
        secondary=Destination.__table__,
        primaryjoin=leads_here,
        secondaryjoin=Incall.destination_id == Destination.id,
        order_by=Incall.id,
        viewonly=True,
    )


extend_model(
    Extension,
    incall_id=mapped_column(associated("incalls.id", "SET NULL"), index=True),
    incall=relationship(Incall, back_populates="extensions"),
)
extend_model(User, incalls=incalls_to(User, "user", User.id))
