"""Access to users."""

from collections.abc import Callable
from typing import Any

from confd_schemas.schema import Schema
from confd_schemas.users.users import User as UserSchema
from confd_schemas.users.users import users
from sqlalchemy import Text, cast, func, literal_column, select, union

from ...models.dialplan.extension import Extension
from ...models.lines.line import Line, LineExtension, UserLine
from ...models.users.user import User
from ...plugin import DAO, Owner

__all__ = ["dao", "user"]

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


def _search(seen: Callable[[Any], Any], pattern: Any) -> Any:
    """The users of whom their own text, the exten or the provisioning code of the main line matches, by index each."""
    own = select(User.id).where(seen(User.tenant_uuid), User.searched.like(pattern))
    main = select(UserLine.user_id).where(UserLine.main_line)
    by_exten = (
        main.join(LineExtension, LineExtension.line_id == UserLine.line_id)
        .join(Extension, Extension.id == LineExtension.extension_id)
        .where(seen(Extension.tenant_uuid), Extension.enabled, func.confd_fold(Extension.exten).like(pattern))
    )
    by_code = main.join(Line, Line.id == UserLine.line_id).where(
        seen(Line.tenant_uuid), Line.provisioning_code.like(pattern)
    )
    # As an array, which PostgreSQL takes for short whatever it knows of the pattern, and so looks up id by id.
    return User.id == func.any(func.array(union(own, by_exten, by_code).scalar_subquery()))


dao = DAO(
    User,
    users,
    search=_search,
    sort=_sort,
    folded=["email"],
    many=["uuid", "exten", "mobile_phone_number"],
)

user = Owner(
    dao,
    "user",
    lambda user: {"user_uuid": user.uuid},
    refused=lambda user: {"user_id": user.id},
    key="uuid",
    users=lambda user, *others: [user.uuid],
)
