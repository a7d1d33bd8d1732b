"""Fallbacks of a user: where calls go that he could not take."""

from confd_schemas.user_fallbacks import user_fallbacks

from ..core.notifier import EventType, Notifier
from .fallbacks import FallbacksService
from .users.dao import dao

__all__ = ["UserFallbacks"]


class UserFallbacks(FallbacksService):
    spec = user_fallbacks
    parent = dao
    notifier = Notifier(
        {
            "edited": EventType(
                "user_fallback_edited",
                "config.users.fallbacks.edited",
                lambda user: {
                    "id": user.id, "uuid": user.uuid, "subscription_type": None, "created_at": None,
                    "tenant_uuid": user.tenant_uuid,
                },
                lambda user: [user.uuid],
            )
        }
    )  # fmt: skip
