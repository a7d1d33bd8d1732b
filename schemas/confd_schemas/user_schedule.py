"""The schedule of a user."""

from .spec import association

__all__ = ["user_schedule"]

user_schedule = association("user_schedule", "/users/{user_id:id}/schedules/{schedule_id:int}")
