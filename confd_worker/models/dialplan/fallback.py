"""Fallbacks: where calls go that an item could not take."""

import json
from typing import Any

from sqlalchemy import JSON, Column, Integer, Text, case, column, func, literal_column, select, true, values
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import relationship

from ..base import Base, extend_model, part_of
from ..users.user import User
from . import destination
from .destination import Destination, holds

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
        # One look at the destinations for all of them: each more would be a plan of its own in every read of an owner.
        table = row.__table__
        places = [(each, table.c[f"{each}_id"], place) for place, each in enumerate(destinations)]
        columns = (column("name", Text), column("id", Integer), column("place", Integer))
        held = values(*columns, name="held").data(places).lateral()
        fields = case((Destination.id.is_not(None), destination.shown(Destination.fields)))
        document = func.json_object_agg(held.c.name, aggregate_order_by(fields, held.c.place), type_=JSON)
        found = select(document).select_from(table).join(held, true())
        found = found.outerjoin(Destination, Destination.id == held.c.id).where(table.c[key.name] == cls.id)
        return func.coalesce(found.scalar_subquery(), nothing)

    nothing: Any = literal_column(f"'{json.dumps(dict.fromkeys(destinations))}'::json")
    extend_model(
        owner,
        fallback_row=relationship(row, uselist=False, cascade="all, delete-orphan", passive_deletes=True),
        fallbacks=hybrid_property(shown),
    )


falls_back("user", User, "noanswer_destination", "busy_destination", "congestion_destination", "fail_destination")
