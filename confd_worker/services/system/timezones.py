"""The names of all time zones."""

from functools import cache
from zoneinfo import available_timezones

import orjson
from confd_schemas.system.timezones import timezones

from ...plugin import Json, Service, read

__all__ = ["Timezones"]

# What the system calls its own time zone is no zone of IANA.
_NOT_A_ZONE = {"localtime"}


class Timezones(Service):
    spec = timezones

    @read
    def list(self) -> Json:
        """Those that the system knows, sorted."""
        return Json(_document())


@cache
def _document() -> bytes:
    names = sorted(available_timezones() - _NOT_A_ZONE)
    return orjson.dumps({"total": len(names), "items": [{"zone_name": name} for name in names]})
