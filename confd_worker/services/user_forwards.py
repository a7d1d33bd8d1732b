"""Where the calls of a user are forwarded to, and when."""

from typing import Any

from confd_schemas.user_forwards import user_forwards

from ..core import errors
from ..core.notifier import EventType, Notifier
from ..core.singleton import PartsService
from ..core.validation import Validator
from ..core.work import Work
from ..models import FORWARDS
from .users.dao import dao

__all__ = ["UserForwards"]


def _destination_given(work: Work, user: Any) -> None:
    """A forward that is enabled has a destination."""
    for name in FORWARDS:
        if getattr(user, f"{name}_enabled") and getattr(user, f"{name}_destination") is None:
            raise errors.ForwardWithoutDestination()


def _updated(name: str) -> EventType:
    return EventType(
        f"users_forwards_{name}_updated",
        f"config.users.{{0.uuid}}.forwards.{name}.updated",
        lambda user: {
            "user_id": user.id, "user_uuid": user.uuid, "tenant_uuid": user.tenant_uuid,
            "enabled": getattr(user, f"{name}_enabled"), "destination": getattr(user, f"{name}_destination"),
        },
        lambda user: [user.uuid],
        {"forward_name": name},
    )  # fmt: skip


class UserForwards(PartsService):
    spec = user_forwards
    parent = dao
    shown = "forwards"
    validator = Validator(update=[_destination_given])
    notifier = Notifier({name: _updated(name) for name in FORWARDS})
