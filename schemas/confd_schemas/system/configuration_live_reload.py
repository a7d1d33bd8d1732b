"""Whether changes make Asterisk reload its configuration."""

from .. import fields
from ..schema import Item
from ..spec import singleton

__all__ = ["LiveReload", "configuration_live_reload"]


class LiveReload(Item):
    """Whether the live reload is enabled."""

    enabled = fields.StrictBoolean(required=True, attribute="live_reload_enabled")


configuration_live_reload = singleton(
    "/configuration/live_reload",
    LiveReload,
    label="LiveReload",
    get={"master_only": True},
    update={"master_only": True},
)
