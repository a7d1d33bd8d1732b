"""The generic services of what there is just one of."""

from collections.abc import Sequence
from typing import Any, ClassVar

from confd_schemas.spec import Operation

from .. import errors
from ..entrypoints.rpc import change, read
from ..query.dao import DAO
from ..work import Json
from .service import Service

__all__ = ["PartsService", "SingletonService"]


class SingletonService(Service):
    """The one row that the DAO sees, which `update` replaces."""

    dao: ClassVar[DAO]

    def addressed(self, operation: Operation | None, arguments: Sequence[Any]) -> Any:
        """The row."""
        return self.dao.only(self.work)

    @read
    def get(self) -> Json:
        """What is set."""
        return self.dao.show_only(self.work)

    @change
    def update(self, body: Any) -> None:
        """Replace what is set."""
        item = self.dao.only(self.work)
        self.dao.change(item, self.load("update", body))
        self.validator.check("update", self.work, item)
        self.work.flush()
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
        shown = cls.operation("get").answer
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
        self.work.flush()
        for part, values in given.items():
            for key, value in values.items():
                setattr(item, f"{part}_{key}", value)
        self.validator.check("update", self.work, item)
        self.work.flush()
        for part in told:
            self.notifier.tell(part, self.work, item)

    def _known(self, name: str) -> None:
        if name not in self.parts:
            raise errors.InvalidChoice("name", ", ".join(self.parts))
