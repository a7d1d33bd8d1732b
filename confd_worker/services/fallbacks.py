"""The generic service of fallbacks: where calls go that an item could not take."""

from typing import Any, ClassVar

from sqlalchemy import inspect

from ..core.dao import DAO
from ..core.rpc import change, read
from ..core.service import Service
from ..core.work import Json
from .destinations import Reachable

__all__ = ["FallbacksService"]


class FallbacksService(Service):
    """The fallbacks of an item, replaced whole by `edit`, or by `update` where the spec calls it so.

    Attributes:
        parent: of the items; their model has fallbacks by `falls_back`.
    """

    parent: ClassVar[DAO]
    destinations: ClassVar[tuple[str, ...]]
    offered = ("get", "edit")

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.argument_names = {cls.spec.id: "id"}
        shown = cls.operations()["get"].answer
        assert shown is not None
        cls.destinations = tuple(shown().fields)

    @read
    def get(self, id: Any) -> Json:
        """All fallbacks of the item."""
        return Json(self.parent.value(self.work, id, "fallbacks"))

    @change
    def edit(self, id: Any, body: Any) -> None:
        """Replace all fallbacks of the item."""
        self.put(self.parent.get(self.work, id), self.load(self.update_name(), body))

    def put(self, item: Any, given: dict[str, Any]) -> None:
        """Give the item these fallbacks and no others: rules, rows, event."""
        self.work.session.flush()
        if item.fallback_row is None:
            item.fallback_row = inspect(self.parent.model).relationships["fallback_row"].mapper.class_()
        for name in self.destinations:
            setattr(item.fallback_row, name, given[name])
        Reachable(*self.destinations)(self.work, item.fallback_row)
        self.work.session.flush()
        self.notifier.tell("edited", self.work, item)
