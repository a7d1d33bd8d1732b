"""A list of other items in a body, that replaces what was there."""

from typing import Any

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
        keys = [given[self.key] for given in body[self.field]]
        found = self.dao.all(work, keys)
        for key in keys:
            if key not in found:
                raise errors.ParameterNotFound(self.field, self.dao.spec.label, metadata={self.key: key})
        if len(found) < len(keys):
            raise errors.NotPermitted(self.once)
        return [found[key] for key in keys]
