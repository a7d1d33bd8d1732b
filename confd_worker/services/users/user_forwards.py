"""Where the calls of a user are forwarded to, and when."""

from typing import Any

from confd_schemas.users.user_forwards import user_forwards

from ...models.users.user import FORWARDS
from ...plugin import Notifier, PartsService, Validator, Work, errors
from .dao import dao
from .switches import switched

__all__ = ["UserForwards"]


class ForwardWithoutDestination(errors.ResourceError):
    """A forward that is enabled has no destination."""

    type = "forward-destination-null"
    text = "Forward must be disabled to remove destination"


def _destination_given(work: Work, user: Any) -> None:
    """A forward that is enabled has a destination."""
    for name in FORWARDS:
        if getattr(user, f"{name}_enabled") and getattr(user, f"{name}_destination") is None:
            raise ForwardWithoutDestination()


class UserForwards(PartsService):
    spec = user_forwards
    parent = dao
    shown = "forwards"
    validator = Validator(update=[_destination_given])
    notifier = Notifier({name: switched("forward", name, "destination") for name in FORWARDS})
