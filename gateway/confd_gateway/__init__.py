"""The HTTP gateway: translates REST to RPC calls. Start reading at `application`."""

from .application import Gateway, create_app
from .server import serve
from .settings import ConfigurationError, GatewaySettings

__all__ = ["ConfigurationError", "Gateway", "GatewaySettings", "create_app", "serve"]
