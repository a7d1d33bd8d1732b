"""The events of what a user can switch on and off: services and forwards."""

from ...plugin import EventType

__all__ = ["switched"]


def switched(kind: str, name: str, *more: str) -> EventType:
    """The event that tells how such a switch stands.

    Args:
        kind: `service` or `forward`.
        name: of the switch; its values are columns of the user, `{name}_enabled` and so on.
        more: what is told beside `enabled`.
    """
    return EventType(
        f"users_{kind}s_{name}_updated",
        f"config.users.{{0.uuid}}.{kind}s.{name}.updated",
        lambda user: {
            "user_id": user.id,
            "user_uuid": user.uuid,
            "tenant_uuid": user.tenant_uuid,
            **{key: getattr(user, f"{name}_{key}") for key in ("enabled", *more)},
        },
        lambda user: [user.uuid],
        {f"{kind}_name": name},
    )
