"""The generic service of a resource."""

from typing import Any, ClassVar

from ..entrypoints.rpc import change, read
from ..query.dao import DAO
from ..work import Json, Shown
from .example import Example
from .service import Service
from .validation import changed

__all__ = ["ResourceService"]


class ResourceService(Service):
    """Items of one model: list, get, create, update, delete.

    A new item of a tenant-owned model gets the caller's tenant, unless `place` gives it another.

    Attributes:
        example: bodies of items, for the conformance suite.
    """

    dao: ClassVar[DAO]
    example: ClassVar[Example]

    @read
    def list(self, **parameters: Any) -> Json:
        """The items of the caller's tenant, as `{"total": …, "items": […]}`."""
        return self.dao.list(self.work, parameters)

    @read
    def get(self, id: Any) -> Json:
        """One item."""
        return self.dao.show(self.work, id)

    @change
    def create(self, body: Any) -> Shown:
        """Make an item from the body, and show it."""
        item = self.add(self.load("create", body))
        return self.dao.shown(self.work, getattr(item, self.spec.id), self.answer("create"))

    @change
    def update(self, id: Any, body: Any) -> None:
        """Change the fields that the body has."""
        item = self.dao.get(self.work, id)
        self.alter(item, self.load("update", body))

    @change
    def delete(self, id: Any) -> None:
        """Delete the item."""
        self.remove(self.dao.get(self.work, id))

    def place(self, item: Any) -> None:
        """Give a new item its tenant, where who makes it has not."""
        if self.dao.owned and item.tenant_uuid is None:
            item.tenant_uuid = self.work.tenant()

    def prepare(self, item: Any, fields: dict[str, Any]) -> None:
        """Complete a new or changed item before its rules are checked."""

    def add(self, fields: dict[str, Any]) -> Any:
        """Make an item from loaded fields: rules, row, event."""
        item = self.dao.new(fields)
        self.place(item)
        self.prepare(item, fields)
        self.validator.check("create", self.work, item)
        self.dao.add(self.work, item)
        self.notifier.tell("created", self.work, item)
        return item

    def alter(self, item: Any, fields: dict[str, Any]) -> None:
        """Change an item: rules, row, event, and the reloads that only a real change causes."""
        self.work.flush()
        self.dao.change(item, fields)
        self.prepare(item, fields)
        self.validator.check("update", self.work, item)
        if changed(item):
            self.notifier.reload("changed", self.work)
        self.work.flush()
        self.notifier.tell("edited", self.work, item)

    def remove(self, item: Any) -> None:
        """Delete an item: rules, row, event."""
        self.validator.check("delete", self.work, item)
        self.notifier.tell("deleted", self.work, item)
        self.dao.delete(self.work, item)
