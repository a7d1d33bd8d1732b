"""What must hold before a process starts, beyond the form of each setting: what it names must be there."""

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..config import Loaded, Settings

__all__ = ["check_address", "check_auth", "check_profile_dir", "check_server", "check_services", "tell_unknown"]

CONNECT_SECONDS = 5
NEEDED = {"wazo": ["auth_url"], "static": ["auth_tokens"]}


def tell_unknown(loaded: "Loaded") -> None:
    """Tell, without refusing to start, of variables that look like settings and are none."""
    for variable in loaded.unknown:
        click.echo(
            f"{variable} is no setting and changes nothing; `confd-worker config` lists those there are", err=True
        )


def check_address(settings: "Settings") -> str:
    """Check that the address of the gateway is free; the address, with a free port in the place of port 0.

    Raises:
        click.ClickException: it is not.
    """
    host, port = settings.http_host, settings.http_port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family) as probe:
            port = probe.getsockname()[1]
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise click.ClickException(
            f"CONFD_HTTP_LISTEN: {settings.http_listen} cannot be used: {reason}; name another one"
        ) from None
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def check_server(settings: "Settings", name: str) -> None:
    """Connect once to the database or to the broker.

    Args:
        name: of the setting, `db_uri` or `amqp_uri`.

    Raises:
        click.ClickException: it cannot be reached or refuses; names the setting, and shows no password.
    """
    import psycopg2

    from ..connection import BusUnavailable, connect, disconnect

    uri = getattr(settings, name)
    try:
        if name == "amqp_uri":
            disconnect(connect(uri, CONNECT_SECONDS))
        else:
            psycopg2.connect(uri, connect_timeout=CONNECT_SECONDS).close()
    except (BusUnavailable, psycopg2.Error) as error:
        raise click.ClickException(f"CONFD_{name.upper()}: {' '.join(str(error).split())}") from None


def check_services(settings: "Settings", services: Sequence[str] = ()) -> None:
    """Check that the services to host are installed.

    Args:
        services: those that were named on the command line; those of the settings when empty.

    Raises:
        SettingsError: names those that are not.
    """
    wanted = services or settings.services
    if not wanted:
        return
    from confd_schemas.spec import discover

    from ..config import SettingsError

    known = sorted(spec.name for spec in discover())
    if unknown := [name for name in wanted if name not in known]:
        problem = f"Unknown service: {', '.join(unknown)}. There are: {', '.join(known)}"
        raise SettingsError([problem if services else f"CONFD_SERVICES: {problem}"])


def check_auth(settings: "Settings") -> None:
    """Check that what the mode of authentication needs is set, and that the file of tokens can be used.

    Raises:
        SettingsError: names the setting.
    """
    from ..config import SettingsError

    settings.require(*NEEDED.get(settings.auth_mode, []))
    if settings.auth_mode != "static":
        return
    from confd_gateway.auth_static import StaticAuth
    from confd_gateway.settings import ConfigurationError

    try:
        StaticAuth.from_file(settings.auth_tokens, settings.master_tenant_uuid or None)
    except ConfigurationError as error:
        raise SettingsError([f"CONFD_AUTH_TOKENS: {error}"]) from None


def check_profile_dir(settings: "Settings") -> None:
    """Make the folder of profiles, where one is wanted.

    Raises:
        SettingsError: profiles cannot be written there.
    """
    from ..config import SettingsError

    if not settings.profile_dir:
        return
    folder = Path(settings.profile_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(0, "Permission denied")
    except OSError as error:
        raise SettingsError([f"CONFD_PROFILE_DIR: {folder} cannot be written to: {error.strerror}"]) from None
