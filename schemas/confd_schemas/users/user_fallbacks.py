"""Fallbacks of a user: where calls go that he could not take."""

from ..dialplan.destinations import Destination
from ..schema import Schema
from ..spec import singleton

__all__ = ["UserFallbacks", "user_fallbacks"]


class UserFallbacks(Schema):
    """All fallbacks of a user; what is left out is removed."""

    noanswer_destination = Destination(load_default=None)
    busy_destination = Destination(load_default=None)
    congestion_destination = Destination(load_default=None)
    fail_destination = Destination(load_default=None)


user_fallbacks = singleton("/users/{user_id:id}/fallbacks", UserFallbacks, label="User", id="user_id")
