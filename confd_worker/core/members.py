"""A list of other items in a body, that replaces what was there."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from . import errors
from .dao import DAO
from .work import Work

__all__ = ["Members"]


class Members:
    """Members by their ids, as `[{"id": 1}, …]`.

    Args:
        dao: of the members.
        field: name of the list in the body.
        once: what the error says when an item is given twice.
        key: name of the id in each object.
    """

    def __init__(self, dao: DAO, field: str, once: str, key: str = "id") -> None:
        self.dao, self.field, self.once, self.key = dao, field, once, key

    def find(self, work: Work, body: dict[str, Any]) -> list[Any]:
        """The items that the body names, in its order, locked.

        Raises:
            ParameterNotFound: one does not exist in the tenants that the caller sees.
            NotPermitted: one is given twice.
        """
        found = self.known(work, body)
        self.check_once(found)
        return found

    def known(self, work: Work, body: dict[str, Any]) -> list[Any]:
        """The same with repeats, for those who check other rules first.

        Raises:
            ParameterNotFound: one does not exist in the tenants that the caller sees.
        """
        keys = [given[self.key] for given in body[self.field]]
        found = self.dao.all(work, keys)
        for key in keys:
            if key not in found:
                told = {self.key: str(key) if isinstance(key, UUID) else key}
                raise errors.ParameterNotFound(self.field, self.dao.spec.label, metadata=told)
        return [found[key] for key in keys]

    def check_once(self, items: Sequence[Any]) -> None:
        """No item is there twice.

        Raises:
            NotPermitted: one is.
        """
        if len(set(items)) < len(items):
            raise errors.NotPermitted(self.once)
