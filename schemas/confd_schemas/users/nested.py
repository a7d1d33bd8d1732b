"""What a body may nest into a user: what is made, changed and deleted with him."""

from typing import Any

from marshmallow import pre_load, validates_schema

from .. import fields
from ..call_features.voicemails import Voicemail
from ..dialplan.extensions import Extension
from ..dialplan.incalls import Incall
from ..lines.endpoints_custom import EndpointCustom
from ..lines.endpoints_sccp import EndpointSCCP
from ..lines.endpoints_sip import EndpointSIP
from ..lines.lines import LineCreate
from ..schema import Schema, ValidationError

__all__ = [
    "UserAccount",
    "UserAgent",
    "UserGroup",
    "UserIncall",
    "UserIncallChange",
    "UserLine",
    "UserLineChange",
    "UserSwitchboard",
    "UserVoicemail",
]


class UserAccount(Schema):
    """The account in the authentication server; what is left out is taken from the user."""

    username = fields.OptionalString(validate=fields.length(None, 256))
    password = fields.OptionalString()
    firstname = fields.OptionalString()
    lastname = fields.OptionalString()
    email_address = fields.Email(allow_none=True)
    enabled = fields.Boolean(load_default=True)
    purpose = fields.String(validate=fields.enum("user", "internal", "external_api"), load_default="user")

    @pre_load
    def _drop_empty(self, data: Any, **kwargs: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if value not in (None, "")}


class UserLine(LineCreate):
    """A new line of the user."""

    device_id = fields.String()


class _EndpointSIPChange(EndpointSIP):
    uuid = fields.UUID()


class _EndpointSCCPChange(EndpointSCCP):
    id = fields.Integer()


class _EndpointCustomChange(EndpointCustom):
    id = fields.Integer()


class _ExtensionChange(Extension):
    id = fields.Integer()


class UserLineChange(UserLine):
    """A line of the user that stays, or a new one where there is no line of that id."""

    id = fields.Integer()
    endpoint_sip = fields.NestedChange(_EndpointSIPChange)
    endpoint_sccp = fields.NestedChange(_EndpointSCCPChange)
    endpoint_custom = fields.NestedChange(_EndpointCustomChange)
    extensions = fields.NestedChange(_ExtensionChange, many=True)

    @pre_load
    def _drop_absent(self, data: Any, **kwargs: Any) -> Any:
        """A line shows null for the endpoints that it does not have."""
        if not isinstance(data, dict):
            return data
        endpoints = ("endpoint_sip", "endpoint_sccp", "endpoint_custom")
        return {name: value for name, value in data.items() if value is not None or name not in endpoints}


class _IncallExtension(Schema):
    id = fields.Integer()
    exten = fields.String(validate=fields.length(None, 40))
    context = fields.String()

    @validates_schema
    def _named(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "id" not in data and not {"exten", "context"} <= data.keys():
            raise ValidationError("id, or exten and context, must be provided")


class UserIncall(Incall):
    """Numbers from outside that lead to the user."""

    class Meta(Incall.Meta):
        exclude = ("destination",)

    extensions = fields.Nested(_IncallExtension, many=True, required=True, validate=fields.length(1, None))


class UserIncallChange(UserIncall):
    """An incall of the user that stays, or a new one."""

    id = fields.Integer()
    extensions = fields.NestedChange(_IncallExtension, many=True)


class UserGroup(Schema):
    """A group that the user is a member of."""

    uuid = fields.String(required=True, validate=fields.length(None, 40))


class UserSwitchboard(UserGroup):
    """A switchboard that the user is a member of."""


class UserVoicemail(Voicemail):
    """A voicemail that is there, by its id, or a new one."""

    id = fields.Integer()

    @validates_schema
    def _named(self, data: dict[str, Any], **kwargs: Any) -> None:
        if not {"id", "name", "number", "context"} & data.keys():
            raise ValidationError("name, number and context must be provided if no id provided")


class _AgentQueue(Schema):
    id = fields.Integer(required=True)
    penalty = fields.Integer(validate=fields.range_(0), load_default=0)
    priority = fields.Integer(validate=fields.range_(0), load_default=0)


class UserAgent(Schema):
    """The agent that the user is."""

    id = fields.Integer()
    number = fields.String(validate=fields.pattern(r"^[0-9\*#]{1,40}\Z"))
    firstname = fields.OptionalString(validate=fields.length(None, 128))
    lastname = fields.OptionalString(validate=fields.length(None, 128))
    password = fields.OptionalString(validate=fields.length(None, 128))
    language = fields.OptionalString(validate=fields.length(None, 20))
    preprocess_subroutine = fields.OptionalString(validate=fields.length(None, 79))
    description = fields.OptionalString()
    queues = fields.Nested(_AgentQueue, many=True)
