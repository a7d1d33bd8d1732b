"""The generic service of an association."""

from typing import Any, ClassVar

from ..entrypoints.rpc import change
from ..query.dao import DAO
from .example import Pair
from .service import Service

__all__ = ["AssociationService"]


class AssociationService(Service):
    """Two items that can be joined.

    Attributes:
        left, right: of the items, in the order of the path.
        relation: attribute of the left item that holds the right one, or a list of them.
        example: two items that can be joined, for the conformance suite.
    """

    left: ClassVar[DAO]
    right: ClassVar[DAO]
    relation: ClassVar[str]
    example: ClassVar[Pair] = Pair()

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
        self.work.session.settle(left, right)
        self.notifier.tell("associated", self.work, left, right)

    def part(self, left: Any, right: Any) -> None:
        """Part two items: rules, rows, event."""
        self.validator.check("dissociate", self.work, left, right)
        self.detach(left, right)
        self.work.flush()
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
