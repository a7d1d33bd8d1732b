"""What a worker process takes: time to start, memory at rest, memory after many calls."""

import statistics
import time

from .accounting import cpu_seconds, resident_megabytes
from .run import Run

__all__ = ["memory", "start"]

_STARTS = 3
_REST = 2
_STEPS, _STEP_CALLS, _LONGEST = 10, 10_000, 90


def start(run: Run) -> None:
    """Seconds and processor time from the start to the first answer, and memory at rest, with all services."""
    run.say("start")
    system = run.system
    took, used = [], []
    for _ in range(_STARTS):
        system.stop("worker-1")
        took.append(system.start_worker())
        used.append(cpu_seconds({"worker": [system.pid("worker-1")]})["worker"])
    time.sleep(_REST)
    run.figures.single["start, s"] = statistics.median(took)
    run.figures.single["start, processor s"] = statistics.median(used)
    run.figures.single["memory at rest, MB"] = resident_megabytes(system.pid("worker-1"))


def memory(run: Run) -> None:
    """Memory along 100,000 calls, or as many as there is time for."""
    call = next(call for call in run.calls if call.name == "users.get")
    pid = run.system.pid("worker-1")
    until = time.monotonic() + _LONGEST
    for step in range(1, _STEPS + 1):
        if time.monotonic() > until:
            break
        run.say(f"memory: {step * _STEP_CALLS:,} calls")
        run.system.rpc_load(call, 32, 600, calls=_STEP_CALLS).result()
        run.figures.single[f"memory after {step * _STEP_CALLS:,} calls, MB"] = resident_megabytes(pid)
