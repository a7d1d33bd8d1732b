"""Whether changes make Asterisk reload its configuration."""

from . import fields
from .schema import Item
from .spec import Resource, operation

__all__ = ["LiveReload", "live_reload"]

_PATH = "/configuration/live_reload"


class LiveReload(Item):
    """Whether the live reload is enabled."""

    enabled = fields.StrictBoolean(required=True, attribute="live_reload_enabled")


live_reload = Resource(
    "configuration.live_reload",
    (
        operation("GET", _PATH, "configuration.live_reload.get", answer=LiveReload, master_only=True),
        operation("PUT", _PATH, "configuration.live_reload.edit", body=LiveReload, master_only=True),
    ),
    "LiveReload",
    LiveReload,
)
