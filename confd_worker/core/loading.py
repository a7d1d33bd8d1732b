"""Items loaded by prepared statements, each of which is made once."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Select, inspect, select, types
from sqlalchemy.orm import RelationshipDirection, RelationshipProperty, aliased
from sqlalchemy.orm.attributes import set_committed_value

from .projection import compiled, parameter
from .rows import Rows, rows_of

__all__ = ["Load", "bound", "typed"]


class Load:
    """A query for items of one class, with some of their relationships.

    Args:
        model: the mapped class.
        relations: relationships to load along. Those to one item come by a join, and those that the model itself loads
            so are always among them; a list comes by a statement of its own.
        limit: adds conditions, an order and a lock to the query; its parameters are those of `all`.
    """

    def __init__(self, model: Any, relations: Sequence[Any], limit: Callable[[Select[Any]], Select[Any]]) -> None:
        asked = {each.key for each in relations}
        wanted = [each for each in inspect(model).relationships if each.key in asked or each.lazy == "joined"]
        self._rows = rows_of(inspect(model))
        query = select(*self._rows.selected(model))
        self._joined: list[tuple[str, Rows]] = []
        self._lists: list[_List] = []
        for relation in wanted:
            if relation.direction is RelationshipDirection.MANYTOONE:
                rows, other = rows_of(relation.mapper), aliased(relation.mapper.class_)
                query = query.outerjoin(getattr(model, relation.key).of_type(other)).add_columns(*rows.selected(other))
                self._joined.append((relation.key, rows))
            else:
                self._lists.append(_List(model, relation))
        self._sql = compiled(limit(query)).sql

    def all(self, session: Any, values: Sequence[Any]) -> list[Any]:
        """The items that the query gives for the values of its parameters."""
        items = [self._item(session, row) for row in session.run(self._sql, values)]
        for each in self._lists:
            for item in items:
                each.load(session, item)
        return items

    def _item(self, session: Any, row: Sequence[Any]) -> Any:
        at = len(self._rows.columns)
        item = self._rows.item(session, row[:at])
        for name, rows in self._joined:
            other = rows.item(session, row[at : at + len(rows.columns)])
            at += len(rows.columns)
            if name not in vars(item):
                set_committed_value(item, name, other)
        return item


class _List:
    """A query for the items of one item's relationship."""

    def __init__(self, model: Any, relation: RelationshipProperty[Any]) -> None:
        self._name = relation.key
        self._rows, self._owner = rows_of(relation.mapper), rows_of(inspect(model))
        owner, key = aliased(model), self._owner.keys[0]
        query = select(*self._rows.selected(relation.mapper.class_)).select_from(owner)
        query = query.join(getattr(owner, relation.key)).order_by(*(relation.order_by or ()))
        self._sql = compiled(query.where(getattr(owner, key) == typed(1, getattr(model, key)))).sql

    def load(self, session: Any, item: Any) -> None:
        """Load the list, where the item does not have it."""
        if self._name not in vars(item):
            key = self._owner.keys[0]
            found = session.run(self._sql, [bound(getattr(item, key))])
            set_committed_value(item, self._name, [self._rows.item(session, row) for row in found])


def typed(number: int, column: Any, many: bool = False) -> Any:
    """The parameter $number of a statement for a value of the column, or for an array of them."""
    name = "text"
    for type_, known in ((types.Uuid, "uuid"), (types.Boolean, "boolean"), (types.Integer, "integer")):
        if isinstance(column.type, type_):
            name = known
    return parameter(number, f"{name}[]" if many else name)


def bound(value: Any) -> Any:
    """A value as the driver takes it for a parameter of `typed`."""
    return value if value is None or isinstance(value, bool | int) else str(value)
