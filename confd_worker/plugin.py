"""The face of the core: all that a plugin imports of it.

A plugin has a spec (`confd_schemas.spec`), a model (`confd_worker.models.base`), and a service, which is made of what
is here. It imports nothing from `confd_worker.core`.
"""

from .core import errors
from .core.auth import AuthServer, known_tenants
from .core.bus.dead_letters import Letter, republish
from .core.delivery import health
from .core.entrypoints.events import listen, on_event
from .core.entrypoints.rpc import change, procedure, read
from .core.files.folder import Folder
from .core.files.service import FilesService
from .core.greenlets import pause, within
from .core.plugin.association import AssociationService
from .core.plugin.bulk import all_or_none, in_chunks
from .core.plugin.example import Example, Of, Pair
from .core.plugin.members import PLACE, Given, Members, MembersService, Values
from .core.plugin.notifier import EventType, Notifier
from .core.plugin.owner import Owner
from .core.plugin.resource import ResourceService
from .core.plugin.service import Service, loaded
from .core.plugin.singleton import PartsService, SingletonService
from .core.plugin.validation import (
    AtMostOne,
    EachSameTenant,
    Free,
    Once,
    OnNoOther,
    Refers,
    Rule,
    SameTenant,
    Unique,
    Validator,
    before,
    changed,
)
from .core.query.dao import DAO, of_resource
from .core.query.parameters import storable
from .core.query.sql import ALL_TENANTS, SQL, sql
from .core.query.uniqueness import Unused, taken
from .core.work import Json, Work, decoded

__all__ = [
    "ALL_TENANTS",
    "DAO",
    "PLACE",
    "SQL",
    "AssociationService",
    "AtMostOne",
    "AuthServer",
    "EachSameTenant",
    "EventType",
    "Example",
    "FilesService",
    "Folder",
    "Free",
    "Given",
    "Json",
    "Letter",
    "Members",
    "MembersService",
    "Notifier",
    "Of",
    "OnNoOther",
    "Once",
    "Owner",
    "Pair",
    "PartsService",
    "Refers",
    "ResourceService",
    "Rule",
    "SameTenant",
    "Service",
    "SingletonService",
    "Unique",
    "Unused",
    "Validator",
    "Values",
    "Work",
    "all_or_none",
    "before",
    "change",
    "changed",
    "decoded",
    "errors",
    "health",
    "in_chunks",
    "known_tenants",
    "listen",
    "loaded",
    "of_resource",
    "on_event",
    "pause",
    "procedure",
    "read",
    "republish",
    "sql",
    "storable",
    "taken",
    "within",
]
