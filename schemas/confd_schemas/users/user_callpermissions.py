"""Call permissions of a user."""

from ..spec import association

__all__ = ["user_callpermissions"]

user_callpermissions = association("/users/{user_id:id}/callpermissions/{call_permission_id:int}")
