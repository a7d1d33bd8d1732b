"""The languages in which Asterisk has sounds."""

from .. import fields
from ..schema import Schema
from ..spec import Resource, operation

__all__ = ["SoundLanguage", "sounds_languages"]


class SoundLanguage(Schema):
    """A language by its tag, such as `fr_FR`."""

    tag = fields.String(dump_only=True)


class _Page(Schema):
    limit = fields.Integer(validate=fields.range_(0))
    offset = fields.Integer(validate=fields.range_(0))


sounds_languages = Resource(
    (
        operation(
            "GET",
            "/sounds/languages",
            answer=SoundLanguage,
            many=True,
            parameters=_Page,
            acl="confd.sounds.languages.get",
        ),
    ),
    schema=SoundLanguage,
)
