"""The commands that run one part of the system: `run` and `gateway`; and the child processes of both and of `up`."""

import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .checks import check_address, check_auth, check_profile_dir, check_services, tell_unknown
from .main import Place, placed

if TYPE_CHECKING:
    from ..config import Settings
    from ..supervisor import Process

__all__ = ["gateway", "gateway_process", "has_gateway", "run", "worker_processes"]

# What a process may take beyond its own deadline until it is killed, in seconds.
GRACE = 2.0
NO_GATEWAY = "the gateway is not installed: pip install 'confd-worker[gateway]'"


def has_gateway() -> bool:
    """Whether the extra that the gateway needs is installed."""
    return all(importlib.util.find_spec(name) for name in ("confd_gateway", "starlette", "uvicorn", "aiormq"))


def worker_processes(
    settings: "Settings", services: tuple[str, ...], environment: dict[str, str], logs: Path | None = None
) -> list["Process"]:
    """The worker processes, not started.

    Args:
        services: names of those to host; those of the settings when empty.
        logs: the folder of their logs; when None they write to this process's standard error.
    """
    from ..log_files import Limits
    from ..supervisor import Process, Program

    names = [f"worker-{number}" for number in range(1, settings.processes + 1)]
    return [
        Process(
            Program(
                name,
                [sys.executable, "-m", "confd_worker.worker_process", name, *services],
                environment=environment,
                log=logs / f"{name}.log" if logs else None,
                limits=Limits(settings.log_bytes, settings.log_kept),
                patience=settings.drain_seconds + GRACE,
            )
        )
        for name in names
    ]


def gateway_process(settings: "Settings", environment: dict[str, str], logs: Path) -> "Process":
    """The gateway's process, not started."""
    from ..log_files import Limits
    from ..supervisor import Process, Program

    return Process(
        Program(
            "gateway",
            [sys.executable, "-m", "confd_worker", "gateway"],
            environment=environment,
            log=logs / "gateway.log",
            limits=Limits(settings.log_bytes, settings.log_kept),
            patience=settings.drain_seconds + GRACE,
        )
    )


@click.command(short_help="Host the services.")
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("--processes", type=click.IntRange(1, 64), help="Worker processes.  [default: the setting]")
@placed
def run(place: Place, services: tuple[str, ...], processes: int | None) -> None:
    """Host the services, all or those named, until SIGTERM or Ctrl-C.

    Calls that have begun are finished, for as long as the setting drain_seconds says.
    """
    from .. import log
    from ..supervisor import Supervisor

    settings = place.settings("db_uri", "amqp_uri")
    if processes:
        settings = settings.model_copy(update={"processes": processes})
    check_services(settings, services)
    check_profile_dir(settings)
    tell_unknown(place.load())
    log.configure(settings.log_level, settings.log_format, process="supervisor")
    environment = dict(os.environ)
    if place.file:
        environment["CONFD_CONFIG"] = str(place.file.absolute())
    with Supervisor(_logged) as supervisor:
        supervisor.start(worker_processes(settings, services, environment))
        supervisor.watch()


def _logged(line: str) -> None:
    import structlog

    structlog.get_logger("confd_worker.supervisor").warning(line)


@click.command(short_help="Serve the REST API.")
@placed
def gateway(place: Place) -> None:
    """Serve the REST API; needs the extra `gateway`."""
    from .. import log

    settings = place.settings("amqp_uri")
    if not has_gateway():
        raise click.ClickException(NO_GATEWAY)
    check_auth(settings)
    check_profile_dir(settings)
    check_address(settings)
    tell_unknown(place.load())
    log.configure(settings.log_level, settings.log_format, process="gateway")

    from confd_gateway import serve
    from confd_gateway.settings import GatewaySettings

    from ..profiling import profiled

    gateway_settings = GatewaySettings(
        amqp_uri=settings.amqp_uri,
        host=settings.http_host,
        port=settings.http_port,
        auth_mode=settings.auth_mode,
        auth_url=settings.auth_url or None,
        auth_username=settings.auth_username or None,
        auth_password=settings.auth_password or None,
        auth_tokens=settings.auth_tokens or None,
        master_tenant_uuid=settings.master_tenant_uuid or None,
        rpc_exchange=settings.rpc_exchange,
        service_prefix=settings.service_prefix,
        events_exchange=settings.events_exchange,
        timeout=settings.call_timeout,
        drain=settings.drain_seconds,
        message_limit=settings.message_limit,
        connections=settings.http_connections,
        headers_seconds=settings.http_headers_seconds,
        idle=settings.http_idle_seconds,
        stall=settings.http_stall_seconds,
    )
    with profiled(settings.profile_dir, "gateway"):
        serve(gateway_settings)
