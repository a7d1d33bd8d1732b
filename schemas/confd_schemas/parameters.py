"""Query parameters that several resources share."""

from . import fields
from .schema import Schema

__all__ = ["Recursive"]


class Recursive(Schema):
    """Whether an operation reaches what belongs to the item, too."""

    recursive = fields.Flag(load_default=False)
