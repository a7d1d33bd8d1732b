"""Forwards of a user: where calls go when he is busy, does not answer, or always."""

from .. import fields
from ..schema import Schema
from ..spec import operation, singleton

__all__ = ["UserForward", "UserForwards", "user_forwards"]

_ONE = "/users/{user_id:id}/forwards/{name:busy|noanswer|unconditional}"


class UserForward(Schema):
    """A forward; what is left out is not changed."""

    enabled = fields.StrictBoolean()
    destination = fields.OptionalString(validate=fields.length(None, 128))


class UserForwards(Schema):
    """All forwards; those left out are not changed."""

    busy = fields.Nested(UserForward)
    noanswer = fields.Nested(UserForward)
    unconditional = fields.Nested(UserForward)


user_forwards = singleton(
    "/users/{user_id:id}/forwards",
    UserForwards,
    label="User",
    id="user_id",
    update={"partial": True},
    also=(
        operation("GET", _ONE, "get_one", answer=UserForward),
        operation("PUT", _ONE, "update_one", body=UserForward, partial=True),
    ),
)
