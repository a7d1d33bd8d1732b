"""Lines of a user; his first line is the main one."""

from .. import fields
from ..schema import Schema
from ..spec import association, operation

__all__ = ["LineReference", "UserLines", "user_lines"]


class LineReference(Schema):
    """A line by its id."""

    id = fields.Integer(required=True)


class UserLines(Schema):
    """All lines of a user, the main one first."""

    lines = fields.Nested(LineReference, many=True, required=True)


user_lines = association(
    "/users/{user_id:id}/lines/{line_id:int}",
    also=(operation("PUT", "/users/{user_id:id}/lines", body=UserLines),),
)
