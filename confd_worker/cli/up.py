"""The command `up`: a whole system on this machine, with embedded servers where none are named."""

import contextlib
import http.client
import os
import secrets
import shlex
import shutil
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml

from .checks import check_address, check_auth, check_profile_dir, check_server, check_services, tell_unknown
from .main import LEDGER_FILE, STATE_FILE, Place, placed
from .run import NO_GATEWAY, gateway_process, has_gateway, worker_processes

if TYPE_CHECKING:
    from ..config import Loaded, Settings
    from ..supervisor import Supervisor

__all__ = ["up"]

READY_SECONDS = 90.0
LOOK_SECONDS = 0.1
# How long to wait for a server that is named, in seconds, and how often to try.
PATIENCE, TRY_SECONDS = 30.0, 0.5
TOKENS_FILE = "tokens.yml"
MUSIC = "moh"
# What is ours in the state folder, and nobody else's business.
PRIVATE = ("lock", "logs", "postgres", "rabbitmq", TOKENS_FILE, STATE_FILE, LEDGER_FILE)
AUTH_SETTINGS = ("auth_mode", "auth_url", "auth_username", "auth_password", "auth_tokens")


@click.command(short_help="Start a whole system, embedded.")
@click.option("--processes", type=click.IntRange(1, 64), help="Worker processes.  [default: the setting]")
@placed
def up(place: Place, processes: int | None) -> None:
    """Start a whole system: PostgreSQL, RabbitMQ, workers and gateway, until Ctrl-C or SIGTERM.

    PostgreSQL and RabbitMQ are private ones, with their data in the state folder, unless CONFD_DB_URI or
    CONFD_AMQP_URI name others. Without any setting of CONFD_AUTH_… the gateway knows one random token.
    """
    from ..embedded import locked
    from ..supervisor import Supervisor

    state = place.state.absolute()
    loaded = Place(place.config, Path(os.devnull)).load()
    tell_unknown(loaded)
    with locked(place.state), Supervisor(_say, state / LEDGER_FILE) as supervisor:
        _close(state)
        system = _System(state, loaded, supervisor)
        try:
            system.start({"processes": processes} if processes else {})
            if not supervisor.stopping:
                click.echo(system.welcome(place.state))
                supervisor.watch()
            _say("Stopping …")
        finally:
            (state / STATE_FILE).unlink(missing_ok=True)


def _close(state: Path) -> None:
    """Let nobody else read what an earlier version left open; the folder itself only where nothing else is in it."""
    from ..embedded import close_to_others

    for name in PRIVATE:
        close_to_others(state / name)
    if {path.name for path in state.iterdir()} <= {*PRIVATE, MUSIC}:
        state.chmod(0o700)


