"""Voicemails."""

from typing import Any

from marshmallow import validates_schema

from .. import fields
from ..schema import Item, ValidationError
from ..spec import Listing, resource

__all__ = ["Voicemail", "voicemails"]


class Voicemail(Item):
    """A voicemail box."""

    id = fields.Integer(dump_only=True)
    tenant_uuid = fields.UUID(dump_only=True)
    name = fields.String(required=True, validate=fields.length(None, 80))
    number = fields.String(required=True, validate=fields.pattern(r"^[0-9]{1,40}\Z"))
    context = fields.String(required=True)
    password = fields.String(validate=fields.pattern(r"^[0-9]{1,80}\Z"), load_default=None)
    email = fields.String(validate=fields.length(None, 80), load_default=None)
    language = fields.String(validate=fields.pattern(r"^[a-z]{2}_[A-Z]{2}\Z"), load_default=None)
    timezone = fields.String(load_default=None)
    pager = fields.String(validate=fields.length(None, 80), load_default=None)
    max_messages = fields.Integer(validate=fields.range_(0), load_default=None)
    attach_audio = fields.StrictBoolean(load_default=None)
    delete_messages = fields.StrictBoolean(load_default=False)
    ask_password = fields.StrictBoolean(load_default=True)
    enabled = fields.StrictBoolean(load_default=True)
    options = fields.Pairs(load_default=list)
    links = fields.Links("voicemails", "/voicemails/{id}")
    accesstype = fields.String(validate=fields.enum("personal", "global"), load_default="personal")
    users = fields.Summary("users", "uuid", "firstname", "lastname", "links", many=True)

    @validates_schema
    def _check_delete_messages(self, data: dict[str, Any], **kwargs: Any) -> None:
        """A message may be deleted only after it was sent as a whole, by the very body that says so."""
        if not data.get("delete_messages"):
            return
        if not data.get("email"):
            raise ValidationError("email must be provided if delete_messages is set")
        if not data.get("attach_audio"):
            raise ValidationError("attach_audio must be set if delete_messages is set")


voicemails = resource(
    "/voicemails/{id:int}",
    Voicemail,
    label="Voicemail",
    listing=Listing(
        "number",
        order=("name", "number", "email", "context", "language", "timezone", "pager", "accesstype"),
        search=("name", "number", "email", "pager"),
        filter=("name", "number", "email", "context", "language", "timezone", "pager", "accesstype"),
    ),
)
