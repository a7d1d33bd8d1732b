"""How reads and creates behave as the data grow; each size alone in the database, beside the stock nameko echo."""

from . import data
from .calls import Call, growing
from .run import Run

__all__ = ["SIZES", "growth"]

SIZES = {"1 k": (1, 1_000), "10 k": (1, 10_000), "100 k": (1, 100_000), "1,000 x 100": (1_000, 100)}
"""Number of tenants, and of users in each, by what tables call it."""

_ROUNDS = 5
_SLOW = 300.0
_IN_FLIGHT = 32


def growth(run: Run) -> None:
    """Get, list, search and create, with each size of data."""
    for name, (tenants, each) in SIZES.items():
        run.say(f"growth: {name} users")
        data.empty(run.system.cursor)
        tenant = data.fill(run.system.cursor, tenants, each)[tenants // 2]
        calls = [call for call in growing(tenant) if not run.only or call.name in run.only]
        calls = [call for call in calls if _quick_enough(run, call, name)]
        run.beside_nameko(f"rpc, {name} users", _ROUNDS, calls, _IN_FLIGHT)


def _quick_enough(run: Run, call: Call, size: str) -> bool:
    """Whether a call is quick enough to be made many times at once, which also warms it up."""
    run.system.rpc_load(call, 1, 60, calls=1).result()
    took = run.system.rpc(call, 1, run.seconds).p50
    if took > _SLOW:
        run.figures.skipped[f"{call.name}, {size} users"] = f"takes {took:.0f} ms"
    return took <= _SLOW
