"""The declarative base, and the kinds of columns that many tables share."""

from typing import Annotated, Any
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, MetaData, String, cast, func, text
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["Base", "Options", "TenantOwned", "integer_id", "json_list", "option_value", "restricted", "uuid_id"]

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


def restricted(column: str) -> ForeignKey:
    """A reference that keeps its target from being deleted, but for a deletion that takes both, as of a tenant.

    Checked at the commit: by then a cascade has reached both, in whatever order.
    """
    return ForeignKey(column, deferrable=True, initially="DEFERRED")


class TenantOwned:
    """A table whose rows belong to one tenant each; every query of it is filtered by the caller's tenants."""

    tenant_uuid: Mapped[UUID] = mapped_column(ForeignKey("tenants.uuid", ondelete="CASCADE"), index=True)


def option_value(options: Any, name: str) -> Any:
    """The value of the first of the [option, value] pairs whose option is `name`, or null."""
    return func.jsonb_path_query_first(options, cast(f'strict $[*] ? (@[0] == "{name}")', JSONPATH)).op("->>")(1)
