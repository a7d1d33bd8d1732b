"""How many inputs were tried, by what they were sent to."""

import time
from collections import Counter

__all__ = ["TALLY"]


class _Tally:
    def __init__(self) -> None:
        self.kind = ""
        self.inputs: Counter[str] = Counter()
        self._targets: dict[str, set[str]] = {}
        self._begun: dict[str, float] = {}
        self._last: dict[str, float] = {}

    def begin(self, kind: str) -> None:
        """Count for that kind of input from now on."""
        self.kind = kind
        self._begun.setdefault(kind, time.monotonic())

    def count(self, target: str, inputs: int = 1) -> None:
        """Note inputs that the target has taken well."""
        self.inputs[self.kind] += inputs
        self._targets.setdefault(self.kind, set()).add(target)
        self._last[self.kind] = time.monotonic()

    def lines(self) -> list[str]:
        """A table."""
        lines = [f"{'kind':<28}{'targets':>9}{'inputs':>9}{'seconds':>9}"]
        for kind, inputs in self.inputs.items():
            seconds = self._last[kind] - self._begun[kind]
            lines.append(f"{kind:<28}{len(self._targets[kind]):>9}{inputs:>9}{seconds:>9.1f}")
        return [*lines, f"{'all':<28}{'':>9}{self.inputs.total():>9}"]


TALLY = _Tally()
"""Of this run."""
