"""IVRs: menus by voice."""

from confd_schemas.dialplan.ivr import ivr
from sqlalchemy import inspect

from ...models.dialplan.ivr import IVR
from ...plugin import DAO, Example, Notifier, ResourceService, Validator, Work, errors
from .destinations import Reachable

__all__ = ["IVRs", "dao"]

dao = DAO(IVR, ivr)

_reachable = Reachable("destination")


class ExtenUsedTwice(errors.InputError):
    """Two choices of an IVR have the same exten."""

    type, text = "ivr-exten-used", "exten '{0}' used in more than one choice"


def _choices(work: Work, item: IVR) -> None:
    """New choices have extens of their own, and what they lead to exists."""
    new = [choice for choice in item.choice_rows if not inspect(choice).persistent]
    extens: set[str] = set()
    for place, choice in enumerate(new):
        if choice.exten in extens:
            # Clients see the errors choice by choice.
            _reachable.check(work, item.tenant_uuid, new[:place])
            raise ExtenUsedTwice(choice.exten)
        extens.add(choice.exten)
    _reachable.check(work, item.tenant_uuid, new)


class IVRs(ResourceService):
    spec = ivr
    dao = dao
    validator = Validator(
        change=[Reachable("abort_destination", "invalid_destination", "timeout_destination"), _choices]
    )
    notifier = Notifier.resource("ivr", "config.ivr", reload=["dialplan reload"])
    example = Example({"name": "ivr {n}", "menu_sound": "menu"}, {"description": "changed"})
