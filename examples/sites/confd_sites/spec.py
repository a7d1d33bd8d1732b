"""What sites look like on the wire, and which operations there are; the gateway reads this, too."""

from confd_schemas import fields
from confd_schemas.schema import Item
from confd_schemas.spec import Listing, resource


class SiteSchema(Item):
    """A site."""

    id = fields.Integer(dump_only=True)
    name = fields.String(required=True, validate=fields.length(1, 128))
    address = fields.OptionalString(load_default=None)
    tenant_uuid = fields.UUID(dump_only=True)
    links = fields.Links("sites", "/sites/{id}")


sites = resource(
    "/sites/{id:int}",
    SiteSchema,
    label="Site",
    listing=Listing.by("name", "id", "name", "address"),
)
