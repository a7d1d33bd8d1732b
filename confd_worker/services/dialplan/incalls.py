"""Incalls: where calls from outside go."""

from confd_schemas.dialplan.incalls import incall_extensions, incall_schedules, incalls

from ...models.dialplan.incall import Incall
from ...plugin import DAO, Example, Notifier, Of, Owner, Pair, ResourceService, Validator
from .destinations import Reachable
from .extensions import ExtensionsService
from .schedules import SchedulesService

__all__ = ["IncallExtensions", "IncallSchedules", "Incalls", "dao"]

dao = DAO(Incall, incalls)


incall = Owner(dao, "incall", lambda incall: {"incall_id": incall.id})


class Incalls(ResourceService):
    spec = incalls
    dao = dao
    validator = Validator(change=[Reachable("destination")])
    notifier = Notifier.resource("incall", "config.incalls")
    example = Example(
        {"destination": {"type": "hangup", "cause": "normal"}, "description": "incall {n}"}, {"description": "changed"}
    )


class IncallExtensions(ExtensionsService):
    spec = incall_extensions
    owner = Owner(dao, "incall", incall.told, refused=lambda incall: {"incall_id": str(incall.id)})
    in_range = False
    example = Pair(right={"exten": "5145551{n:03}", "context": Of("contexts", "name", {"type": "incall"})})


class IncallSchedules(SchedulesService):
    spec, owner = incall_schedules, incall
