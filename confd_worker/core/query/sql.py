"""SQL that a plugin writes itself: limited to the caller's tenants, or declared not to be."""

import re
from typing import Any

from ..database.wire import Statement
from ..work import Work
from .loading import array

__all__ = ["ALL_TENANTS", "SQL", "sql"]

ALL_TENANTS = "all tenants"
"""In the place of a column: the statement sees the rows of every tenant, and must not show them to the caller."""

_PLACEHOLDER = re.compile(r"\$([0-9]+)")
_LIMIT = "{tenants}"


class SQL:
    """A statement of a plugin; `sql` makes it."""

    def __init__(self, text: str, tenants: str) -> None:
        self._limited: Statement | None = None
        if tenants == ALL_TENANTS:
            self._every = Statement(text)
            return
        last = max((int(number) for number in _PLACEHOLDER.findall(text)), default=0) + 1
        self._every = Statement(text.replace(_LIMIT, "true"))
        self._limited = Statement(text.replace(_LIMIT, f"{tenants} = ANY(${last}::uuid[])"))

    def read(self, work: Work, *values: Any) -> Any:
        """The value that the statement gives, the first of the first row; None without a row.

        Args:
            values: of the placeholders $1, $2 …
        """
        visible = work.context.visible
        if self._limited is None or visible is None:
            return work.read(self._every, values)
        return work.read(self._limited, (*values, array(visible)))


def sql(text: str, *, tenants: str) -> SQL:
    """A statement with the placeholders $1, $2 …, prepared once on each connection.

    Args:
        text: what is written `{tenants}` becomes the condition that the row is of a tenant that the caller sees.
        tenants: the column with the row's tenant, such as `line.tenant_uuid`; or `ALL_TENANTS`.

    Raises:
        ValueError: the text does not say where it is limited, or says so without a column.
    """
    if (_LIMIT in text) is (tenants == ALL_TENANTS):
        raise ValueError(f"SQL with {_LIMIT} names a column, and SQL without it ALL_TENANTS: {text}")
    return SQL(text, tenants)
