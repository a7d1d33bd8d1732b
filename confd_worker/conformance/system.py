"""A whole system for tests: real servers, worker processes and a gateway, each of which can be killed and started."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import yaml

from confd_worker.client import RPC_EXCHANGE, Client, ClientError, Context, Events
from confd_worker.embedded import free_port

__all__ = ["CHILD", "MASTER_TENANT", "MASTER_TOKEN", "OTHER", "PARENT", "Servers", "System", "until"]

MASTER_TENANT = "00000000-0000-4000-8000-000000000001"
MASTER_TOKEN = "the-master-token"
PARENT = "00000000-0000-4000-8000-00000000000a"
CHILD = "00000000-0000-4000-8000-00000000000b"
OTHER = "00000000-0000-4000-8000-00000000000c"
STARTED = "-- started --"


def until(condition: Callable[[], Any], what: str, seconds: float = 20) -> Any:
    """What `condition` gives as soon as it is true; fails when that takes too long."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"{what} within {seconds} s"
        time.sleep(0.02)


@dataclass(frozen=True)
class Servers:
    """Where the servers are."""

    db_uri: str
    amqp_uri: str


@dataclass
class System:
    """Processes of confd-worker on a database and a broker.

    Attributes:
        folder: for logs and the file of tokens.
        settings: further settings, as environment variables.
    """

    folder: Path
    db_uri: str
    amqp_uri: str
    settings: dict[str, str] = field(default_factory=dict)
    http_port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the gateway is."""
        return f"http://127.0.0.1:{self.http_port}/1.1"

    def environment(self) -> dict[str, str]:
        """The settings of all processes."""
        return {name: value for name, value in os.environ.items() if not name.startswith("CONFD_")} | {
            "CONFD_DB_URI": self.db_uri,
            "CONFD_AMQP_URI": self.amqp_uri,
            "CONFD_HTTP_LISTEN": f"127.0.0.1:{self.http_port}",
            "CONFD_AUTH_MODE": "static",
            "CONFD_AUTH_TOKENS": str(self.folder / "tokens.yml"),
            "CONFD_MASTER_TENANT_UUID": MASTER_TENANT,
            "CONFD_DRAIN_SECONDS": "5",
            "CONFD_MOH_DIRECTORY": str(self.folder / "moh"),
            **self.settings,
        }

    def write_tokens(self, tenants: list[dict[str, Any]], tokens: list[dict[str, Any]]) -> None:
        """The file that the gateway reads its tenants and tokens from."""
        master = {"uuid": MASTER_TENANT, "name": "master"}
        token = {"token": MASTER_TOKEN, "tenant_uuid": MASTER_TENANT, "acl": ["confd.#"]}
        content = {"tenants": [master, *tenants], "tokens": [token, *tokens]}
        (self.folder / "tokens.yml").write_text(yaml.safe_dump(content))

    def start_worker(self, name: str = "worker", **settings: str) -> None:
        """Start a worker process and wait until it answers."""
        self._start(name, ["-m", "confd_worker.worker_process", name], settings)
        self._ready(name, lambda: "bus_connected" in self._log_since_start(name) and self._worker_answers())

    def start_gateway(self, name: str = "gateway") -> None:
        """Start the gateway and wait until it listens."""
        self._start(name, ["-m", "confd_worker", "gateway"], {})
        self._ready(name, self._gateway_answers)

    def kill(self, name: str) -> None:
        """End a process at once, as a crash would."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def stop(self, name: str) -> int:
        """Ask a process to stop; its exit status."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=30)

    def close(self) -> None:
        """End all processes."""
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()
        self.processes.clear()

    def log_of(self, name: str) -> str:
        """What all processes of that name have logged so far."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def _log_since_start(self, name: str) -> str:
        return self.log_of(name).rpartition(STARTED)[2]

    def client(self, tenant: str | None = MASTER_TENANT, timeout: float = 10, **context: Any) -> Client:
        """A client that calls in a tenant; None names none."""
        return Client(
            self.amqp_uri,
            timeout,
            Context(tenant_uuid=tenant, **context),
            exchange=self.settings.get("CONFD_RPC_EXCHANGE", RPC_EXCHANGE),
            prefix=self.settings.get("CONFD_SERVICE_PREFIX", ""),
        )

    def events(self, *names: str, tenant: str | None = None) -> Events:
        """A subscription to the events of these names that are committed from now on."""
        with self.database() as cursor:
            until(lambda: self._nothing_to_tell(cursor), "all earlier events are told")
        return Events(self.amqp_uri, names=names, tenant=tenant)

    @contextlib.contextmanager
    def database(self) -> Iterator[Any]:
        """A cursor in autocommit."""
        connection = psycopg2.connect(self.db_uri)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    @staticmethod
    def _nothing_to_tell(cursor: Any) -> bool:
        cursor.execute("SELECT NOT EXISTS (SELECT FROM outbox)")
        return bool(cursor.fetchone()[0])

    def _start(self, name: str, arguments: list[str], settings: dict[str, str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            log.write(f"{STARTED}\n".encode())
            log.flush()
            self.processes[name] = subprocess.Popen(
                [sys.executable, *arguments], env=self.environment() | settings, stdout=log, stderr=log
            )

    def _ready(self, name: str, answers: Callable[[], bool]) -> None:
        def alive() -> bool:
            status = self.processes[name].poll()
            assert status is None, f"{name} ended with status {status}:\n{self.log_of(name)}"
            return answers()

        until(alive, f"{name} answers", 30)

    def _worker_answers(self) -> bool:
        try:
            with self.client(timeout=1) as client:
                return bool(client.call("status.get"))
        except ClientError:
            return False

    def _gateway_answers(self) -> bool:
        request = urllib.request.Request(f"{self.url}/status", headers={"X-Auth-Token": MASTER_TOKEN})
        try:
            return urllib.request.urlopen(request, timeout=2).status == 200
        except (OSError, urllib.error.URLError):
            return False
