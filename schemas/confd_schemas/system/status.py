"""How the parts of the daemon are."""

from .. import fields
from ..schema import Schema
from ..spec import Resource, operation

__all__ = ["ComponentStatus", "JobStatus", "Status", "status"]


class ComponentStatus(Schema):
    """Whether a part works."""

    status = fields.String(dump_only=True, validate=fields.enum("ok", "fail"))


class JobStatus(ComponentStatus):
    """Whether a job keeps up: how many rows wait for it, and for how many seconds the oldest one does."""

    waiting = fields.Integer(dump_only=True)
    lag = fields.Float(dump_only=True)


class Status(Schema):
    """The parts of the daemon.

    `ready` is whether calls can be answered now. Who asks over HTTP always gets the first five; the others are there
    when a worker and its database answer.
    """

    bus_consumer = fields.Nested(ComponentStatus, dump_only=True)
    master_tenant = fields.Nested(ComponentStatus, dump_only=True)
    rest_api = fields.Nested(ComponentStatus, dump_only=True)
    service_token = fields.Nested(ComponentStatus, dump_only=True)
    ready = fields.Nested(ComponentStatus, dump_only=True)
    database = fields.Nested(ComponentStatus, dump_only=True)
    relay = fields.Nested(JobStatus, dump_only=True)
    sysconfd = fields.Nested(JobStatus, dump_only=True)


status = Resource((operation("GET", "/status", "get", answer=Status),), "Status", Status)
