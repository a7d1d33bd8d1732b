"""Query parameters that several resources share."""

from typing import Any

from . import fields
from .schema import Schema

__all__ = ["Recursive", "RecursiveIfTrue"]


class Recursive(Schema):
    """Whether an operation reaches what belongs to the item, too."""

    recursive = fields.Flag(load_default=False)


class _OnlyTrue(fields.Flag):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        return str(value).lower() == "true"


class RecursiveIfTrue(Schema):
    """The same where only the word `true`, in any letter case, means it; anything else is false."""

    recursive = _OnlyTrue(load_default=False)
