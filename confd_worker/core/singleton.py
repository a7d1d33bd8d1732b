"""The generic services of what there is just one of."""

from typing import Any, ClassVar

from confd_schemas.spec import Operation

from . import errors
from .dao import DAO
from .rpc import change, read
from .service import Service
from .work import Json

__all__ = ["PartsService", "SingletonService"]


class SingletonService(Service):
    """The one row that the DAO sees; it is replaced by `edit`, or by `update` where the spec calls it so."""

    dao: ClassVar[DAO]
    offered = ("get", "edit")

    def addressed(self, operation: Operation, arguments: dict[str, Any]) -> Any:
        """The row."""
        return self.dao.only(self.work)

    @read
    def get(self) -> Json:
        """What is set."""
        return self.dao.show_only(self.work)

    @change
    def edit(self, body: Any) -> None:
        """Replace what is set."""
        item = self.dao.only(self.work)
        self.dao.change(item, self.load(self.update_name(), body))
        self.validator.check("update", self.work, item)
        self.work.session.flush()
        self.notifier.tell("edited", self.work, item)


class PartsService(Service):
    """Named parts of a parent item, each an object whose values are columns of the parent, `{part}_{key}`.

    Attributes:
        parent: of the parent.
        shown: attribute of the parent that shows all parts as one JSON object.
    """

    parent: ClassVar[DAO]
    shown: ClassVar[str]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.argument_names = {cls.operations()["get"].variables.popitem()[0]: "id"}
        shown = cls.operations()["get"].answer
        assert shown is not None
        cls.parts = tuple(shown().fields)

    parts: ClassVar[tuple[str, ...]]

    @read
    def get(self, id: Any) -> Json:
        """All parts."""
        return Json(self.parent.value(self.work, id, self.shown))

    @read
    def get_one(self, id: Any, name: str) -> Json:
        """One part."""
        self._known(name)
        return Json(self.parent.value(self.work, id, self.shown, name))

    @change
    def update(self, id: Any, body: Any) -> None:
        """Change the parts that the body has; the events of all are sent."""
        item = self.parent.get(self.work, id)
        self.put(item, self.load("update", body), self.parts)

    @change
    def update_one(self, id: Any, name: str, body: Any) -> None:
        """Change one part."""
        self._known(name)
        item = self.parent.get(self.work, id)
        self.put(item, {name: self.load("update_one", body)}, (name,))

    def put(self, item: Any, given: dict[str, dict[str, Any]], told: tuple[str, ...]) -> None:
        """Change parts of the item: rules, row, and the events of the parts that are told of."""
        self.work.session.flush()
        for part, values in given.items():
            for key, value in values.items():
                setattr(item, f"{part}_{key}", value)
        self.validator.check("update", self.work, item)
        self.work.session.flush()
        for part in told:
            self.notifier.tell(part, self.work, item)

    def _known(self, name: str) -> None:
        if name not in self.parts:
            raise errors.InvalidChoice("name", ", ".join(self.parts))
