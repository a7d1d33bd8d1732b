"""The declarative base, and the kinds of columns that many tables share."""

from typing import Annotated, Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    MetaData,
    ScalarSelect,
    String,
    Table,
    cast,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = [
    "Base",
    "Lookup",
    "Options",
    "Revised",
    "TenantOwned",
    "associated",
    "counting",
    "extend_model",
    "integer_id",
    "json_list",
    "looked_up",
    "option_value",
    "part_of",
    "restricted",
    "trigrams",
    "uuid_id",
]

_NAMES = {
    "pk": "%(table_name)s_pkey",
    "fk": "%(table_name)s_%(column_0_name)s_fkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "ck": "%(table_name)s_%(constraint_name)s_check",
}

integer_id = Annotated[int, mapped_column(primary_key=True)]
uuid_id = Annotated[UUID, mapped_column(primary_key=True, default=uuid4)]
json_list = Annotated[list[Any], mapped_column(JSONB, default=list, server_default=text("'[]'"))]
Options = json_list


class Base(DeclarativeBase):
    """The base of all tables."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map = {str: String}

    def __init__(self, **values: Any) -> None:
        # SQLAlchemy's own asks the class for each attribute, and so makes the SQL of a hybrid each time.
        known = inspect(type(self)).all_orm_descriptors
        for name, value in values.items():
            if name not in known:
                raise TypeError(f"{type(self).__name__} has no attribute {name!r}")
            setattr(self, name, value)


def restricted(column: str) -> ForeignKey:
    """A reference that keeps its target from being deleted, but for a deletion that takes both, as of a tenant.

    Checked at the commit: by then a cascade has reached both, in whatever order.
    """
    return ForeignKey(column, deferrable=True, initially="DEFERRED")


def part_of(column: Any) -> ForeignKey:
    """A reference to the item that the row is a part of.

    The row goes with the item, and what happens to the row is a change of the item, whose revision it raises.
    """
    return ForeignKey(column, ondelete="CASCADE", info={"revision": "confd_part_of"})


def associated(column: Any, ondelete: str = "CASCADE") -> ForeignKey:
    """A reference by which the row is associated with an item.

    That it comes and goes is a change of the item, whose revision it raises; what else happens to the row is not.
    """
    return ForeignKey(column, ondelete=ondelete, info={"revision": "confd_associated"})


class Revised:
    """A table of items; `revision` begins with 1 and is raised by each transaction that changes the item.

    The database counts, whoever makes the change.
    """

    revision: Mapped[int] = mapped_column(default=1, server_default="1")


def counting(table: Table) -> list[str]:
    """The statements of a table's migration by which the database counts its rows and their revisions."""
    tallied = (each.local_table for each in Base.registry.mappers if getattr(each.class_, "tallied", False))
    statements = [f"SELECT confd_tallied('{table.name}')"] if table in tallied else []
    if "revision" in table.columns:
        statements.append(f"SELECT confd_revised('{table.name}')")
    keys = (key for key in table.foreign_keys if "revision" in key.info)
    return statements + [f"SELECT {key.info['revision']}('{table.name}', '{key.parent.name}')" for key in keys]


class TenantOwned(Revised):
    """A table of items that belong to one tenant each; every query of it is filtered by the caller's tenants.

    Attributes:
        tallied: whether the table grows with the tenant's users, and so tells how many rows there are from `tallies`
            instead of counting them.
    """

    tallied: ClassVar[bool] = False

    tenant_uuid: Mapped[UUID] = mapped_column(ForeignKey("tenants.uuid", ondelete="CASCADE"), index=True)


def extend_model(model: Any, **attributes: Any) -> None:
    """Give a model of another module further columns, relationships or hybrids, once this module is imported."""
    for name, attribute in attributes.items():
        setattr(model, name, attribute)


class Lookup(ScalarSelect[Any]):
    """A subquery that gives a value of the one row that a key leads to; a projection joins that row instead."""

    inherit_cache = True

    @property
    def unique(self) -> Any:
        """The column that finds the row."""
        return self.element.whereclause.left  # type: ignore[attr-defined]

    @property
    def wanted(self) -> Any:
        """The column of the other table that it equals."""
        return self.element.whereclause.right  # type: ignore[attr-defined]

    @property
    def value(self) -> ColumnElement[Any]:
        """What the row has."""
        return next(iter(self.element.selected_columns))


def looked_up(value: Any, key: Any, wanted: Any) -> Lookup:
    """A value of the row whose `key`, which is unique, equals the column `wanted` of another table; null without."""
    return Lookup(select(value).where(key == wanted).scalar_subquery().element)


def option_value(options: Any, name: str) -> Any:
    """The value of the first of the [option, value] pairs whose option is `name`, or null."""
    return func.jsonb_path_query_first(options, cast(f'strict $[*] ? (@[0] == "{name}")', JSONPATH)).op("->>")(1)


def trigrams(name: str, value: str) -> Index:
    """An index for `LIKE '%…%'` in a text of one tenant's rows (manual of PostgreSQL, module pg_trgm).

    Args:
        name: of the index.
        value: the column or SQL expression that is searched.
    """
    # A long list of pending entries would be read whole by each search.
    short = {"gin_pending_list_limit": 64}
    return Index(name, "tenant_uuid", text(f"{value} gin_trgm_ops"), postgresql_using="gin", postgresql_with=short)
