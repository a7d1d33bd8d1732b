"""The schedule of a user."""

from confd_schemas.users.user_schedules import user_schedules

from ..dialplan.schedules import SchedulesService
from .dao import user

__all__ = ["UserSchedules"]


class UserSchedules(SchedulesService):
    spec, owner = user_schedules, user
