"""Hosts services in this process until it is told to stop.

eventlet must be patched in before this module is imported.
"""

import logging
import os
import signal
from typing import Any

import eventlet
from nameko.constants import MAX_WORKERS_CONFIG_KEY
from nameko.runners import ServiceRunner

from .config import Settings
from .core.plugin.discovery import discover
from .core.runtime import RUNTIME, Runtime
from .profiling import profiled

__all__ = ["Host", "main"]

_log = logging.getLogger(__name__)


class Host:
    """The services of one process.

    Args:
        settings: of the worker.
        services: names of the services to host; all that are installed when empty.
    """

    def __init__(self, settings: Settings, services: list[str]) -> None:
        everything = discover()
        wanted = discover(services or settings.services)
        self._drain_seconds = settings.drain_seconds
        self.runtime = Runtime(settings, {name: each.events() for name, each in everything.items()})
        self._runner = ServiceRunner({MAX_WORKERS_CONFIG_KEY: settings.max_workers, RUNTIME: self.runtime})
        for service in wanted.values():
            self._runner.add_service(service)
        self._stopped = eventlet.event.Event()

    def start(self) -> None:
        """Begin to answer calls."""
        self._runner.start()
        self.runtime.start()
        _log.info("worker_started services=%s pid=%s", len(self._runner.service_names), os.getpid())

    def stop(self) -> None:
        """Take no more calls, finish those that run, and close the connections.

        What has not ended when the deadline passes is left: it was not acknowledged, and so another worker does it.
        """
        deadline = eventlet.Timeout(self._drain_seconds)
        try:
            self._runner.stop()
            self.runtime.stop()
        except eventlet.Timeout:
            _log.warning("worker_not_drained after=%ss", self._drain_seconds)
        finally:
            deadline.cancel()
        if not self._stopped.ready():
            self._stopped.send(None)

    def wait(self) -> None:
        """Wait until the services have stopped; raises what stopped one of them unasked."""
        self._runner.wait()
        self._stopped.wait()


def main(settings: Settings, services: list[str]) -> None:
    """Host the services until SIGTERM or SIGINT.

    Args:
        settings: of the worker.
        services: names of the services to host; all that are installed when empty.
    """
    _quieten_nameko()
    with profiled(settings.profile_dir, "worker"):
        _serve(Host(settings, services))
    _log.info("worker_stopped pid=%s", os.getpid())
    # Not sys.exit: greenlets that outlived the deadline must not hold the process.
    logging.shutdown()
    os._exit(0)


def _serve(host: Host) -> None:
    """Run until a signal says stop."""
    host.start()

    def stop(signum: int, frame: Any) -> None:
        signal.signal(signum, signal.SIG_IGN)
        eventlet.spawn_n(host.stop)

    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, stop)
    host.wait()


def _quieten_nameko() -> None:
    # What goes wrong in a call is logged by the entrypoint, once and without its arguments.
    logging.getLogger("nameko.containers").setLevel(logging.CRITICAL)
    logging.getLogger("nameko").setLevel(logging.WARNING)
