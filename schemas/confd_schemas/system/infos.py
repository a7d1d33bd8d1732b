"""Facts about this server."""

from .. import fields
from ..schema import Schema
from ..spec import Resource, operation

__all__ = ["Infos", "infos"]


class Infos(Schema):
    """The server's uuid, which is also the origin of its events, and the version of the platform."""

    uuid = fields.UUID(dump_only=True)
    wazo_version = fields.String(dump_only=True, validate=fields.length(None, 64))


infos = Resource((operation("GET", "/infos", "get", answer=Infos),), "Infos", Infos)
