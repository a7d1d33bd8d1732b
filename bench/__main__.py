"""Measures the worker and the gateway: python -m bench [--help]"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from confd_worker.client import ClientError

from . import report
from .bars import verdicts
from .events import events
from .footprint import memory, start
from .growth import growth
from .imports import imports
from .run import Run
from .system import System
from .throughput import database, http, processes, rpc

__all__ = ["main"]

PARTS: dict[str, Callable[[Run], None]] = {
    "start": start,
    "database": database,
    "rpc": rpc,
    "http": http,
    "import": imports,
    "events": events,
    "processes": processes,
    "memory": memory,
    "growth": growth,
}
OPERATIONS = (
    "users.get", "users.list", "users.list any page", "users.list search", "users.create", "users.update",
    "user_lines.associate", "users.create nested", "users.delete",
)  # fmt: skip
RESULTS = Path(__file__).parent / "results.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 0 when no part failed and all bars hold that were measured, else 1."""
    given = _parser().parse_args(arguments)
    names = given.names
    parts = [name for name in PARTS if name in names] or (["rpc", "http"] if names else list(PARTS))
    only = [name for name in OPERATIONS if name in names]
    begun = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - begun:6.1f} s  {what}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="confd-bench-") as folder, System(Path(folder)) as system:
        say("servers run")
        run = Run(system, given.seconds, only, say)
        system.start_worker()
        run.start_echoes()
        for part in parts:
            try:
                PARTS[part](run)
            except (ClientError, RuntimeError, TimeoutError) as error:
                # The other parts still count.
                run.figures.skipped[part] = str(error)
                say(f"{part} failed: {error}")
        machine = report.machine(system)
    found = [verdict for verdict in verdicts(run.figures) if not names or verdict.figure is not None]
    RESULTS.write_text(json.dumps({"machine": machine, **run.figures.as_data(), **report.as_data(found)}, indent=1))
    if not names:
        report.write(run.figures, found, machine)
    print(report.operations(run.figures), report.bars(found), sep="\n\n")
    failed = run.figures.skipped.keys() & PARTS.keys()
    return 0 if not failed and all(verdict.holds for verdict in found) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m bench",
        description="Measure the worker and the gateway beside what they stand on. Everything is private to the run, "
        "and takes up to ten minutes. All of it also writes docs/performance.md; the figures go to bench/results.json.",
        epilog="Exits with 1 when a part fails, or a bar that was measured falls short.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        choices=[*PARTS, *OPERATIONS, []],
        metavar="NAME",
        help=f"what to measure: parts ({', '.join(PARTS)}), operations ({', '.join(OPERATIONS)}); all when left out",
    )
    parser.add_argument("--seconds", type=_seconds, default=0.5, help="length of one sample (default: %(default)s)")
    return parser


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.05 <= value <= 60:
        raise argparse.ArgumentTypeError(f"must be from 0.05 to 60, not {text}")
    return value


if __name__ == "__main__":
    sys.exit(main())
