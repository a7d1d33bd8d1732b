"""Incalls: where calls from outside go."""

from typing import Any

from confd_schemas.incalls import incalls

from ..core import errors
from ..core.association import AssociationService
from ..core.dao import DAO
from ..core.notifier import Notifier
from ..core.resource import ResourceService
from ..core.validation import SameTenant, Validator
from ..core.work import Work
from ..models import Extension, Incall
from . import extensions, schedules
from .destinations import Reachable

__all__ = ["Incalls", "dao"]

dao = DAO(Incall, incalls)


def _without_extension(work: Work, incall: Incall, extension: Extension) -> None:
    if incall.extensions:
        told = {"incall_id": str(incall.id), "extension_id": incall.extensions[0].id}
        raise errors.Associated("Incall", "Extension", metadata=told)


def _on_no_incall(work: Work, incall: Incall, extension: Any) -> None:
    if extension.incall is not None:
        told = {"incall_id": str(extension.incall.id), "extension_id": extension.id}
        raise errors.Associated("Incall", "Extension", metadata=told)


class IncallExtensions(AssociationService):
    left, right, relation = dao, extensions.dao, "extensions"
    validator = Validator(
        associate=[
            SameTenant("incall", "extension", swapped=True),
            _without_extension,
            _on_no_incall,
            extensions.NotUsedOtherwise("incall"),
            extensions.InContextFor("incall"),
        ],
    )
    notifier = Notifier.association(
        "incall_extension",
        "config.incalls.extensions",
        lambda incall, extension: {"incall_id": incall.id, "extension_id": extension.id},
        reload=["dialplan reload"],
    )


class Incalls(ResourceService):
    spec = incalls
    dao = dao
    associations = {
        "extension": IncallExtensions,
        "schedule": schedules.scheduling("Incall", "incall", dao, lambda incall: {"incall_id": incall.id}),
    }
    validator = Validator(change=[Reachable("destination")])
    notifier = Notifier.resource("incall", "config.incalls")
