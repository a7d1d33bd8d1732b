"""Callers that make calls without end, by RPC with pipelining and by REST, while things break."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from confd_worker.conformance.system import until

from .calls import Call, OverHttp, OverRpc, State
from .scripts import Script, Scripts
from .stage import CALL_SECONDS, Stage

__all__ = ["Load"]

Ways = Sequence[tuple[type[OverRpc] | type[OverHttp], int]]
# One caller each, and how many scripts it follows at the same time.
WAYS: Ways = ((OverRpc, 8), (OverRpc, 8), (OverHttp, 1), (OverHttp, 1))
PROBES: Ways = ((OverRpc, 1), (OverHttp, 1))
# Between two rounds of calls, in seconds, so that what was broken has a chance to start again on few cores.
PACE = 0.05
GIVE_UP = 90
FIRST, RANGE = 100_000, 100_000


class Load:
    """Callers in threads; leaving waits until all scripts have ended.

    Args:
        seed: of what they do.
        context: name of the context for numbers.
        size: how many calls are to be made, about.
        nested: whether whole users are made in one call, too.
    """

    def __init__(self, stage: Stage, tenant: str, seed: str, context: str, size: int, *, nested: bool) -> None:
        self.size = size
        self.calls: list[Call] = []
        self.acknowledged: list[Call] = []
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor()
        self._runs: list[Future[None]] = []
        callers = []
        for place, (way, width) in enumerate((*WAYS, *PROBES)):
            scripts = Scripts(f"{seed}-{place}", context, FIRST + place * RANGE, nested=nested)
            callers.append(_Caller(self, way(stage, tenant), width, scripts))
        self._callers, self._probes = callers[: len(WAYS)], callers[len(WAYS) :]

    def __enter__(self) -> "Load":
        self._runs = [self._pool.submit(caller.run, self._over) for caller in self._callers]
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        for run in self._runs:
            run.exception()
        self._pool.shutdown()
        for caller in (*self._callers, *self._probes):
            caller.close()
        for run in self._runs:
            run.result()

    def reach(self, calls: int) -> None:
        """Wait until so many calls in all are acknowledged."""
        until(lambda: self._fine() and len(self.acknowledged) >= calls, f"{calls} calls are acknowledged", GIVE_UP)

    def outlive(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition for as long as calls are acknowledged."""
        while not condition():
            self.go_on(1)

    def go_on(self, calls: int) -> None:
        """Wait until so many more calls are acknowledged."""
        self.reach(len(self.acknowledged) + calls)

    @contextlib.contextmanager
    def patient(self, seconds: float) -> Iterator[None]:
        """Calls by RPC may take so long meanwhile."""
        for caller in self._callers:
            caller.way.seconds = seconds
        yield
        for caller in self._callers:
            caller.way.seconds = CALL_SECONDS

    def probe(self) -> list[Call]:
        """A call by RPC and one by REST, which begin now and are repeated until they succeed."""
        probes = [self._pool.submit(caller.probe) for caller in self._probes]
        return [probe.result() for probe in probes]

    def _fine(self) -> bool:
        for run in self._runs:
            if run.done():
                run.result()
        return True


class _Caller:
    """Follows some scripts at the same time."""

    def __init__(self, load: Load, way: OverRpc | OverHttp, width: int, scripts: Scripts) -> None:
        self._load, self.way, self._width, self._scripts = load, way, width, scripts
        self._running: list[tuple[Script, Sequence[Call]]] = []

    def close(self) -> None:
        """Let go of the connections."""
        self.way.close()

    def run(self, over: threading.Event) -> None:
        """Follow scripts; begin no new ones once it is over, and finish the others."""
        while self._running or not over.is_set():
            while len(self._running) < self._width and not over.is_set():
                script = self._scripts.draw()
                self._running.append((script, self._begun(next(script))))
            self._attempt([call for _, burst in self._running for call in burst if not call.settled])
            self._running = [pair for script, burst in self._running if (pair := self._next(script, burst))]

    def probe(self) -> Call:
        """Make one call, repeated until it succeeds."""
        (call,) = self._begun([self._scripts.probe()])
        while not call.settled:
            self._attempt([call])
        return call

    def _next(self, script: Script, burst: Sequence[Call]) -> tuple[Script, Sequence[Call]] | None:
        """What the script does next; None when it has ended."""
        if all(call.settled for call in burst):
            following = next(script, None)
            return None if following is None else (script, self._begun(following))
        late = [call for call in burst if not call.settled and time.monotonic() > call.begun + GIVE_UP]
        assert not late, f"{late[0].method} is not answered in {GIVE_UP} s"
        return script, burst

    def _begun(self, burst: Sequence[Call]) -> Sequence[Call]:
        now = time.monotonic()
        for call in burst:
            call.begun = now
        self._load.calls += burst
        return burst

    def _attempt(self, calls: Sequence[Call]) -> None:
        self.way.attempt(calls)
        self._load.acknowledged += [call for call in calls if call.state is State.ACKNOWLEDGED]
        time.sleep(PACE)
