"""The base of all services.

What a plugin declares, the generic services in `resource`, `association` and `singleton` do. Each public method is a
call over the bus. The steps behind it (`add`, `alter`, `remove`, `join`, `part`) take and give items, so that one
service does the work of another inside its own transaction, through `beside`.
"""

import inspect
from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar, TypeVar

from confd_schemas.schema import Schema, ValidationError, load
from confd_schemas.spec import Operation, Resource

from ...models.base import Revised
from .. import errors
from ..entrypoints.rpc import UnitOfWork
from ..query.dao import of_item
from ..work import Work
from .notifier import Notifier
from .validation import Validator

__all__ = ["Service", "loaded"]

Other = TypeVar("Other", bound="Service")


class Service:
    """The base of all services.

    Attributes:
        spec: the paths, names and schemas of its methods, of which it offers no others.
        name: of the nameko service, which is that of the spec.
    """

    name: ClassVar[str]
    spec: ClassVar[Resource]
    notifier: ClassVar[Notifier] = Notifier()
    validator: ClassVar[Validator] = Validator()

    work: Work = UnitOfWork()

    def __init_subclass__(cls) -> None:
        if "spec" in vars(cls):
            cls.name = cls.spec.name

    @classmethod
    def operation(cls, method: str) -> Operation:
        """The operation in the spec that a method serves."""
        found = cls.spec.methods[method]
        assert found is not None, f"{cls.name}.{method} is no operation of the REST API"
        return found

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

    def addressed(self, operation: Operation | None, arguments: Sequence[Any]) -> Any:
        """The item that the path of an operation names first, locked; None where it names none with a revision.

        Args:
            arguments: of the call, those of the path first.

        Raises:
            NotFound: there is no such item in the tenants that the caller sees.
        """
        dao = of_item(operation.item) if operation else None
        return dao.get(self.work, arguments[0]) if dao is not None and issubclass(dao.model, Revised) else None

    def check_revision(self, method: str, arguments: Sequence[Any]) -> None:
        """The item that a call addresses has a revision that the caller expects.

        Raises:
            RevisionMismatch: it has another one.
            NoRevision: the call addresses no item that has one.
        """
        item = self.addressed(self.spec.methods[method], arguments)
        if not isinstance(item, Revised):
            raise errors.NoRevision(f"{self.name}.{method}")
        expected = self.work.context.if_revision
        if expected and item.revision not in expected:
            raise errors.RevisionMismatch(revision=item.revision)

    def load(self, operation: str, body: Any) -> dict[str, Any]:
        """The body of an operation, by the schema in the spec.

        Raises:
            BadFields: the schema refuses it.
        """
        spec = self.operation(operation)
        assert spec.body is not None
        return loaded(spec.body, body, partial=spec.partial)

    def options(self, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        """The query parameters of an operation, by the schema in the spec.

        Raises:
            BadFields: the schema refuses one.
        """
        schema = self.operation(operation).parameters
        assert schema is not None
        return loaded(schema, {name: value for name, value in given.items() if value is not None})

    def answer(self, operation: str) -> type[Schema] | None:
        """How an operation shows its item, where that is not the resource's own way."""
        shown = self.operation(operation).answer
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
