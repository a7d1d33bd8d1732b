"""Access features: who outside may use what."""

from .. import fields
from ..schema import Item
from ..spec import Listing, resource

__all__ = ["AccessFeature", "access_features"]


class AccessFeature(Item):
    """A host or network that may use a feature."""

    id = fields.Integer(dump_only=True)
    host = fields.String(validate=fields.length(None, 255), load_default="")
    feature = fields.String(validate=fields.enum("phonebook"), load_default="phonebook")
    enabled = fields.Boolean(load_default=True)
    links = fields.Links("access_features", "/access_features/{id}")


access_features = resource(
    "/access_features/{id:int}",
    AccessFeature,
    label="AccessFeatures",
    listing=Listing.by("host", "id", "host", "feature", "enabled"),
    master_only=True,
)
