"""Fallbacks of a user: where calls go that he could not take."""

from typing import Any

from confd_schemas.users.user_fallbacks import user_fallbacks

from ...models.users.user import User
from ..dialplan.fallbacks import FallbacksService
from .dao import user

__all__ = ["UserFallbacks"]


class UserFallbacks(FallbacksService):
    spec, owner = user_fallbacks, user

    @staticmethod
    def told(item: User) -> dict[str, Any]:
        return {
            "id": item.id, "uuid": item.uuid, "subscription_type": None, "created_at": None,
            "tenant_uuid": item.tenant_uuid,
        }  # fmt: skip
