"""Call destinations: where a call goes, as incalls, fallbacks, choices and schedules hold it."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import marshmallow
from marshmallow import validates_schema

from .. import fields
from ..schema import Schema, ValidationError

__all__ = ["Destination", "targets", "types"]


class DestinationSchema(Schema):
    """The fields of one type of destination."""


class _Context(DestinationSchema):
    context = fields.String(required=True, validate=fields.pattern(r"^[a-zA-Z0-9_-]{1,79}\Z"))


class _ContextWithPin(_Context):
    pin = fields.Digits(maximum=40, allow_none=True, load_default=None)


class _CustomApplication(DestinationSchema):
    application_uuid = fields.UUID(required=True)


class _FaxToMail(DestinationSchema):
    email = fields.Email(required=True, validate=fields.length(None, 80))


class _Conference(DestinationSchema):
    conference_id = fields.Integer(required=True)


class _Custom(DestinationSchema):
    command = fields.String(
        required=True,
        validate=[fields.length(None, 255), fields.pattern(r"^(?!(try)?system\()[a-zA-Z]{3,}\((.*)\)\Z")],
    )


class _Extension(_Context):
    exten = fields.String(required=True, validate=fields.pattern(r"^[0-9*#]{1,255}\Z"))


class _RingTime(DestinationSchema):
    ring_time = fields.Float(validate=fields.range_(0), load_default=None)


class _Group(_RingTime):
    group_id = fields.Integer(required=True)


class _Hangup(DestinationSchema):
    timeout = fields.Float(validate=fields.range_(0), load_default=None)


class _IVR(DestinationSchema):
    ivr_id = fields.Integer(required=True)


class _Nothing(DestinationSchema):
    pass


class _Outcall(DestinationSchema):
    outcall_id = fields.Integer(required=True)
    exten = fields.Digits(required=True, maximum=255)


def _variable() -> fields.String:
    return fields.String(required=True, validate=fields.pattern(r"^[^\[;|]+\Z"))


class _Queue(_RingTime):
    queue_id = fields.Integer(required=True)
    skill_rule_id = fields.Integer(load_default=None)
    skill_rule_variables = fields.Options(key=_variable(), value=_variable(), load_default=None)

    @validates_schema
    def _rule_given(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data.get("skill_rule_variables") and not data.get("skill_rule_id"):
            raise ValidationError(
                "Missing data for required field. When `skill_rule_variables` is defined", "skill_rule_id"
            )


class _Sound(DestinationSchema):
    filename = fields.String(required=True, validate=fields.length(None, 255))
    skip = fields.StrictBoolean(load_default=False)
    no_answer = fields.StrictBoolean(load_default=False)


class _Switchboard(_RingTime):
    switchboard_uuid = fields.UUID(required=True)


class _User(_RingTime):
    user_id = fields.Integer(required=True)
    moh_uuid = fields.UUID(load_default=None)


class _Voicemail(DestinationSchema):
    voicemail_id = fields.Integer(required=True)
    skip_instructions = fields.StrictBoolean(load_default=False)
    greeting = fields.String(validate=fields.enum("busy", "unavailable"), load_default=None)


class _ByAction:
    """A type whose fields depend on a second word.

    Args:
        field: name of that word.
        schemas: the fields by it.
    """

    def __init__(self, field: str, **schemas: type[DestinationSchema]) -> None:
        self.field, self.schemas = field, schemas


types: dict[str, type[DestinationSchema] | _ByAction] = {
    "application": _ByAction(
        "application",
        callback_disa=_ContextWithPin,
        custom=_CustomApplication,
        directory=_Context,
        disa=_ContextWithPin,
        fax_to_mail=_FaxToMail,
        voicemail=_Context,
    ),
    "conference": _Conference,
    "custom": _Custom,
    "extension": _Extension,
    "group": _Group,
    "hangup": _ByAction("cause", busy=_Hangup, congestion=_Hangup, normal=_Nothing),
    "ivr": _IVR,
    "none": _Nothing,
    "outcall": _Outcall,
    "queue": _Queue,
    "sound": _Sound,
    "switchboard": _Switchboard,
    "user": _User,
    "voicemail": _Voicemail,
}
"""The fields of each type; another distribution adds its own type here."""


targets: dict[str, str] = {
    "application_uuid": "Application",
    "conference_id": "Conference",
    "group_id": "Group",
    "ivr_id": "IVR",
    "outcall_id": "Outcall",
    "queue_id": "Queue",
    "switchboard_uuid": "Switchboard",
    "user_id": "User",
    "voicemail_id": "Voicemail",
}
"""What a destination leads to, by the field that holds its id; and how errors call it."""


class Destination(marshmallow.fields.Field):
    """An object with `type` and the fields of that type; others are dropped. It loads to what is stored and shown."""

    kind = {"type": "object", "properties": {"type": {"type": "string"}}, "required": ["type"]}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ValidationError({"_schema": ["Invalid input type."]})
        name = _word(value, "type", types)
        shape, words = types[name], {"type": name}
        if isinstance(shape, _ByAction):
            action = _word(value, shape.field, shape.schemas)
            words[shape.field] = action
            shape = shape.schemas[action]
        return words | _jsonable(_instance(shape).load(dict(value)))


def _word(value: Mapping[str, Any], name: str, allowed: Mapping[str, Any]) -> str:
    loaded: Any = _one_of(name, tuple(allowed)).load({name: value[name]} if name in value else {})
    return loaded[name]


@cache
def _one_of(name: str, allowed: tuple[str, ...]) -> Schema:
    word = fields.String(required=True, validate=fields.enum(*allowed))
    return Schema.from_dict({name: word})()  # type: ignore[return-value]


@cache
def _instance(schema: Any) -> Schema:
    return schema()


def _jsonable(loaded: Any) -> dict[str, Any]:
    return {name: str(value) if type(value).__name__ == "UUID" else value for name, value in loaded.items()}
