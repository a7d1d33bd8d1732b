"""Where the calls of a user are forwarded to, and when."""

from typing import Any

from confd_schemas.user_forwards import user_forwards

from ..core import errors
from ..core.notifier import Notifier
from ..core.singleton import PartsService
from ..core.validation import Validator
from ..core.work import Work
from ..models import FORWARDS
from .users.dao import dao
from .users.switches import switched

__all__ = ["UserForwards"]


def _destination_given(work: Work, user: Any) -> None:
    """A forward that is enabled has a destination."""
    for name in FORWARDS:
        if getattr(user, f"{name}_enabled") and getattr(user, f"{name}_destination") is None:
            raise errors.ForwardWithoutDestination()


class UserForwards(PartsService):
    spec = user_forwards
    parent = dao
    shown = "forwards"
    validator = Validator(update=[_destination_given])
    notifier = Notifier({name: switched("forward", name, "destination") for name in FORWARDS})
