"""Access to users."""

from typing import Any

from confd_schemas.schema import Schema
from confd_schemas.users import User as UserSchema
from confd_schemas.users import users
from sqlalchemy import Text, cast, func, literal_column

from ...core.dao import DAO
from ...models import User

__all__ = ["dao"]

_FOLDED = ("firstname", "lastname", "fullname", "description")
# Columns of some views only. What a view's items do not show orders nothing.
_SHOWN_BY_VIEWS = frozenset(("exten", "extension", "context", "voicemail_number", "provisioning_code"))

_NFKD: Any = literal_column("NFKD")


def _sort(column: str, schema: type[Schema]) -> Any:
    """Order by the text of the value, by code point after taking accents apart; empty values count as null."""
    shown = column not in _SHOWN_BY_VIEWS if schema is UserSchema else column in schema().fields
    if not shown:
        return User.lastname
    value = func.normalize(cast(getattr(User, column), Text), _NFKD)
    if column in _FOLDED:
        value = func.lower(value)
    return func.nullif(value, "").collate("C")


dao = DAO(
    User,
    users,
    sort=_sort,
    folded=["email"],
    lists=["uuid", "exten", "mobile_phone_number"],
)
