"""Messages that were set aside; they are looked after over RPC, not over REST."""

from .. import fields
from ..schema import Schema
from ..spec import Listing, Resource

__all__ = ["DeadLetter", "DeadLetterContent", "dead_letters"]


class DeadLetter(Schema):
    """Where a message came from, and why it was set aside."""

    id = fields.Integer(dump_only=True)
    received_at = fields.DateTime(dump_only=True)
    queue = fields.String(dump_only=True)
    routing_key = fields.String(dump_only=True)
    reason = fields.String(dump_only=True)
    attempts = fields.Integer(dump_only=True)
    size = fields.Integer(dump_only=True)


class DeadLetterContent(DeadLetter):
    """The whole of a message; its body in base64."""

    exchange = fields.String(dump_only=True)
    headers: fields.Field = fields.Field(dump_only=True)
    properties: fields.Field = fields.Field(dump_only=True)
    content = fields.String(dump_only=True)


dead_letters = Resource(
    (),
    "Dead letter",
    DeadLetter,
    name="dead_letters",
    rpc_only=("list", "show", "replay", "drop"),
    listing=Listing(
        "id",
        order=("id", "received_at", "queue", "routing_key", "attempts", "size"),
        search=("queue", "routing_key", "reason"),
        filter=("id", "queue", "routing_key"),
    ),
)
