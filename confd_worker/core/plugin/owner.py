"""What fallbacks, schedules, call permissions, extensions and the like can belong to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..query.dao import DAO

__all__ = ["Owner"]


@dataclass(frozen=True)
class Owner:
    """A resource whose items own others, as errors and events tell of it.

    Attributes:
        dao: of the resource.
        name: of an item, in events and metadata: `group`.
        told: what events tell of an item: `{"group_id": 1}`.
        refused: what errors tell of an item, where that is not the same.
        key: attribute by which routing keys name an item.
        users: the uuids of the users whom events of an item and another one concern; without it, they concern the
            whole tenant.
    """

    dao: DAO
    name: str
    told: Callable[[Any], dict[str, Any]]
    refused: Callable[[Any], dict[str, Any]] | None = None
    key: str = "id"
    users: Callable[..., Sequence[Any]] | None = None

    @property
    def label(self) -> str:
        """What errors call an item."""
        return self.dao.spec.label

    @property
    def routing_key(self) -> str:
        """What routing keys of what belongs to an item begin with: `config.groups`."""
        return f"config.{self.dao.spec.name}"

    def identified(self, item: Any) -> dict[str, Any]:
        """What errors tell of an item."""
        return (self.refused or self.told)(item)
