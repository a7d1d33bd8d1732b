"""Extensions: the numbers of a context."""

import re
from typing import Any, ClassVar

from confd_schemas.dialplan.extensions import extensions

from ...models.dialplan.context import Context
from ...models.dialplan.extension import Extension
from ...plugin import (
    DAO,
    AssociationService,
    AtMostOne,
    Example,
    Notifier,
    Of,
    OnNoOther,
    Owner,
    Rule,
    SameTenant,
    Unique,
    Validator,
    Work,
    changed,
    errors,
)
from ..lines.dao import dao as lines_dao
from .context_ranges import holds
from .contexts import InContextService, context_known, context_named, tenant_stays

__all__ = [
    "USES",
    "Extensions",
    "ExtensionsService",
    "InContextFor",
    "InRangeFor",
    "NotUsedOtherwise",
    "context_of",
    "dao",
    "identity",
    "used",
]

dao = DAO(Extension, extensions)

USES = {
    "conference": "conference",
    "parking_lot": "parking",
    "group": "group",
    "incall": "incall",
    "outcall": "outcall",
    "queue": "queue",
    "lines": "line",
}
"""What an extension may be associated with: relationships of the model, where their plugins are there, and how errors
call them; an `ExtensionsService` adds its own."""

_CONTEXT_TYPES = {"incall": "incall", "outcall": "outcall"}
_RANGES = {
    "conference": "conference_room_ranges",
    "group": "group_ranges",
    "incall": "incall_ranges",
    "lines": "user_ranges",
    "queue": "queue_ranges",
}
_EXTEN = re.compile(r"_[*#0-9_XxZzNn\[\].!-]{1,39}|[*#0-9]{1,40}")
_OUTCALL_EXTEN = re.compile(r"_?\+?[*#0-9_XxZzNn\[\].!-]*")


class OutsideContextRange(errors.InputError):
    """An exten is in no range of its context."""

    type = "outside-context-range"
    text = "Extension '{0}' is outside of range for context '{1}'"


class UnhandledContextType(errors.ResourceError):
    """The type of the context does not go with the association."""

    type = "unhandled-context-type"
    text = "ContextType '{0}' cannot be associated"


def context_of(work: Work, extension: Extension) -> Context:
    """The context that the extension is in, which exists."""
    return context_named(work, extension.context)


def identity(item: Any) -> str:
    """Id of an associated item, as errors tell it."""
    return str(item.uuid if hasattr(item, "uuid") and not hasattr(item, "id") else item.id)


def used(extension: Extension) -> bool:
    """Whether the extension is associated with anything."""
    return any(getattr(extension, relation, None) for relation in USES)


class NotUsedOtherwise:
    """The extension of an association is used for no other purpose.

    Args:
        relation: attribute of the extension that the association fills.
        key: what the error's metadata call the extension's id.
    """

    def __init__(self, relation: str, key: str = "extension_id") -> None:
        self.relation, self.key = relation, key

    def __call__(self, work: Work, other: Any, extension: Extension) -> None:
        """Raises Associated."""
        for relation, kind in USES.items():
            found = getattr(extension, relation, None)
            if not found or relation == self.relation:
                continue
            if relation == "lines":
                users = [user for line in found for user in line.users]
                kind, found = ("user", users[0]) if users else (kind, found[0])
            told = {self.key: extension.id, "associated_id": identity(found)}
            raise errors.Associated("Extension", kind, metadata=told)


class InContextFor:
    """The context of an association's extension has the type that goes with it."""

    def __init__(self, relation: str) -> None:
        self.relation = relation

    def __call__(self, work: Work, other: Any, extension: Extension) -> None:
        """Raises UnhandledContextType."""
        type_ = context_of(work, extension).type
        if type_ != _CONTEXT_TYPES.get(self.relation, "internal"):
            told = {"id": extension.id, "context": extension.context}
            raise UnhandledContextType(type_, metadata=told)


class InRangeFor:
    """The exten of an association's extension is in a range for it of the context, unless it is a pattern."""

    def __init__(self, relation: str) -> None:
        self.ranges = _RANGES[relation]

    def __call__(self, work: Work, other: Any, extension: Extension) -> None:
        """Raises OutsideContextRange."""
        _in_range(work, extension, self.ranges)


