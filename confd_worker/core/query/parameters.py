"""The parameters of a list, as callers give them: limit, offset, order, direction, search, recurse, filters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import confd_schemas.fields as fields
from confd_schemas.schema import Schema, ValidationError, load
from confd_schemas.spec import Listing
from sqlalchemy import types

from .. import errors

__all__ = ["NoMatch", "Page", "boolean_words", "filter_value", "page", "search_pattern"]

# A longer pattern takes an index seconds.
_TERM_MAX = 1000
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_TRUE = frozenset(("true", "t", "yes", "y", "on", "1"))
_FALSE = frozenset(("false", "f", "no", "n", "off", "0"))


class NoMatch(Exception):
    """A filter's value that nothing can equal."""


class _Query(Schema):
    limit = fields.Integer(validate=fields.range_(0))
    offset = fields.Integer(validate=fields.range_(0), load_default=0)
    recurse = fields.Boolean(load_default=False)


@dataclass(frozen=True)
class Page:
    """What part of a list is asked for, and in which order.

    Attributes:
        filters: the values to equal, by column.
        extra: further parameters of this resource, by name.
    """

    limit: int | None
    offset: int
    order: str | None
    descending: bool
    search: str | None
    recurse: bool
    filters: tuple[tuple[str, str], ...]
    extra: Mapping[str, Any]


def page(parameters: Mapping[str, Any], listing: Listing) -> Page:
    """The page that `parameters` ask for; unknown names are ignored.

    Raises:
        BadFields, WrongType, InvalidDirection, InvalidOrder: for a bad value, in this order.
    """
    given = {name: value for name, value in parameters.items() if value is not None}
    try:
        query = load(_Query(), {name: given[name] for name in ("limit", "offset", "recurse") if name in given})
    except ValidationError as error:
        raise errors.BadFields(error.messages) from None  # type: ignore[arg-type]
    if query.get("limit") == 0:
        raise errors.WrongType("limit", "positive number")
    direction = given.get("direction", "asc")
    if direction not in ("asc", "desc"):
        raise errors.InvalidDirection()
    if len(str(given.get("search") or "")) > _TERM_MAX:
        raise errors.BadFields({"search": [f"Longer than maximum length {_TERM_MAX}."]})
    order = given.get("order")
    if order is not None and order not in listing.order:
        raise errors.InvalidOrder(order)
    return Page(
        limit=query.get("limit"),
        offset=query["offset"],
        order=order,
        descending=direction == "desc",
        search=str(given["search"]) if given.get("search") else None,
        recurse=query["recurse"],
        filters=tuple((name, _text(given[name])) for name in listing.filter if name in given),
        extra={name: given[name] for name in listing.extra if name in given},
    )


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def search_pattern(term: str) -> str:
    """The LIKE pattern that finds `term` in text; % and _ keep their meaning, a backslash has none.

    Raises:
        NoMatch: the term holds what no stored text can.
    """
    if not storable(term):
        raise NoMatch
    return "%" + term.replace("\\", "\\\\") + "%"


def boolean_words(text: str) -> bool:
    """The truth value that PostgreSQL and clients spell in many ways.

    Raises:
        NoMatch: for another word.
    """
    word = text.lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise NoMatch


def filter_value(text: str, type_: types.TypeEngine[Any]) -> tuple[Any, str]:
    """A filter's value as the column's type, and the name of that type in PostgreSQL.

    Raises:
        NoMatch: the column can't hold such a value.
    """
    try:
        if isinstance(type_, types.Boolean):
            return boolean_words(text), "boolean"
        if isinstance(type_, types.Integer):
            if not _INTEGER.fullmatch(text):
                raise NoMatch
            return int(text), "bigint"
        if isinstance(type_, types.Uuid):
            return str(UUID(text)), "uuid"
        if isinstance(type_, types.DateTime):
            return datetime.fromisoformat(text).isoformat(), "timestamp"
    except ValueError:
        raise NoMatch from None
    if not storable(text):
        raise NoMatch
    return text, "text"


def storable(text: str) -> bool:
    """Whether PostgreSQL can hold the text at all."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
