"""Fallbacks: where calls go that an item could not take."""

from typing import Any

from sqlalchemy import Column, func, inspect, literal_column, select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import relationship

from .base import Base, part_of
from .destination import holds
from .user import User

__all__ = ["falls_back"]


def falls_back(name: str, owner: Any, *destinations: str) -> None:
    """Let items of a model have fallbacks: a table `{name}_fallbacks` with a row for each item that has some.

    The owner gets the attributes `fallback_row`, which holds the destinations, and `fallbacks`, which shows them.
    The table needs the trigger `holder_deleted`.

    Args:
        destinations: names of them, `noanswer_destination` …
    """
    key: Column[Any] = Column(f"{name}_id", part_of(owner.id), primary_key=True)
    row: Any = type(
        f"{owner.__name__}Fallbacks",
        (*(holds(each) for each in destinations), Base),
        {"__tablename__": f"{name}_fallbacks", "__annotations__": {}, key.name: key},
    )

    def shown(cls: Any) -> Any:
        parts: list[Any] = []
        for each in destinations:
            parts += [each, getattr(row, each)]
        held = select(func.json_build_object(*parts)).where(inspect(row).primary_key[0] == cls.id)
        nothing = ", ".join(f"'{each}', NULL" for each in destinations)
        return func.coalesce(held.scalar_subquery(), literal_column(f"json_build_object({nothing})"))

    owner.fallback_row = relationship(row, uselist=False, cascade="all, delete-orphan", passive_deletes=True)
    owner.fallbacks = hybrid_property(shown)


falls_back("user", User, "noanswer_destination", "busy_destination", "congestion_destination", "fail_destination")
