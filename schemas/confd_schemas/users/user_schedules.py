"""The schedule of a user."""

from ..spec import association

__all__ = ["user_schedules"]

user_schedules = association("/users/{user_id:id}/schedules/{schedule_id:int}")
