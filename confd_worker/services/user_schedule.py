"""The schedule of a user."""

from confd_schemas.user_schedule import user_schedule

from .schedules import scheduling
from .users.dao import dao

__all__ = ["UserSchedules"]

_Scheduling = scheduling(
    "User",
    "user",
    dao,
    lambda user: {"user_uuid": user.uuid},
    users=lambda user, schedule: [user.uuid],
    refused=lambda user: {"user_id": user.id},
)


class UserSchedules(_Scheduling):  # type: ignore[misc, valid-type]
    spec = user_schedule
