"""Calls a second, latency and processor time a call: PostgreSQL alone, over RPC, over HTTP, with two processes."""

from functools import partial

from .references import BARE, database_loads
from .run import IN_FLIGHT, Run

__all__ = ["database", "http", "processes", "rpc"]

_ROUNDS = {1: 3, 8: 2, 32: 4}
_HTTP_ROUNDS = {1: 1, 8: 4, 32: 1}


def database(run: Run) -> None:
    """What PostgreSQL takes alone, beside the bare echo."""
    loads = database_loads(run.system.postgres.uri, run.read)
    for _ in range(3):
        for name, load in loads.items():
            reference = run.sample(BARE, 1)
            sample = run.system.measured(partial(load, run.seconds))
            run.figures.add((name, "psycopg2", 1), reference, sample)


def rpc(run: Run) -> None:
    """All operations over RPC, beside the stock nameko echo; and the bare echo beside it, too."""
    for in_flight in IN_FLIGHT:
        run.say(f"over RPC, {in_flight} in flight")
        for call in run.calls:
            run.system.rpc(call, in_flight, run.seconds / 2)
        run.beside_nameko("rpc", _ROUNDS[in_flight], [BARE, *run.calls], in_flight)


def http(run: Run) -> None:
    """All operations through the gateway, each beside the same over RPC."""
    run.system.start_gateway([run.read.uuid, run.written.uuid])
    for connections in IN_FLIGHT:
        run.say(f"over HTTP, {connections} connections")
        for call in run.rounds(_HTTP_ROUNDS[connections], run.calls):
            reference = run.sample(call, connections)
            sample = run.system.http(call, connections, run.seconds)
            run.figures.add((call.name, "http", connections), reference, sample)
    run.system.stop("gateway")


def processes(run: Run) -> None:
    """All operations over RPC with two worker processes, beside one process of the stock nameko echo."""
    run.say("over RPC, 32 in flight, two worker processes")
    run.system.start_worker("worker-2")
    run.beside_nameko("rpc, 2 processes", 2, run.calls, IN_FLIGHT[-1])
    run.system.stop("worker-2")
