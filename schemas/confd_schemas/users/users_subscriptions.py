"""How many users there are of each subscription type."""

from .. import fields
from ..schema import Schema
from ..spec import Resource, operation

__all__ = ["UserSubscription", "users_subscriptions"]


class UserSubscription(Schema):
    """A subscription type and the number of its users in the tenant."""

    id = fields.Integer(dump_only=True)
    count = fields.Integer(dump_only=True)


users_subscriptions = Resource(
    (operation("GET", "/users/subscriptions", answer=UserSubscription, many=True),), schema=UserSubscription
)