def _in_range(work: Work, extension: Extension, ranges: str) -> None:
    if extension.exten.startswith("_"):
        return
    if not holds(getattr(context_of(work, extension), ranges), extension.exten):
        raise OutsideContextRange(extension.exten, extension.context)


def _type_fits(work: Work, extension: Extension) -> None:
    """The context's type goes with what the extension is associated with."""
    for relation in USES:
        if changed(extension, "context") and getattr(extension, relation, None):
            type_ = context_of(work, extension).type
            if type_ != _CONTEXT_TYPES.get(relation, "internal"):
                raise UnhandledContextType(type_)


def _in_ranges(work: Work, extension: Extension) -> None:
    if changed(extension, "context", "exten"):
        for relation, ranges in _RANGES.items():
            if getattr(extension, relation, None):
                _in_range(work, extension, ranges)


def _pattern_fits(work: Work, extension: Extension) -> None:
    pattern = _OUTCALL_EXTEN if context_of(work, extension).type == "outcall" else _EXTEN
    if not pattern.fullmatch(extension.exten):
        raise errors.BadValue("exten: ['String does not match expected pattern.']", category="")


def _unused(work: Work, extension: Extension) -> None:
    """The extension is associated with nothing."""
    for relation, label in USES.items():
        found = getattr(extension, relation, None)
        if found:
            many = isinstance(found, list)
            told = {"associated_ids": [each.id for each in found]} if many else {"associated_id": identity(found)}
            raise errors.Associated("Extension", label, metadata={"extension_id": extension.id, **told})


class Extensions(InContextService):
    spec = extensions
    dao = dao
    validator = Validator(
        create=[context_known, Unique("exten", "context", label="Extension"), _pattern_fits],
        update=[
            context_known,
            Unique("exten", "context", label="Extension"),
            _type_fits,
            _in_ranges,
            _pattern_fits,
            tenant_stays,
        ],
        delete=[_unused],
    )
    notifier = Notifier.resource(
        "extension",
        "config.extensions",
        lambda extension: {"id": extension.id, "exten": extension.exten, "context": extension.context},
        reload={
            "created": ["dialplan reload"],
            "changed": [
                "dialplan reload",
                "module reload res_pjsip.so",
                "module reload chan_sccp.so",
                "module reload app_queue.so",
            ],
            "deleted": ["dialplan reload"],
        },
    )
    example = Example({"exten": "1{n:03}", "context": Of("contexts", "name")}, {"enabled": False})

    def alter(self, item: Extension, fields: dict[str, Any]) -> None:
        super().alter(item, fields)
        for line in lines_dao.all(self.work, [line.id for line in item.lines]).values():
            line.context = item.context
            line.follow_main_user()


class ExtensionsService(AssociationService):
    """The extension of an item, which has one at the most and shares it with no other.

    Attributes:
        owner: what such items are; an extension's attribute of its name tells which one has it.
        in_range: whether the exten must be in a range of its context, where that has ranges for such items.
    """

    right, relation = dao, "extensions"
    owner: ClassVar[Owner]
    in_range: ClassVar[bool] = True

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        owner = cls.owner
        USES.setdefault(owner.name, owner.name)
        cls.left = owner.dao
        cls.validator = Validator(associate=cls.rules())
        cls.notifier = Notifier.association(
            f"{owner.name}_extension",
            f"{owner.routing_key}.extensions",
            lambda item, extension: {**owner.told(item), "extension_id": extension.id},
            users=owner.users,
            reload=["dialplan reload"],
        )

    @classmethod
    def rules(cls) -> list[Rule]:
        """Those of an association, in the order in which clients see their errors."""
        owner = cls.owner

        def told(item: Any, extension: Extension) -> dict[str, Any]:
            return {**owner.identified(item), "extension_id": extension.id}

        return [
            SameTenant(owner.name, "extension", swapped=True),
            AtMostOne("extensions", owner.label, "Extension", told),
            OnNoOther(owner.name, owner.label, "Extension", told),
            NotUsedOtherwise(owner.name),
            InContextFor(owner.name),
            *([InRangeFor(owner.name)] if cls.in_range and owner.name in _RANGES else []),
        ]
