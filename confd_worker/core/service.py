"""The base of all services.

What a plugin declares, the generic services in `resource`, `association` and `singleton` do. Each public method is a
call over the bus. The steps behind it (`add`, `alter`, `remove`, `join`, `part`) take and give items, so that one
service does the work of another inside its own transaction, through `beside`.
"""

import inspect
from functools import cache
from typing import Any, ClassVar, TypeVar

from confd_schemas.schema import Schema, ValidationError, load
from confd_schemas.spec import Operation, Resource

from ..models.base import Revised
from . import errors
from .dao import of_item
from .notifier import Notifier
from .rpc import UnitOfWork
from .validation import Validator
from .work import Work

__all__ = ["Service", "loaded"]

Other = TypeVar("Other", bound="Service")

# Both are in use for the same; the spec says which it is for a resource.
_OTHER_NAME = {"update": "edit", "edit": "update"}


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
            for name in cls.offered:
                other = _OTHER_NAME.get(name)
                if other in operations and other not in vars(cls):
                    setattr(cls, other, getattr(cls, name))
                # A generic method that the spec does not have is not offered.
                if name not in operations and name not in vars(cls):
                    setattr(cls, name, None)

    @classmethod
    def operations(cls) -> dict[str, Operation]:
        """The operations of the spec by method name."""
        return cls.spec.of(cls.name)

    @classmethod
    def update_name(cls) -> str:
        """What the spec calls the method that changes an item."""
        return "edit" if "edit" in cls.operations() else "update"

    @classmethod
    def operation(cls, method: str) -> Operation:
        """The operation in the spec that a method serves."""
        operations = cls.operations()
        return operations[method if method in operations else _OTHER_NAME[method]]

    @classmethod
    def events(cls) -> set[str]:
        """Names of all events that the service sends, through whichever of its notifiers."""
        notifiers = inspect.getmembers(cls, lambda member: isinstance(member, Notifier))
        return {name for _, notifier in notifiers for name in notifier.names}

    def beside(self, other: type[Other]) -> Other:
        """Another service that works in the same transaction."""
        service = other()
        service.work = self.work
        return service

    def addressed(self, operation: Operation, arguments: dict[str, Any]) -> Any:
        """The item that the path of an operation names first, locked; None where it names none with a revision.

        Args:
            arguments: of the call, by the method's own names.

        Raises:
            NotFound: there is no such item in the tenants that the caller sees.
        """
        dao = of_item(operation.item)
        if dao is None or not issubclass(dao.model, Revised):
            return None
        variable = next(iter(operation.variables))
        return dao.get(self.work, arguments[self.argument_names.get(variable, variable)])

    def check_revision(self, method: str, arguments: dict[str, Any]) -> None:
        """The item that a call addresses has a revision that the caller expects; nothing where he told none.

        Raises:
            RevisionMismatch: it has another one.
            NoRevision: the call addresses no item that has one.
        """
        expected = self.work.context.if_revision
        if expected is None:
            return
        item = self.addressed(self.operation(method), arguments)
        if not isinstance(item, Revised):
            raise errors.NoRevision(f"{self.name}.{method}")
        if expected and item.revision not in expected:
            raise errors.RevisionMismatch(revision=item.revision)

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
