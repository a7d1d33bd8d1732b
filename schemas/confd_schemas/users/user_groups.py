"""Groups of a user."""

from typing import Any

from marshmallow import validates_schema

from .. import fields
from ..schema import Schema, ValidationError
from ..spec import replaced_list

__all__ = ["GroupReference", "UserGroups", "user_groups"]


class GroupReference(Schema):
    """A group by its id, its uuid, or both."""

    id = fields.Integer()
    uuid = fields.UUID()

    @validates_schema
    def _one_given(self, data: dict[str, Any], **kwargs: Any) -> None:
        if not data:
            raise ValidationError("One identifier(id or uuid) must be provided")


class UserGroups(Schema):
    """All groups of a user."""

    groups = fields.Nested(GroupReference, many=True, required=True)


user_groups = replaced_list("/users/{user_id:id}/groups", UserGroups)
