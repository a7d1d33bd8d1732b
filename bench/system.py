"""What is measured: a PostgreSQL, a RabbitMQ, worker processes, a gateway and the echoes, all private to one run."""

import contextlib
import multiprocessing
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import psycopg2
import yaml

from confd_worker.client import Client, ClientError, Context
from confd_worker.embedded import Broker, Postgres, free_port
from confd_worker.migrate import upgrade
from confd_worker.supervisor import Process, Program

from . import http_load, rpc_load
from .accounting import cpu_seconds
from .calls import Call
from .figures import Load, Sample

__all__ = ["MASTER_TENANT", "System"]

MASTER_TENANT = "00000000-0000-4000-8000-000000000001"
_TOKEN = "bench-token"
_PATIENCE = 60


class System:
    """Everything in one folder; a context manager that ends all of it.

    Args:
        folder: for data and logs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres, self.broker = Postgres(folder), Broker(folder)
        self.http_port = free_port()
        self._processes: dict[str, Process] = {}
        self._stack = contextlib.ExitStack()
        self._numbers: dict[str, int] = {}

    def __enter__(self) -> "System":
        with contextlib.ExitStack() as stack:
            for server in (self.postgres, self.broker):
                stack.callback(server.stop)
                server.launch()
            self.postgres.wait_until_ready()
            upgrade(self.postgres.uri)
            self.broker.wait_until_ready()
            stack.callback(self._stop_all)
            # Of its own, so that what loads and what is loaded are told apart.
            spawn = multiprocessing.get_context("spawn")
            self._generator = stack.enter_context(ProcessPoolExecutor(1, mp_context=spawn))
            self.cursor = stack.enter_context(self._database())
            self._caller = stack.enter_context(self.client(timeout=2))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: object, *exception: object) -> None:
        if kind is not None:
            for name, process in self._processes.items():
                print(f"The end of the log of {name}:", process.last_lines(), sep="\n", file=sys.stderr)
        self._stack.close()

    def start_worker(self, name: str = "worker-1") -> float:
        """Start a worker process; the seconds until its first answer."""
        return self._start(name, ["-m", "confd_worker.worker_process", name], self._worker_answers)

    def start_gateway(self, tenants: list[str]) -> None:
        """Start the gateway, which knows these tenants, and wait until it answers."""
        known = [{"uuid": MASTER_TENANT, "name": "master"}]
        known += [{"uuid": uuid, "parent_uuid": MASTER_TENANT, "name": uuid} for uuid in tenants]
        token = {"token": _TOKEN, "tenant_uuid": MASTER_TENANT, "acl": ["confd.#"]}
        (self.folder / "tokens.yml").write_text(yaml.safe_dump({"tenants": known, "tokens": [token]}))
        self._start("gateway", ["-m", "confd_worker", "gateway"], self._gateway_answers)

    def start_echo(self, kind: str, method: str) -> None:
        """Start the echo `nameko` or `bare`, and wait until it answers."""
        arguments = ["-m", "bench.references", kind, self.broker.uri]
        self._start(kind, arguments, lambda: self._answers(method, value=None))

    def stop(self, name: str) -> None:
        """Stop a process."""
        self._processes.pop(name).stop()

    def pid(self, name: str) -> int:
        """The process id of a process."""
        pid = self._processes[name].pid
        assert pid is not None
        return pid

    def client(self, tenant: str | None = None, timeout: float = 10) -> Client:
        """A client that acts in a tenant."""
        return Client(self.broker.uri, timeout, Context(tenant_uuid=tenant))

    def rpc(self, call: Call, in_flight: int, seconds: float) -> Sample:
        """Load over RPC."""
        return self.measured(lambda: self.rpc_load(call, in_flight, seconds).result())

    def http(self, call: Call, connections: int, seconds: float) -> Sample:
        """Load over HTTP."""
        first, calls = self._prepared(call)
        arguments = (self.http_port, _TOKEN, call, first, connections, seconds, calls)
        return self.measured(lambda: self._counted(call, self._generator.submit(http_load.run, *arguments)).result())

    def rpc_load(self, call: Call, in_flight: int, seconds: float, calls: int | None = None) -> "Future[Load]":
        """Load over RPC that runs while other things are done."""
        first, most = self._prepared(call)
        arguments = (self.broker.uri, call, first, in_flight, seconds, calls or most)
        return self._counted(call, self._generator.submit(rpc_load.run, *arguments))

    def measured(self, load: Callable[[], Load]) -> Sample:
        """Run a load, and account for the processor time meanwhile."""
        before = cpu_seconds(self._groups())
        done = load()
        after = cpu_seconds(self._groups())
        return Sample.of(done, {name: after[name] - before[name] for name in before})

    def _prepared(self, call: Call) -> tuple[int, int | None]:
        """Number of the first call, and how many there may be."""
        if call.pool is not None:
            self.cursor.execute(call.pool.refill)
            return 0, call.pool.size
        return self._numbers.get(call.name, 0), None

    def _counted(self, call: Call, load: "Future[Load]") -> "Future[Load]":
        def count(done: "Future[Load]") -> None:
            # When an error ends the load, some were sent and not answered.
            made = 1000 if done.exception() else len(done.result().latencies)
            self._numbers[call.name] = self._numbers.get(call.name, 0) + made

        load.add_done_callback(count)
        return load

    def _groups(self) -> dict[str, list[int]]:
        servers = {"postgresql": self.postgres, "rabbitmq": self.broker}
        groups = {name: [process.pid or 0 for process in server.processes] for name, server in servers.items()}
        for name, process in self._processes.items():
            groups.setdefault(name.partition("-")[0], []).append(process.pid or 0)
        return groups

    def _start(self, name: str, arguments: list[str], answers: Callable[[], bool]) -> float:
        log = self.folder / f"{name}.log"
        process = Process(Program(name, [sys.executable, *arguments], environment=self._environment(), log=log))
        begun = time.monotonic()
        process.start()
        self._processes[name] = process
        while not answers():
            if not process.alive or time.monotonic() > begun + _PATIENCE:
                raise RuntimeError(f"{name} does not answer:\n{process.last_lines()}")
            time.sleep(0.02)
        return time.monotonic() - begun

    def _environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("CONFD_")}
        return own | {
            "CONFD_DB_URI": self.postgres.uri,
            "CONFD_AMQP_URI": self.broker.uri,
            "CONFD_HTTP_LISTEN": f"127.0.0.1:{self.http_port}",
            "CONFD_AUTH_MODE": "static",
            "CONFD_AUTH_TOKENS": str(self.folder / "tokens.yml"),
            "CONFD_MASTER_TENANT_UUID": MASTER_TENANT,
            **{name: value for name, value in os.environ.items() if name == "CONFD_PROFILE_DIR"},
        }

    def _worker_answers(self) -> bool:
        return self._answers("status.get")

    def _answers(self, method: str, **arguments: Any) -> bool:
        try:
            self._caller.call(method, **arguments)
        except ClientError:
            return False
        return True

    def _gateway_answers(self) -> bool:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http_port}/1.1/status", headers={"X-Auth-Token": _TOKEN}
        )
        try:
            with urllib.request.urlopen(request, timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    @contextlib.contextmanager
    def _database(self) -> Iterator[Any]:
        connection = psycopg2.connect(self.postgres.uri)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def _stop_all(self) -> None:
        for process in self._processes.values():
            process.kill()
