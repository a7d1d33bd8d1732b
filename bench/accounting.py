"""Processor time and memory of processes with all their children, from Linux's own accounting."""

import os
from pathlib import Path

__all__ = ["cpu_seconds", "peak_megabytes", "resident_megabytes"]

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(roots: dict[str, list[int]]) -> dict[str, float]:
    """Processor time that each group has used so far, children that have ended included.

    Args:
        roots: process ids by name of the group.
    """
    parents: dict[int, int] = {}
    ticks: dict[int, int] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in parentheses, may hold anything.
            fields = file.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        pid = int(file.parent.name)
        parents[pid], ticks[pid] = int(fields[1]), sum(int(each) for each in fields[11:15])
    return {
        name: sum(each for pid, each in ticks.items() if _below(pid, pids, parents)) / _TICKS
        for name, pids in roots.items()
    }


def _below(pid: int, roots: list[int], parents: dict[int, int]) -> bool:
    while pid in parents:
        if pid in roots:
            return True
        pid = parents[pid]
    return False


def resident_megabytes(pid: int) -> float:
    """Memory that a process has in RAM now, in megabytes."""
    return _status(pid, "VmRSS")


def peak_megabytes(pid: int) -> float:
    """The most memory that a process ever had in RAM, in megabytes."""
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) * 1024 / 1e6
