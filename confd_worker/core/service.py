"""The generic services: what a plugin declares, they do.

Each public method is a call over the bus. The steps behind it (`add`, `edit`, `remove`, `join`, `part`) take and give
items, so that one service does the work of another inside its own transaction, through `beside`.
"""

from functools import cache
from typing import Any, ClassVar, TypeVar

from confd_schemas.schema import Schema, ValidationError, load
from confd_schemas.spec import Operation, Resource

from . import errors
from .dao import DAO
from .notifier import Notifier
from .rpc import UnitOfWork, change, read
from .validation import Validator, changed
from .work import Json, Work

__all__ = ["AssociationService", "PartsService", "ResourceService", "Service", "SingletonService"]

Other = TypeVar("Other", bound="Service")


class Service:
    """The base of all services.

    Attributes:
        name: of the nameko service; that of the spec unless another is given.
        spec: what the gateway knows of it.
        argument_names: the method's own names of arguments by those that callers use.
    """

    name: ClassVar[str]
    spec: ClassVar[Resource]
    notifier: ClassVar[Notifier] = Notifier()
    validator: ClassVar[Validator] = Validator()
    argument_names: ClassVar[dict[str, str]] = {}
    offered: ClassVar[tuple[str, ...]] = ()

    work: Work = UnitOfWork()

    def __init_subclass__(cls) -> None:
        if "spec" in vars(cls) and "name" not in vars(cls):
            cls.name = cls.spec.name
        if "spec" in vars(cls):
            operations = cls.operations()
            # A generic method that the spec does not have is not offered.
            for name in cls.offered:
                if name not in operations and name not in vars(cls):
                    setattr(cls, name, None)

    @classmethod
    def operations(cls) -> dict[str, Operation]:
        """The operations of the spec by method name."""
        return cls.spec.of(cls.name)

    @classmethod
    def events(cls) -> set[str]:
        """Names of all events that the service sends."""
        return cls.notifier.names

    def beside(self, other: type[Other]) -> Other:
        """Another service that works in the same transaction."""
        service = other()
        service.work = self.work
        return service

    def load(self, operation: str, body: Any) -> dict[str, Any]:
        """The body of an operation, by the schema in the spec.

        Raises:
            BadFields: the schema refuses it.
        """
        spec = self.operations()[operation]
        assert spec.body is not None
        return loaded(spec.body, body, partial=spec.partial)

    def options(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        """The query parameters of an operation, by the schema in the spec.

        Raises:
            BadFields: the schema refuses one.
        """
        schema = self.operations()[operation].parameters
        assert schema is not None
        return loaded(schema, {name: value for name, value in given.items() if value is not None})

    def answer(self, operation: str) -> type[Schema] | None:
        """How an operation shows its item, where that is not the resource's own way."""
        shown = self.operations()[operation].answer
        return None if shown is self.spec.schema else shown


@cache
def _instance(schema: Any) -> Schema:
    return schema()


def loaded(schema: type[Schema], body: Any, *, partial: bool = False) -> dict[str, Any]:
    """The body as a schema understands it.

    Raises:
        BadFields: the schema refuses it.
    """
    try:
        return load(_instance(schema), body, partial=partial)  # type: ignore[arg-type]
    except ValidationError as error:
        raise errors.BadFields(error.messages) from None  # type: ignore[arg-type]


class ResourceService(Service):
    """Items of one model: list, get, create, update, delete.

    A new item of a tenant-owned model gets the caller's tenant, unless `place` gives it another.
    """

    dao: ClassVar[DAO]
    offered = ("list", "get", "create", "update", "delete")

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "spec" in vars(cls) and cls.spec.id != "id":
            cls.argument_names = {cls.spec.id: "id"}

    @read
    def list(self, **parameters: Any) -> Json:
        """The items of the caller's tenant, as `{"total": …, "items": […]}`."""
        return self.dao.list(self.work, parameters)

    @read
    def get(self, id: Any) -> Json:
        """One item."""
        return self.dao.show(self.work, id)

    @change
    def create(self, body: Any) -> Json:
        """Make an item from the body, and show it."""
        item = self.add(self.load("create", body))
        return self.dao.show(self.work, getattr(item, self.spec.id), self.answer("create"))

    @change
    def update(self, id: Any, body: Any) -> None:
        """Change the fields that the body has."""
        item = self.dao.get(self.work, id)
        self.edit(item, self.load("update", body))

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

    def edit(self, item: Any, fields: dict[str, Any]) -> None:
        """Change an item: rules, row, event, and the reloads that only a real change causes."""
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


class AssociationService(Service):
    """Two items that can be joined.

    Attributes:
        left, right: of the items, in the order of the path.
        relation: attribute of the left item that holds the right one, or a list of them.
    """

    left: ClassVar[DAO]
    right: ClassVar[DAO]
    relation: ClassVar[str]
    offered = ("associate", "dissociate")

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "spec" in vars(cls):
            variables = cls.operations()["associate"].variables
            cls.argument_names = dict(zip(variables, ("left", "right"), strict=True))

    @change
    def associate(self, left: Any, right: Any) -> None:
        """Join both; nothing happens when they already are."""
        pair = self.find(left, right)
        if not self.joined(*pair):
            self.join(*pair)

    @change
    def dissociate(self, left: Any, right: Any) -> None:
        """Part both; nothing happens when they are not joined."""
        pair = self.find(left, right)
        if self.joined(*pair):
            self.part(*pair)

    def find(self, left: Any, right: Any) -> tuple[Any, Any]:
        """Both items, locked; raises NotFound."""
        return self.left.get(self.work, left), self.right.get(self.work, right)

    def joined(self, left: Any, right: Any) -> bool:
        """Whether they are joined."""
        held = getattr(left, self.relation)
        return right in held if isinstance(held, list) else held is right

    def join(self, left: Any, right: Any) -> None:
        """Join two items: rules, rows, event."""
        self.validator.check("associate", self.work, left, right)
        self.attach(left, right)
        self.work.session.flush()
        self.notifier.tell("associated", self.work, left, right)

    def part(self, left: Any, right: Any) -> None:
        """Part two items: rules, rows, event."""
        self.validator.check("dissociate", self.work, left, right)
        self.detach(left, right)
        self.work.session.flush()
        self.notifier.tell("dissociated", self.work, left, right)

    def attach(self, left: Any, right: Any) -> None:
        """Join the rows."""
        held = getattr(left, self.relation)
        if isinstance(held, list):
            held.append(right)
        else:
            setattr(left, self.relation, right)

    def detach(self, left: Any, right: Any) -> None:
        """Part the rows."""
        held = getattr(left, self.relation)
        if isinstance(held, list):
            held.remove(right)
        else:
            setattr(left, self.relation, None)


class SingletonService(Service):
    """The one row of a table; its update is not partial."""

    dao: ClassVar[DAO]
    offered = ("get", "edit")

    @read
    def get(self) -> Json:
        """What is set."""
        return self.dao.show_only(self.work)

    @change
    def edit(self, body: Any) -> None:
        """Replace what is set."""
        item = self.dao.only(self.work)
        self.dao.change(item, self.load("edit", body))
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
        self._set(item, self.load("update", body), self.parts)

    @change
    def update_one(self, id: Any, name: str, body: Any) -> None:
        """Change one part."""
        self._known(name)
        item = self.parent.get(self.work, id)
        self._set(item, {name: self.load("update_one", body)}, (name,))

    def _set(self, item: Any, given: dict[str, dict[str, Any]], told: tuple[str, ...]) -> None:
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
