"""Settings of the gateway, checked when it starts."""

import ipaddress
from dataclasses import dataclass
from typing import Literal

__all__ = ["AUTH_MODES", "MESSAGE_LIMIT", "ConfigurationError", "GatewaySettings"]

AUTH_MODES = ("wazo", "static", "none")
MEBIBYTE = 1024 * 1024
# What RabbitMQ takes by default since 4.0.
MESSAGE_LIMIT = 16 * MEBIBYTE


class ConfigurationError(ValueError):
    """A setting, a file that a setting names, or a library is not usable; the text names it and what is allowed."""


@dataclass(frozen=True, kw_only=True)
class GatewaySettings:
    """All that the gateway needs to know.

    Attributes:
        amqp_uri: address of the broker, `amqp://user:password@host:port/vhost`.
        host, port: where to listen; port 0 takes any free one.
        auth_mode: `wazo` asks an authentication server, `static` reads tokens from a file, `none` allows everything
            and is refused unless `host` is a loopback address.
        auth_url: the authentication server, without `/0.1`.
        auth_username, auth_password: the daemon's own account there; without it the master tenant is not learnt.
        auth_cache: seconds for which what the authentication server answered is believed.
        auth_tokens: path of the YAML file of tenants and tokens.
        master_tenant_uuid: the master tenant; None to learn it.
        rpc_exchange: topic exchange of calls and replies.
        service_prefix: what the names of services begin with on the bus.
        events_exchange: headers exchange of the events that end sessions and change tenants.
        timeout: seconds that a call may take, where the operation does not say otherwise.
        drain: seconds that running requests may take to end once the gateway is told to stop.
        cors: whether browsers may call from any origin.
        cors_headers: request headers that they may send.
        max_json, max_body: bytes of a JSON body and of any other body.
        message_limit: bytes of a message that the broker takes.
        connections: clients at once; 0 for as many as the process's limit of open files allows.
        headers_seconds: that a client may take to send the headers of a request.
        idle: seconds that a client that was answered may stay without a new request.
        stall: seconds that a client may send nothing of a body that it began, or take nothing of its answer.
        access_log: whether each request is logged.
    """

    amqp_uri: str
    host: str = "127.0.0.1"
    port: int = 9486
    auth_mode: Literal["wazo", "static", "none"] = "wazo"
    auth_url: str | None = None
    auth_username: str | None = None
    auth_password: str | None = None
    auth_cache: float = 5.0
    auth_tokens: str | None = None
    master_tenant_uuid: str | None = None
    rpc_exchange: str = "nameko-rpc"
    service_prefix: str = ""
    events_exchange: str = "wazo-headers"
    timeout: float = 10.0
    drain: float = 20.0
    cors: bool = True
    cors_headers: tuple[str, ...] = ("Content-Type", "X-Auth-Token", "Wazo-Tenant")
    max_json: int = MEBIBYTE
    max_body: int = 40 * MEBIBYTE
    message_limit: int = MESSAGE_LIMIT
    connections: int = 0
    headers_seconds: float = 10.0
    idle: float = 75.0
    stall: float = 30.0
    access_log: bool = True

    def check(self) -> None:
        """Refuse settings that do not go together.

        Raises:
            ConfigurationError: tells which and why.
        """
        if not self.amqp_uri.startswith(("amqp://", "amqps://")):
            raise ConfigurationError("amqp_uri: must start with amqp:// or amqps://")
        if self.auth_mode not in AUTH_MODES:
            raise ConfigurationError(f"auth_mode: must be one of {', '.join(AUTH_MODES)}, not {self.auth_mode!r}")
        if self.auth_mode == "wazo" and not (self.auth_url or "").startswith(("http://", "https://")):
            raise ConfigurationError("auth_url: must be the http:// or https:// address of the authentication server")
        if self.auth_mode == "static" and not self.auth_tokens:
            raise ConfigurationError("auth_tokens: must be the path of the file of tokens when auth_mode is static")
        if self.auth_mode == "none" and not _is_loopback(self.host):
            raise ConfigurationError(
                f"auth_mode: 'none' lets everybody do everything; it is allowed only when listening on a loopback "
                f"address such as 127.0.0.1, not on {self.host!r}"
            )
        for name in ("timeout", "headers_seconds", "idle", "stall"):
            if getattr(self, name) <= 0:
                raise ConfigurationError(f"{name}: must be more than 0 seconds")
        if self.connections < 0:
            raise ConfigurationError("connections: must be a number of clients, or 0 for as many as are possible")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
