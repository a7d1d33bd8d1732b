"""The generic service of a resource."""

import inspect
from typing import Any, ClassVar

from .association import AssociationService
from .dao import DAO
from .rpc import change, read
from .service import Service
from .validation import changed
from .work import Json, Shown

__all__ = ["ResourceService"]

_PAIR = inspect.Signature(
    [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("self", "left", "right")]
)


class ResourceService(Service):
    """Items of one model: list, get, create, update, delete.

    A new item of a tenant-owned model gets the caller's tenant, unless `place` gives it another.

    Attributes:
        associations: what the items can be joined with, by the word that `associate_{word}` has for it, where the spec
            puts these operations into the resource itself.
    """

    dao: ClassVar[DAO]
    associations: ClassVar[dict[str, type[AssociationService]]] = {}
    offered = ("list", "get", "create", "update", "delete")

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "spec" in vars(cls) and cls.spec.id != "id":
            cls.argument_names = {cls.spec.id: "id"}
        for word, association in vars(cls).get("associations", {}).items():
            cls._mount(word, association)

    @classmethod
    def _mount(cls, word: str, association: type[AssociationService]) -> None:
        """Offer an association's two methods as methods of this service."""
        association.name = cls.name
        for verb in association.offered:

            def method(self: Service, left: Any, right: Any, verb: str = verb) -> Any:
                return getattr(self.beside(association), verb)(left, right)

            name = f"{verb}_{word}"
            method.__name__, method.__doc__ = name, getattr(association, verb).__doc__
            method.__signature__ = _PAIR  # type: ignore[attr-defined]
            setattr(cls, name, change(method))
        variables = cls.operations()[f"associate_{word}"].variables
        cls.argument_names = cls.argument_names | dict(zip(variables, ("left", "right"), strict=True))

    @classmethod
    def events(cls) -> set[str]:
        mounted = (each.events() for each in cls.associations.values())
        return super().events().union(*mounted)

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
        self.alter(item, self.load(self.update_name(), body))

    @change
    def delete(self, id: Any) -> None:
        """Delete the item."""
        self.remove(self.dao.get(self.work, id))

    def place(self, item: Any) -> None:
        """Give a new item its tenant."""
        if self.dao.owned:
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
        self.work.session.flush()
        self.dao.change(item, fields)
        self.prepare(item, fields)
        self.validator.check("update", self.work, item)
        if changed(item):
            self.notifier.reload("changed", self.work)
        self.work.session.flush()
        self.notifier.tell("edited", self.work, item)

    def remove(self, item: Any) -> None:
        """Delete an item: rules, row, event."""
        self.validator.check("delete", self.work, item)
        self.notifier.tell("deleted", self.work, item)
        self.dao.delete(self.work, item)
