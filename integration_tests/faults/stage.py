"""The system under trial: real servers, supervised worker processes, a gateway, and what they depend on."""

import os
import signal
import subprocess
from pathlib import Path

import httpx

from confd_worker.client import ClientError
from confd_worker.conformance.system import MASTER_TENANT, System, until
from confd_worker.connection import BusUnavailable, connect, disconnect
from confd_worker.embedded import Broker, Postgres

from .fakes import AuthServer, SystemDaemon

__all__ = ["CALL_SECONDS", "WORKERS", "Stage"]

WORKERS = 2
CALL_SECONDS = 1.5
"""How long a call may take: short, so that deadlines pass while something is broken."""
RELAY_LOCK = 0x636F6E01
RABBITMQCTL = ("/usr/lib/rabbitmq/bin/rabbitmqctl", "/opt/rabbitmq/sbin/rabbitmqctl", "/usr/local/sbin/rabbitmqctl")
WHOLE_SECONDS = 60


class Stage(System):
    """Two workers under a supervisor, and a gateway that asks an authentication server.

    Args:
        folder: for logs.
        postgres, broker: servers that run, and that faults may stop and start.
    """

    def __init__(self, folder: Path, postgres: Postgres, broker: Broker) -> None:
        self.postgres, self.broker = postgres, broker
        self.auth, self.sysconfd = AuthServer(), SystemDaemon()
        settings = {
            "CONFD_PROCESSES": str(WORKERS),
            "CONFD_CALL_TIMEOUT": str(CALL_SECONDS),
            "CONFD_AUTH_MODE": "wazo",
            "CONFD_AUTH_URL": self.auth.url,
            "CONFD_AUTH_USERNAME": "confd",
            "CONFD_AUTH_PASSWORD": "secret",
            "CONFD_SYSCONFD_URL": self.sysconfd.url,
            "CONFD_SYSCONFD_MERGE_SECONDS": "0.2",
        }
        super().__init__(folder, postgres.uri, broker.uri, settings)

    def start(self) -> None:
        """Start the workers and the gateway, and wait until all of it works."""
        self.start_workers()
        self.start_gateway()
        self.await_whole()

    def start_workers(self) -> None:
        """Start the supervisor of the workers, without waiting."""
        self._start("workers", ["-m", "confd_worker", "run"], {})

    def start_gateway_alone(self) -> None:
        """Start the gateway, without waiting."""
        self._start("gateway", ["-m", "confd_worker", "gateway"], {})

    def end(self, *names: str) -> None:
        """SIGTERM processes, all at the same time, and wait until they have ended well."""
        ending = [self.processes.pop(name) for name in names]
        for process in ending:
            process.terminate()
        for process in ending:
            assert process.wait(timeout=30) == 0

    def close(self) -> None:
        """End everything but the servers."""
        if "workers" in self.processes:
            self.stop("workers")
        super().close()
        self.auth.close()
        self.sysconfd.close()

    def await_whole(self) -> None:
        """Wait until as many workers as there should be take calls, and the gateway answers."""
        until(lambda: self._consumers() == WORKERS, "all workers take calls", WHOLE_SECONDS)
        until(self._gateway_answers, "the gateway answers", WHOLE_SECONDS)

    def workers(self) -> dict[str, int]:
        """The process ids of the workers by name."""
        supervisor = self.processes["workers"].pid
        pids = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
        return {_words_of(int(pid))[-1]: int(pid) for pid in pids if _is_worker(int(pid))}

    def pids(self) -> set[int]:
        """The process ids of the workers and of the gateway."""
        return {*self.workers().values(), self.processes["gateway"].pid}

    def kill_workers(self, *names: str) -> None:
        """SIGKILL workers, all when none is named; the supervisor starts them again."""
        for name, pid in self.workers().items():
            if name in names or not names:
                os.kill(pid, signal.SIGKILL)

    def relay_holder(self) -> str:
        """The name of the worker that holds the relay."""
        return until(self._relay_holder, "a worker holds the relay")

    def rabbitmqctl(self, *words: str) -> None:
        """Run a command of RabbitMQ's own tool."""
        program = self.broker.processes[-1].program
        script = next(path for path in RABBITMQCTL if os.access(path, os.X_OK))
        done = subprocess.run(
            [script, "--quiet", *words], env=program.environment, cwd=program.folder, capture_output=True, text=True
        )
        assert done.returncode == 0, f"rabbitmqctl {words[0]}: {done.stderr}{done.stdout}"

    def count(self, table: str) -> int:
        """How many rows a table has."""
        with self.database() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table}")
            return int(cursor.fetchone()[0])

    def make_context(self, tenant: str) -> str:
        """Make a context for a tenant's numbers; its name."""
        body = {"label": "internal", "user_ranges": [{"start": "100000", "end": "999999"}]}
        with self.client(tenant) as client:
            return str(client.call("contexts.create", body=body)["name"])

    def nests(self) -> bool:
        """Whether users can be created with their lines and their voicemail in one call."""
        tenant = MASTER_TENANT
        context = self.make_context(tenant)
        body = {"firstname": "probe", "lines": [{"context": context, "endpoint_sip": {}}]}
        try:
            with self.client(tenant) as client:
                return len(client.call("users.create", body=body)["lines"]) == 1
        except (ClientError, KeyError):
            return False

    def _consumers(self) -> int:
        try:
            connection = connect(self.amqp_uri, 5)
        except BusUnavailable:
            return 0
        try:
            return int(connection.channel().queue_declare("rpc-users", passive=True).consumer_count)
        except Exception:
            return 0
        finally:
            disconnect(connection)

    def _relay_holder(self) -> str | None:
        with self.database() as cursor:
            cursor.execute(
                "SELECT client_port FROM pg_stat_activity JOIN pg_locks USING (pid) "
                "WHERE locktype = 'advisory' AND objid = %s AND granted",
                (RELAY_LOCK,),
            )
            found = cursor.fetchone()
        return found and next((name for name, pid in self.workers().items() if _has_port(pid, found[0])), None)

    def _gateway_answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/status", headers={"X-Auth-Token": "status"}, timeout=2).status_code == 200
        except httpx.HTTPError:
            return False


def _words_of(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().strip("\0").split("\0")
    except OSError:
        return [""]


def _is_worker(pid: int) -> bool:
    return "confd_worker.worker_process" in _words_of(pid)


def _has_port(pid: int, port: int) -> bool:
    """Whether a process has a TCP connection from that port."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    inodes = {line.split()[9] for line in lines if int(line.split()[1].partition(":")[2], 16) == port}
    try:
        held = [os.readlink(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return False
    return any(f"socket:[{inode}]" in held for inode in inodes)
