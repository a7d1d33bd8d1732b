"""IVRs: menus by voice."""

from confd_schemas.ivr import ivr
from sqlalchemy import inspect

from ..core import errors
from ..core.dao import DAO
from ..core.notifier import Notifier
from ..core.resource import ResourceService
from ..core.validation import Validator
from ..core.work import Work
from ..models import IVR
from .destinations import Reachable

__all__ = ["IVRs", "dao"]

dao = DAO(IVR, ivr)

_reachable = Reachable("destination")


def _choices(work: Work, item: IVR) -> None:
    """New choices have extens of their own, and what they lead to exists."""
    seen: set[str] = set()
    for choice in item.choice_rows:
        if inspect(choice).persistent:
            continue
        if choice.exten in seen:
            raise errors.ExtenUsedTwice(choice.exten)
        seen.add(choice.exten)
        _reachable(work, choice)


class IVRs(ResourceService):
    spec = ivr
    dao = dao
    validator = Validator(
        change=[Reachable("abort_destination", "invalid_destination", "timeout_destination"), _choices]
    )
    notifier = Notifier.resource("ivr", "config.ivr", reload=["dialplan reload"])
