"""Mappings of shapes that a plugin may have though none of ours does, and changes that show what is odd of them."""

import enum
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    event,
    func,
    select,
)
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import DeclarativeBase, Mapped, column_property, composite, mapped_column, relationship

__all__ = ["CHANGES", "OddBase"]


class OddBase(DeclarativeBase):
    """The base of the odd mappings."""

    metadata = MetaData()


class Shelf(OddBase):
    __tablename__ = "odd_shelves"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    books: Mapped[list["Book"]] = relationship(order_by="Book.id")
    lamp: Mapped["Lamp | None"] = relationship()


class Book(OddBase):
    __tablename__ = "odd_books"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int | None] = mapped_column(ForeignKey("odd_shelves.id"))


class Lamp(OddBase):
    __tablename__ = "odd_lamps"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int | None] = mapped_column(ForeignKey("odd_shelves.id"))


class Node(OddBase):
    __tablename__ = "odd_nodes"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("odd_nodes.id"))
    parent: Mapped["Node | None"] = relationship(remote_side=[id])


class Stamped(OddBase):
    __tablename__ = "odd_stamped"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    changes: Mapped[int] = mapped_column(default=0, onupdate=7)
    heard: Mapped[str | None]
    version: Mapped[int] = mapped_column()
    lower: Mapped[str] = mapped_column(default=func.lower("ABC"))
    copied: Mapped[str] = mapped_column(default=lambda context: context.get_current_parameters()["name"] + "!")

    __mapper_args__ = {"version_id_col": version}


@event.listens_for(Stamped, "before_insert")
@event.listens_for(Stamped, "before_update")
def _hear(mapper: Any, connection: Any, target: Stamped) -> None:
    target.heard = f"{target.heard or ''}{target.name}"


class Counted(OddBase):
    __tablename__ = "odd_counted"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(default="x")


Counted.shelves = column_property(select(func.count()).select_from(Shelf).scalar_subquery())  # type: ignore[attr-defined]


class Animal(OddBase):
    __tablename__ = "odd_animals"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column()
    name: Mapped[str | None]

    __mapper_args__ = {"polymorphic_on": kind, "polymorphic_identity": "animal"}


class Dog(Animal):
    __tablename__ = "odd_dogs"

    id: Mapped[int] = mapped_column(ForeignKey("odd_animals.id"), primary_key=True)
    barks: Mapped[bool] = mapped_column(default=True)

    __mapper_args__ = {"polymorphic_identity": "dog"}


class Cat(Animal):
    lives: Mapped[int | None] = mapped_column(Integer)

    __mapper_args__ = {"polymorphic_identity": "cat"}


class Bare(OddBase):
    __tablename__ = "odd_bare"

    id: Mapped[int] = mapped_column(primary_key=True)


class Keyed(OddBase):
    __tablename__ = "odd_keyed"

    one: Mapped[str] = mapped_column(primary_key=True)
    two: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[str | None]


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Upper(TypeDecorator[str]):
    impl = Text
    cache_ok = True

    def bind_expression(self, bindparam: Any) -> Any:
        return func.upper(bindparam)


class Point:
    """A composite value."""

    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y

    def __composite_values__(self) -> tuple[int, int]:
        return self.x, self.y

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Point) and (self.x, self.y) == (other.x, other.y)

    def __hash__(self) -> int:
        return hash((self.x, self.y))


class Typed(OddBase):
    __tablename__ = "odd_typed"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    color: Mapped[Color]
    words: Mapped[list[str]] = mapped_column(ARRAY(Text))
    price: Mapped[Decimal]
    day: Mapped[date]
    span: Mapped[timedelta]
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    null: Mapped[Any] = mapped_column(JSON(none_as_null=False))
    document: Mapped[dict[str, Any]] = mapped_column(MutableDict.as_mutable(JSON()))
    shouted: Mapped[str | None] = mapped_column(Upper)
    x: Mapped[int]
    y: Mapped[int]
    point: Mapped[Point] = composite("x", "y")


class Order(OddBase):
    """A table and columns whose names are words of SQL."""

    __tablename__ = "order"
    __table_args__ = (CheckConstraint('"from" <> 0'),)

    id: Mapped[int] = mapped_column(primary_key=True)
    start: Mapped[int] = mapped_column("from")
    Mixed: Mapped[str] = mapped_column("MixedCase", default="y")


tagged = Table(
    "odd_tagged",
    OddBase.metadata,
    Column("tag_id", ForeignKey("odd_tags.id"), primary_key=True),
    Column("order_id", ForeignKey("order.id"), primary_key=True),
)


class Tag(OddBase):
    __tablename__ = "odd_tags"

    id: Mapped[int] = mapped_column(primary_key=True)
    orders: Mapped[list[Order]] = relationship(secondary=tagged)


def _leaves_a_list(session: Any) -> None:
    shelf = Shelf(books=[Book(), Book()])
    session.add(shelf)
    session.flush()
    shelf.books.pop()
    shelf.name = "a"


def _replaced(session: Any) -> None:
    shelf = Shelf(lamp=Lamp())
    session.add(shelf)
    session.flush()
    shelf.lamp = Lamp()


def _child_before_parent(session: Any) -> None:
    parent, child = Node(name="parent"), Node(name="child")
    session.add(child)
    child.parent = parent
    session.flush()
    child.parent = Node(name="other", parent=parent)


def _stamped(session: Any) -> None:
    item = Stamped(name="a")
    session.add(item)
    session.flush()
    item.name = "b"


def _counted(session: Any) -> None:
    session.add_all([Shelf(), Counted()])


def _inherited(session: Any) -> None:
    dog, cat = Dog(name="Rex"), Cat(name="Tom", lives=9)
    session.add_all([dog, cat, Animal(name="?")])
    session.flush()
    dog.barks, dog.name, cat.lives = False, "Fido", 8


def _defaults_only(session: Any) -> None:
    session.add_all([Bare(), Bare()])


def _keys(session: Any) -> None:
    item = Keyed(one="a", two=1)
    session.add(item)
    session.flush()
    item.two, item.value = 2, "x"


def _types(session: Any) -> None:
    item = Typed(
        id=uuid.UUID(int=1), color=Color.RED, words=["a", 'b"', "NULL"], price=Decimal("1.50"), day=date(2024, 2, 29),
        span=timedelta(days=1, seconds=2), raw=b"\x00\xff", null=None, document={"a": 1}, shouted="hey",
        point=Point(1, 2),
    )  # fmt: skip
    session.add(item)
    session.flush()
    item.color, item.words, item.point = Color.BLUE, [], Point(3, 4)
    item.document["b"] = [None]


def _words_of_sql(session: Any) -> None:
    order = Order(start=1)
    tag = Tag(orders=[order])
    session.add(tag)
    session.flush()
    order.start, order.Mixed = 2, "z"
    tag.orders = [Order(start=3), order]


CHANGES: dict[str, Callable[[Any], None]] = {
    "an item leaves a list that it does not know of": _leaves_a_list,
    "the one item of another is replaced": _replaced,
    "a reference to the same table, which is added later": _child_before_parent,
    "onupdate, events, versions, defaults that are SQL or look at the row": _stamped,
    "an attribute that is SQL": _counted,
    "inheritance": _inherited,
    "rows of defaults only": _defaults_only,
    "a key of two columns, of which one changes": _keys,
    "types of all kinds": _types,
    "names that are words of SQL": _words_of_sql,
}
