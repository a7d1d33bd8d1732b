"""One run of the benchmark: the system, what is in its database, and the figures so far."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from . import data
from .calls import Call, operations
from .figures import Figures, Sample
from .references import BARE, NAMEKO
from .system import System

__all__ = ["IN_FLIGHT", "Run"]

IN_FLIGHT = (1, 8, 32)
_USERS, _POOL = 1000, 3000
_LEAST_ROUNDS = 2


@dataclass
class Run:
    """What the parts of the benchmark share.

    Attributes:
        seconds: length of one sample.
        only: names of the operations to measure; all when empty.
        say: tells the user what is being done.
    """

    system: System
    seconds: float
    only: Sequence[str]
    say: Callable[[str], None]
    figures: Figures = field(default_factory=Figures)

    @cached_property
    def read(self) -> data.Tenant:
        """A tenant with 1,000 users, whose number stays."""
        return data.fill(self.system.cursor, 1, _USERS)[0]

    @cached_property
    def written(self) -> data.Tenant:
        """A tenant that users are made in."""
        return data.fill(self.system.cursor, 1, 10)[0]

    @cached_property
    def calls(self) -> list[Call]:
        """The operations to measure; what the worker refuses is left out and noted."""
        cursor = self.system.cursor
        pools = data.unassociated(cursor, self.written, _POOL), data.doomed(cursor, self.written, _POOL)
        known = operations(self.read, self.written, *pools)
        return [call for call in known if (not self.only or call.name in self.only) and self._served(call)]

    def start_echoes(self) -> None:
        """Start the two echoes."""
        self.system.start_echo("nameko", NAMEKO.method)
        self.system.start_echo("bare", BARE.method)

    def beside_nameko(self, way: str, rounds: int, calls: Sequence[Call], in_flight: int) -> None:
        """Measure calls over RPC, each right after the stock nameko echo under the same load."""
        for call in self.rounds(rounds, calls):
            reference = self.sample(NAMEKO, in_flight)
            self.figures.add((call.name, way, in_flight), reference, self.sample(call, in_flight))

    def rounds(self, number: int, calls: Sequence[Call]) -> Iterator[Call]:
        """Each call in turn, in so many rounds; in fewer, but two, where they take twice the time they should."""
        until = time.monotonic() + number * len(calls) * 2 * self.seconds * 2
        for done in range(number):
            if done >= _LEAST_ROUNDS and time.monotonic() > until:
                return
            yield from calls

    def sample(self, call: Call, in_flight: int) -> Sample:
        """One sample over RPC."""
        return self.system.rpc(call, in_flight, self.seconds)

    def _served(self, call: Call) -> bool:
        try:
            self.system.rpc_load(call, 1, 60, calls=1).result()
        except RuntimeError as error:
            self.figures.skipped[call.name] = _reason(str(error))
            return False
        return True


def _reason(told: str) -> str:
    """The message in an error that the load generator met."""
    _, _, reply = told.partition(": ")
    try:
        return str(json.loads(reply)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return reply