class _System:
    """All processes of a system, and the settings they share.

    Args:
        state: the state folder, locked.
        loaded: what the user has set.
    """

    def __init__(self, state: Path, loaded: "Loaded", supervisor: "Supervisor") -> None:
        self._state = state
        self._loaded = loaded
        self._supervisor = supervisor
        self._settings = loaded.settings
        self._token: str | None = None
        self._embedded: list[str] = []
        self._logs = state / "logs"

    def start(self, chosen: dict[str, Any]) -> None:
        """Start everything, one after another, each once what it needs answers.

        Raises:
            EmbeddedError, MigrationError, SettingsError, click.ClickException: with the reason.
        """
        from ..config import Settings
        from ..migrate import upgrade

        listen = {"http_listen": check_address(self._settings)}
        known = {"moh_directory": str(self._state / MUSIC)} | self._given() | chosen | listen | self._authentication()
        self._check(Settings(**known))
        self._make_music_folder()
        values = known | self._servers()
        self._settings = self._write(values)
        if self._supervisor.stopping:
            return
        upgrade(self._settings.db_uri)
        # The values are in the file now; a variable would win over one that was worked out here.
        names = {f"CONFD_{name.upper()}" for name in values}
        environment = {name: value for name, value in os.environ.items() if name not in names}
        environment["CONFD_CONFIG"] = str(self._state / STATE_FILE)
        self._supervisor.start(worker_processes(self._settings, (), environment, self._logs))
        if not self._wait("Starting the workers", self._workers_answer):
            return
        self._make_tenants()
        if has_gateway():
            self._supervisor.start([gateway_process(self._settings, environment, self._logs)])
            self._wait("Starting the gateway", self._gateway_answers)
        else:
            _say(f"There is no REST API: {NO_GATEWAY}")

    def welcome(self, folder: Path) -> str:
        """What runs where, and what to try."""
        from ..config import masked_uri

        settings = self._settings
        command, url = _own_command(folder), _url(settings)
        token = f"-H 'X-Auth-Token: {self._token or 'TOKEN'}' " if settings.auth_mode != "none" else ""
        places = {
            "REST API": f"{url}/1.1" if has_gateway() else "-",
            "RabbitMQ": masked_uri(settings.amqp_uri) + self._whose("amqp_uri"),
            "PostgreSQL": masked_uri(settings.db_uri) + self._whose("db_uri"),
            "workers": str(settings.processes),
            "settings": str(folder / STATE_FILE),
            "logs": str(folder / "logs"),
        }
        examples = [
            f'{command} call users.create body=\'{{"firstname": "Alice"}}\'',
            *([f"curl {token}{url}/1.1/users"] if has_gateway() else []),
            f"{command} events",
        ]
        lines = ["confd-worker is ready; Ctrl-C stops it.", ""]
        lines += [f"  {name:<12}{where}" for name, where in places.items()]
        lines += ["", f"Try in another terminal, in {Path.cwd()}:", "", *(f"  {example}" for example in examples), ""]
        return "\n".join(lines)

    def _check(self, settings: "Settings") -> None:
        """Refuse settings that no process could start with, before any is started."""
        check_services(settings)
        check_profile_dir(settings)
        if has_gateway():
            check_auth(settings)

    def _make_music_folder(self) -> None:
        """Make the folder that the user has named for music on hold as one that Asterisk may read."""
        folder = Path(self._given().get("moh_directory", os.sep))
        with contextlib.suppress(OSError):
            if not folder.exists():
                folder.mkdir(parents=True)
                folder.chmod(0o755)

    def _given(self) -> dict[str, Any]:
        """What the user has set."""
        return {
            name: getattr(self._settings, name) for name, source in self._loaded.sources.items() if source != "default"
        }

    def _whose(self, name: str) -> str:
        return f"  (embedded, in {self._state.name})" if name in self._embedded else ""

    def _authentication(self) -> dict[str, Any]:
        """A file of one token, kept from run to run, where the user has set nothing about authentication.

        Where everybody may do everything, only the master tenant is taken from it.
        """
        from ..embedded import write_private

        chosen = any(self._loaded.sources[name] != "default" for name in AUTH_SETTINGS)
        if chosen and (self._settings.auth_mode != "none" or self._settings.master_tenant_uuid):
            return {}
        file = self._state / TOKENS_FILE
        if not file.exists():
            tenant = self._settings.master_tenant_uuid or str(uuid.uuid4())
            content = {
                "tenants": [{"uuid": tenant, "parent_uuid": None, "name": "master"}],
                "tokens": [
                    {"token": secrets.token_hex(16), "tenant_uuid": tenant, "acl": ["confd.#"], "user_uuid": None}
                ],
            }
            write_private(file, yaml.safe_dump(content, sort_keys=False))
        try:
            kept = yaml.safe_load(file.read_text())
            self._token = kept["tokens"][0]["token"]
            tenant = kept["tenants"][0]["uuid"]
        except (yaml.YAMLError, LookupError, TypeError):
            raise click.ClickException(
                f"{file} has no tenant and token any more; remove it to have it made anew"
            ) from None
        if chosen:
            return {"master_tenant_uuid": tenant}
        return {
            "auth_mode": "static",
            "auth_tokens": str(file),
            "master_tenant_uuid": self._settings.master_tenant_uuid or tenant,
        }

    def _servers(self) -> dict[str, Any]:
        """Start the embedded servers, both at the same time, and tell where they are."""
        from ..embedded import Broker, Postgres
        from ..log_files import Limits

        limits = Limits(self._settings.log_bytes, self._settings.log_kept)
        kinds = {"db_uri": Postgres, "amqp_uri": Broker}
        servers = {
            name: kind(self._state, log_limits=limits)
            for name, kind in kinds.items()
            if not getattr(self._settings, name)
        }
        self._embedded = list(servers)
        for name in kinds:
            if name not in servers:
                self._reach(name)
        for server in servers.values():
            _say(f"Starting {server.title} …")
            server.launch()
            self._supervisor.start(server.processes[:-1])
            self._supervisor.start(server.processes[-1:])
        for server in servers.values():
            if not self._supervisor.stopping:
                server.wait_until_ready()
        return {name: server.uri for name, server in servers.items()}

    def _reach(self, name: str) -> None:
        """Wait until a server that the user has named can be reached. Raises click.ClickException when it is not."""
        until, told = time.monotonic() + PATIENCE, False
        while not self._supervisor.stopping:
            try:
                check_server(self._settings, name)
                return
            except click.ClickException as error:
                if time.monotonic() > until:
                    raise
                if not told:
                    _say(f"Waiting for the server: {error.message} …")
                    told = True
            self._supervisor.watch(TRY_SECONDS)

    def _write(self, values: dict[str, Any]) -> "Settings":
        """Write the settings in force for all processes, and for the commands in other terminals."""
        from ..config import Settings
        from ..embedded import write_private

        write_private(self._state / STATE_FILE, yaml.safe_dump(values, sort_keys=False))
        return Settings(**values)

    def _wait(self, who: str, ready: Callable[[], bool]) -> bool:
        """Look after the processes until `ready` is true; False when a signal to stop comes first.

        Raises:
            click.ClickException: it takes too long.
        """
        _say(f"{who} …")
        until = time.monotonic() + READY_SECONDS
        while self._supervisor.watch(LOOK_SECONDS):
            if ready():
                return True
            if time.monotonic() > until:
                raise click.ClickException(f"{who}: no answer within {READY_SECONDS:g} s; see {self._logs}")
        return False

    def _make_tenants(self) -> None:
        """Give the tenants of the file of tokens their rows and SIP templates; a server's come by its events."""
        from ..client import ClientError
        from .calls import connected

        if self._settings.auth_mode != "wazo":
            try:
                with connected(self._settings, None, timeout=30) as client:
                    client.call("tenants.synchronize")
            except ClientError as error:
                _say(f"The tenants have no SIP templates yet: {error}")

    def _workers_answer(self) -> bool:
        """Whether all worker processes take calls, and one of them answers."""
        from ..bus_names import BusNames
        from ..client import ClientError
        from ..connection import BusUnavailable, connect, disconnect
        from .calls import connected

        service = next(iter(self._settings.services), "status")
        queue = BusNames.of(self._settings).calls(service)
        try:
            connection = connect(self._settings.amqp_uri, 5)
        except BusUnavailable:
            return False
        try:
            consumers = connection.channel().queue_declare(queue, passive=True).consumer_count
        except Exception:
            return False
        finally:
            disconnect(connection)
        if consumers < self._settings.processes:
            return False
        if service != "status":
            return True
        try:
            with connected(self._settings, None, timeout=5) as client:
                client.call("status.get")
        except ClientError:
            return False
        return True

    def _gateway_answers(self) -> bool:
        """Whether it answers HTTP at all."""
        connection = http.client.HTTPConnection(
            _reachable(self._settings.http_host), self._settings.http_port, timeout=5
        )
        try:
            connection.request("GET", "/1.1/status")
            return connection.getresponse().status > 0
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _say(line: str) -> None:
    click.echo(line, err=True)


def _reachable(host: str) -> str:
    """A host to connect to, for one to listen on."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def _url(settings: "Settings") -> str:
    host = _reachable(settings.http_host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.http_port}"


def _own_command(folder: Path) -> str:
    """How to call this command in a shell, so that it finds the state folder."""
    started_as = Path(sys.argv[0])
    if started_as.name == "__main__.py":
        command = f"{shlex.quote(sys.executable)} -m confd_worker"
    elif shutil.which(started_as.name) == str(started_as):
        command = started_as.name
    else:
        near = os.path.relpath(started_as)
        command = shlex.quote(str(started_as.absolute()) if near.startswith("..") else near)
    if folder.absolute() == Path(".confd").absolute():
        return command
    return f"CONFD_STATE={shlex.quote(str(folder))} {command}"
