"""Schedules: when calls are let through, and where they go at other times."""

from typing import Any

from marshmallow import validates_schema

from .. import fields
from ..schema import Item, Schema, ValidationError
from ..spec import Listing, resource
from .destinations import Destination

__all__ = ["ExceptionalPeriod", "Period", "Schedule", "schedules"]

_HOURS = r"^([0,1][0-9]|2[0-3]):[0-5][0-9]\Z"


class _Days(fields.List):
    """Numbers from 1 to a maximum; all of them when left out."""

    def __init__(self, name: str, maximum: int) -> None:
        def not_empty(numbers: list[int]) -> None:
            if not numbers:
                raise ValidationError(f"{name} cannot be empty")

        number = fields.Integer(validate=fields.range_(1, maximum))
        super().__init__(number, validate=not_empty, load_default=lambda: list(range(1, maximum + 1)))


class Period(Schema):
    """Hours of some days."""

    hours_start = fields.String(required=True, validate=fields.pattern(_HOURS))
    hours_end = fields.String(required=True, validate=fields.pattern(_HOURS))
    week_days = _Days("week_days", 7)
    month_days = _Days("month_days", 31)
    months = _Days("months", 12)

    @validates_schema
    def _in_order(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data["hours_end"] < data["hours_start"]:
            raise ValidationError("hours_end is before hours_start")


class ExceptionalPeriod(Period):
    """Hours of some days at which calls go elsewhere."""

    destination = Destination(required=True)


class Schedule(Item):
    """A schedule."""

    id = fields.Integer(dump_only=True)
    tenant_uuid = fields.UUID(dump_only=True)
    name = fields.String(validate=fields.length(None, 128), load_default=None)
    timezone = fields.String(validate=fields.length(None, 128), load_default=None)
    closed_destination = Destination(required=True)
    open_periods = fields.Nested(Period, many=True, load_default=list)
    exceptional_periods = fields.Nested(ExceptionalPeriod, many=True, load_default=list)
    enabled = fields.Boolean(load_default=True)
    links = fields.Links("schedules", "/schedules/{id}")
    incalls = fields.Summary("incalls", "id", "links", many=True)
    users = fields.Summary("users", "uuid", "firstname", "lastname", "links", many=True)
    groups = fields.Summary("groups", "id", "uuid", "name", "links", many=True)
    queues = fields.Summary("queues", "id", "name", "label", "links", many=True)
    outcalls = fields.Summary("outcalls", "id", "name", "links", many=True)


schedules = resource(
    "/schedules/{id:int}",
    Schedule,
    label="Schedule",
    listing=Listing.by("name", "id", "name", "timezone"),
)
