"""What is measured: loads, samples, and the ratios of samples that were taken one right after the other."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Figures", "Load", "Ratio", "Sample", "percentile"]


@dataclass(frozen=True)
class Load:
    """What a load generator saw.

    Attributes:
        latencies: seconds from each call to its answer.
        seconds: how long it took.
        cpu: processor time of the generator itself, in seconds.
    """

    latencies: list[float]
    seconds: float
    cpu: float


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which so many percent of the values are; not a number when there is none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)] if ordered else float("nan")


@dataclass(frozen=True)
class Sample:
    """A short run of one kind of call.

    Attributes:
        calls: how many were answered.
        rate: calls a second.
        p50, p99: latency in milliseconds.
        cpu: milliseconds of processor time a call by group of processes.
    """

    calls: int
    rate: float
    p50: float
    p99: float
    cpu: dict[str, float]

    @classmethod
    def of(cls, load: Load, cpu: dict[str, float]) -> "Sample":
        """From what the generator saw, and the seconds of processor time of others meanwhile."""
        calls = len(load.latencies)
        each = {name: seconds * 1000 / max(calls, 1) for name, seconds in (cpu | {"client": load.cpu}).items()}
        latencies = load.latencies
        return cls(calls, calls / load.seconds, percentile(latencies, 50) * 1e3, percentile(latencies, 99) * 1e3, each)


@dataclass(frozen=True)
class Ratio:
    """A ratio, as the median of those of all rounds, with the least and the greatest."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Ratio":
        """From the ratios of all rounds."""
        return cls(statistics.median(values), min(values), max(values))


Key = tuple[str, str, int]
"""Name of the operation, way (`rpc`, `http`, …) and calls in flight."""


@dataclass
class Figures:
    """All that was measured.

    Attributes:
        ours: the samples of each operation, one a round.
        beside: the samples of the reference taken right before each of them.
        single: figures that stand for themselves, by name.
        skipped: what could not be measured, and why.
    """

    ours: dict[Key, list[Sample]] = field(default_factory=dict)
    beside: dict[Key, list[Sample]] = field(default_factory=dict)
    single: dict[str, float] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def add(self, key: Key, reference: Sample, sample: Sample) -> None:
        """Keep a sample and that of the reference before it."""
        self.beside.setdefault(key, []).append(reference)
        self.ours.setdefault(key, []).append(sample)

    def median(self, key: Key, what: str = "rate") -> float:
        """The median of a figure over all rounds."""
        return statistics.median(getattr(sample, what) for sample in self.ours[key])

    def cpu(self, key: Key) -> dict[str, float]:
        """The medians of the processor time a call, in milliseconds, by group of processes."""
        samples = self.ours[key]
        return {name: statistics.median(sample.cpu[name] for sample in samples) for name in samples[0].cpu}

    def to_reference(self, key: Key, what: str = "rate") -> Ratio:
        """A figure of an operation as a multiple of that of its reference."""
        pairs = zip(self.ours[key], self.beside[key], strict=True)
        return Ratio.of([getattr(one, what) / getattr(other, what) for one, other in pairs])

    def to(self, key: Key, other: Key, what: str = "rate") -> Ratio:
        """A figure of an operation as a multiple of that of another one in the same round."""
        pairs = zip(self.ours[key], self.ours[other], strict=False)
        return Ratio.of([getattr(one, what) / getattr(two, what) for one, two in pairs])

    def as_data(self) -> dict[str, Any]:
        """All of it for JSON."""
        return {
            "operations": [
                {"operation": name, "way": way, "in_flight": in_flight, "rounds": [vars(each) for each in samples],
                 "reference_rounds": [vars(each) for each in self.beside[name, way, in_flight]]}
                for (name, way, in_flight), samples in self.ours.items()
            ],
            "figures": self.single,
            "skipped": self.skipped,
        }  # fmt: skip
