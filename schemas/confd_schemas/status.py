"""How the parts of the daemon are."""

from . import fields
from .schema import Schema
from .spec import Resource, operation

__all__ = ["ComponentStatus", "Status", "status"]


class ComponentStatus(Schema):
    """Whether a part works."""

    status = fields.String(dump_only=True, validate=fields.enum("ok", "fail"))


class Status(Schema):
    """The parts of the daemon."""

    bus_consumer = fields.Nested(ComponentStatus, dump_only=True)
    master_tenant = fields.Nested(ComponentStatus, dump_only=True)
    rest_api = fields.Nested(ComponentStatus, dump_only=True)
    service_token = fields.Nested(ComponentStatus, dump_only=True)


status = Resource("status", (operation("GET", "/status", "status.get", answer=Status),), "Status", Status)
