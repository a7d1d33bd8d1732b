"""Music on hold."""

from .. import fields
from ..files import files
from ..schema import Item, Labelled
from ..spec import Listing, Resource, resource

__all__ = ["MOH", "moh", "moh_files"]


_FILE = {"type": "object", "properties": {"name": {"type": "string"}}}


class MOH(Labelled, Item):
    """Music on hold; its name is made by the server."""

    uuid = fields.UUID(dump_only=True)
    tenant_uuid = fields.UUID(dump_only=True)
    name = fields.String(dump_only=True)
    label = fields.String(required=True, validate=fields.length(None, 128))
    mode = fields.String(required=True, validate=fields.enum("custom", "files", "mp3"))
    application = fields.String(validate=fields.length(None, 256), load_default=None)
    sort = fields.String(validate=fields.enum("alphabetical", "random", "random_start"), load_default=None)
    files = fields.Computed({"type": "array", "items": _FILE}, empty=[])
    links = fields.Links("moh", "/moh/{uuid}")


moh = resource(
    "/moh/{uuid:text}",
    MOH,
    label="MOH",
    listing=Listing.by("label", "name", "label"),
)
moh_files = Resource(files("/moh/{uuid:text}/files/{filename:filename}"), label="MOH file")
