"""Call permissions of a user."""

from .spec import association

__all__ = ["user_call_permission"]

user_call_permission = association(
    "user_call_permission", "/users/{user_id:id}/callpermissions/{call_permission_id:int}"
)
