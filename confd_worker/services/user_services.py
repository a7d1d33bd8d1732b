"""The services of a user: do not disturb, and the filter of incoming calls."""

from confd_schemas.user_services import user_services

from ..core.notifier import EventType, Notifier
from ..core.singleton import PartsService
from ..models import SERVICES
from .users.dao import dao

__all__ = ["UserServices"]


def _updated(name: str) -> EventType:
    return EventType(
        f"users_services_{name}_updated",
        f"config.users.{{0.uuid}}.services.{name}.updated",
        lambda user: {
            "user_id": user.id, "user_uuid": user.uuid, "tenant_uuid": user.tenant_uuid,
            "enabled": getattr(user, f"{name}_enabled"),
        },
        lambda user: [user.uuid],
        {"service_name": name},
    )  # fmt: skip


class UserServices(PartsService):
    spec = user_services
    parent = dao
    shown = "services"
    notifier = Notifier({name: _updated(name) for name in SERVICES})
