"""A private RabbitMQ node of the RabbitMQ that is installed."""

import os
import secrets
import shutil
from pathlib import Path

from ..connection import BusUnavailable, connect, disconnect
from ..supervisor import Process, Program
from .server import LOOPBACK, STOP_SECONDS, UMASK, USER, EmbeddedError, Server, write_private

__all__ = ["Broker"]

SCRIPTS = (
    "/usr/lib/rabbitmq/bin/rabbitmq-server",
    "/opt/rabbitmq/sbin/rabbitmq-server",
    "/usr/local/sbin/rabbitmq-server",
    "/opt/homebrew/sbin/rabbitmq-server",
)


class Broker(Server):
    """A RabbitMQ node that knows no other, with its own epmd, cookie and plugins (none)."""

    name = "rabbitmq"
    title = "RabbitMQ"
    ports = ("port", "dist_port", "epmd_port")

    @property
    def uri(self) -> str:
        """Where the broker is, with its password."""
        return f"amqp://{USER}:{self._kept['password']}@{LOOPBACK}:{self._kept['port']}/"

    def _prepared(self) -> list[Process]:
        server, epmd = _rabbitmq_script(), _epmd()
        self._write_configuration()
        epmd_program = Program(
            "epmd",
            [epmd],
            environment=self._environment(),
            folder=self.folder,
            log=self.folder / "epmd.log",
            limits=self._log_limits,
            umask=UMASK,
        )
        program = Program(
            self.name,
            [server],
            environment=self._environment(),
            folder=self.folder,
            log=self.log,
            limits=self._log_limits,
            umask=UMASK,
            patience=STOP_SECONDS,
        )
        return [Process(epmd_program), Process(program)]

    def _write_configuration(self) -> None:
        lines = [
            f"listeners.tcp.1 = {LOOPBACK}:{self._kept['port']}",
            f"default_user = {USER}",
            f"default_pass = {self._kept['password']}",
            "disk_free_limit.absolute = 50MB",
            "log.file.level = warning",
            f"log.file.rotation.size = {self._log_limits.bytes}",
            f"log.file.rotation.count = {self._log_limits.kept}",
        ]
        write_private(self.folder / "rabbitmq.conf", "\n".join(lines) + "\n")
        write_private(self.folder / "enabled_plugins", "[].\n")
        write_private(self.folder / "environment", "")
        cookie = self.folder / ".erlang.cookie"
        if not cookie.exists():
            write_private(cookie, secrets.token_hex(16))

    def _environment(self) -> dict[str, str]:
        """This process's environment without anything that speaks to another node, and our own settings."""
        others = ("RABBITMQ_", "ERL_", "NOTIFY_SOCKET")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(others)}
        # RabbitMQ does not cope with spaces in the names of its folders; this name of its own folder has none.
        here = "/proc/self/cwd" if Path("/proc/self/cwd").exists() else str(self.folder)
        return environment | {
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "ERL_CRASH_DUMP_BYTES": str(self._log_limits.bytes),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_EPMD_PORT": str(self._kept["epmd_port"]),
            "RABBITMQ_NODENAME": "confd@localhost",
            "RABBITMQ_DIST_PORT": str(self._kept["dist_port"]),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_CONF_ENV_FILE": f"{here}/environment",
            "RABBITMQ_CONFIG_FILE": f"{here}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{here}/enabled_plugins",
            "RABBITMQ_MNESIA_BASE": f"{here}/data",
            "RABBITMQ_LOG_BASE": here,
            "RABBITMQ_LOGS": f"{here}/warnings.log",
            # Makes the script become the server, instead of waiting for it and missing our signals.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def _answers(self) -> bool:
        try:
            disconnect(connect(self.uri, 5))
        except BusUnavailable:
            return False
        return True


def _rabbitmq_script() -> str:
    """RabbitMQ's own script; that of Debian in the PATH serves root and one user only."""
    for script in (*SCRIPTS, shutil.which("rabbitmq-server")):
        if script and os.access(script, os.X_OK):
            return script
    raise EmbeddedError(
        "RabbitMQ is not installed: install the package rabbitmq-server "
        "(apt-get install --no-install-recommends rabbitmq-server), or set CONFD_AMQP_URI"
    )


def _epmd() -> str:
    inside = sorted(str(path) for path in Path("/usr/lib/erlang").glob("erts-*/bin/epmd"))
    for program in (shutil.which("epmd"), *inside):
        if program:
            return program
    raise EmbeddedError("Erlang's epmd is not installed, which RabbitMQ needs: install the package erlang-base")
