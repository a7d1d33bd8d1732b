"""What is told of a run: tables, plots and the description of the machine, for the terminal and docs/performance.md."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from confd_worker.connection import connect, disconnect

from .bars import Verdict
from .figures import Figures, Key
from .growth import SIZES
from .plots import Panel, Series, plot
from .run import IN_FLIGHT
from .system import System

__all__ = ["as_data", "bars", "machine", "operations", "write"]

_DOCS = Path(__file__).parent.parent / "docs"
_BEGIN, _END = "<!-- measured: begin -->", "<!-- measured: end -->"
_GROUPS = ("worker", "postgresql", "rabbitmq", "gateway", "nameko", "bare", "client")
_SHOWN = ("users.get", "users.list", "users.list any page", "users.list search", "users.create", "users.update")


def machine(system: System) -> dict[str, str]:
    """What it was measured on."""
    system.cursor.execute("SHOW server_version")
    connection = connect(system.broker.uri, 5)
    broker = connection.server_properties["version"]
    disconnect(connection)
    words = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
    model = next((value.strip() for name, _, value in words if name.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": model,
        "cores": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "PostgreSQL": system.cursor.fetchone()[0],
        "RabbitMQ": broker,
    }


def as_data(found: Sequence[Verdict]) -> dict[str, Any]:
    """The bars for JSON."""
    rows = [{"name": each.bar.name, "figure": each.figure, "bar": each.bar.text, "holds": each.holds} for each in found]
    return {"bars": rows}


def bars(found: Sequence[Verdict]) -> str:
    """One line a bar."""
    rows = [(each.bar.name, each.shown, each.bar.text, "holds" if each.holds else "**falls short**") for each in found]
    return _table(("What", "Figure", "Bar", ""), rows)


def operations(figures: Figures) -> str:
    """One line for each operation, way and load."""
    head = ("Operation", "Way", "In flight", "Calls/s", "p50 ms", "p99 ms", "x reference (least to greatest)",
            "Processor ms a call")  # fmt: skip
    return _table(head, [_operation(figures, key) for key in figures.ours])


def write(figures: Figures, found: Sequence[Verdict], machine: dict[str, str]) -> None:
    """Put tables and plots into docs/performance.md, between its marks."""
    (_DOCS / "throughput.svg").write_text(_throughput(figures))
    (_DOCS / "growth.svg").write_text(_growth(figures))
    skipped = "".join(f"\n\nNot measured: {name} ({reason})." for name, reason in figures.skipped.items())
    single = _table(("Figure", ""), [(name, f"{value:.4g}") for name, value in figures.single.items()])
    text = "\n\n".join((
        f"Measured by `make bench` on: {', '.join(f'{name} {value}' for name, value in machine.items())}.",
        bars(found) + skipped,
        "![Throughput and latency against load](throughput.svg)",
        "![Throughput against data size](growth.svg)",
        operations(figures),
        single,
    ))  # fmt: skip
    page = _DOCS / "performance.md"
    before, _, rest = page.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    page.write_text(f"{before}{_BEGIN}\n\n{text}\n\n{_END}{after}")


def _operation(figures: Figures, key: Key) -> tuple[str, ...]:
    ratio = figures.to_reference(key)
    cpu = figures.cpu(key)
    used = ", ".join(f"{name} {cpu[name]:.2f}" for name in _GROUPS if cpu.get(name, 0) >= 0.01)
    numbers = (f"{figures.median(key, what):.4g}" for what in ("rate", "p50", "p99"))
    spread = f"{ratio.median:.2f} ({ratio.least:.2f} to {ratio.greatest:.2f})"
    return key[0], key[1], str(key[2]), *numbers, spread, used


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _throughput(figures: Figures) -> str:
    loads = [str(each) for each in IN_FLIGHT]

    def series(name: str, what: str, dashed: bool = False) -> Series:
        return Series(name, [figures.median((name, "rpc", each), what) for each in IN_FLIGHT], dashed)

    names = (*_SHOWN, "py-amqp echo")
    shown = [name for name in names if all((name, "rpc", each) in figures.ours for each in IN_FLIGHT)]
    rates = Panel("calls a second", loads, [series(name, "rate") for name in shown])
    latencies = [series(name, what, what == "p99") for name in shown for what in ("p50", "p99")]
    return plot("calls in flight, over RPC, one worker process",
                [rates, Panel("p50 (line) and p99 (dashed), ms", loads, latencies)])  # fmt: skip


def _growth(figures: Figures) -> str:
    def series(name: str) -> Series:
        return Series(name, [figures.to_reference((name, f"rpc, {size} users", 32)).median for size in SIZES])

    def everywhere(name: str) -> bool:
        return all((name, f"rpc, {size} users", 32) in figures.ours for size in SIZES)

    names = [name for name in dict.fromkeys(name for name, _, _ in figures.ours) if everywhere(name)]
    panel = Panel("calls, as a multiple of the stock nameko echo", list(SIZES), [series(name) for name in names])
    return plot("users (tenants x users), 32 calls in flight", [panel])
