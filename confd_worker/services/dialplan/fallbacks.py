"""Fallbacks: where calls go that an item could not take."""

from typing import Any, ClassVar

from sqlalchemy import inspect

from ...plugin import EventType, Json, Notifier, Owner, Service, change, read
from .destinations import Reachable

__all__ = ["FallbacksService"]


class FallbacksService(Service):
    """The fallbacks of an item, replaced whole.

    Attributes:
        owner: what such items are; their model has fallbacks by `falls_back`.
    """

    owner: ClassVar[Owner]
    destinations: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        shown = cls.operation("get").answer
        assert shown is not None
        cls.destinations = tuple(shown().fields)
        owner = cls.owner
        edited = EventType(
            f"{owner.name}_fallback_edited", f"{owner.routing_key}.fallbacks.edited", cls.told, owner.users
        )
        cls.notifier = Notifier({"edited": edited})

    @staticmethod
    def told(item: Any) -> dict[str, Any]:
        """What the event tells of the item."""
        return {name: getattr(item, name) for name in ("id", "uuid") if hasattr(item, name)}

    @read
    def get(self, id: Any) -> Json:
        """All fallbacks of the item."""
        return Json(self.owner.dao.value(self.work, id, "fallbacks"))

    @change
    def update(self, id: Any, body: Any) -> None:
        """Replace all fallbacks of the item."""
        self.put(self.owner.dao.get(self.work, id), self.load("update", body))

    def put(self, item: Any, given: dict[str, Any]) -> None:
        """Give the item these fallbacks and no others: rules, row, event."""
        self.work.flush()
        if item.fallback_row is None:
            item.fallback_row = inspect(type(item)).relationships["fallback_row"].mapper.class_()
        for name in self.destinations:
            setattr(item.fallback_row, name, given[name])
        Reachable(*self.destinations).check(self.work, item.tenant_uuid, [item.fallback_row])
        self.work.flush()
        self.notifier.tell("edited", self.work, item)
