"""Fallbacks of a user: where calls go that he could not take."""

from .destinations import Destination
from .schema import Schema
from .spec import Resource, operation

__all__ = ["UserFallbacks", "user_fallbacks"]

_PATH = "/users/{user_id:id}/fallbacks"


class UserFallbacks(Schema):
    """All fallbacks of a user; what is left out is removed."""

    noanswer_destination = Destination(load_default=None)
    busy_destination = Destination(load_default=None)
    congestion_destination = Destination(load_default=None)
    fail_destination = Destination(load_default=None)


user_fallbacks = Resource(
    "user_fallbacks",
    (
        operation("GET", _PATH, "user_fallbacks.get", answer=UserFallbacks),
        operation("PUT", _PATH, "user_fallbacks.update", body=UserFallbacks),
    ),
    label="User",
    id="user_id",
)
