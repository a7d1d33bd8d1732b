"""The bars: what has to hold, one line each."""

import operator
from collections.abc import Callable
from dataclasses import dataclass

from .figures import Figures, Key

__all__ = ["BARS", "Bar", "Verdict", "verdicts"]


@dataclass(frozen=True)
class Bar:
    """What has to hold.

    Attributes:
        name: what it is about.
        figure: finds the figure; raises KeyError where it was not measured.
        holds: compares the figure with the limit.
        limit: the bar itself.
        unit: of both.
    """

    name: str
    figure: Callable[[Figures], float]
    holds: Callable[[float, float], bool]
    limit: float
    unit: str = ""

    @property
    def text(self) -> str:
        """The bar as tables show it."""
        return f"{'≥' if self.holds is operator.ge else '≤'} {self.limit:g} {self.unit}".rstrip()


@dataclass(frozen=True)
class Verdict:
    """Whether a bar holds; the figure is None where it was not measured."""

    bar: Bar
    figure: float | None

    @property
    def holds(self) -> bool:
        """Whether the bar holds."""
        return self.figure is not None and self.bar.holds(self.figure, self.bar.limit)

    @property
    def shown(self) -> str:
        """The figure as tables show it."""
        return "not measured" if self.figure is None else f"{self.figure:.3g} {self.bar.unit}".rstrip()


def _rpc(name: str, in_flight: int = 32, way: str = "rpc") -> Key:
    return name, way, in_flight


def _to_nameko(name: str) -> Callable[[Figures], float]:
    return lambda figures: figures.to_reference(_rpc(name)).median


def _to_rpc(name: str) -> Callable[[Figures], float]:
    return lambda figures: figures.to_reference((name, "http", 8)).median


def _single(name: str) -> Callable[[Figures], float]:
    return lambda figures: figures.single[name]


def _slower(name: str, small: str, great: str) -> Callable[[Figures], float]:
    """How much longer a call takes with more data, each beside the stock nameko echo at the time."""

    def figure(figures: Figures) -> float:
        at = [figures.to_reference(_rpc(name, way=f"rpc, {size} users")).median for size in (small, great)]
        return at[0] / at[1]

    return figure


def _faster(name: str, small: str, great: str) -> Callable[[Figures], float]:
    slower = _slower(name, small, great)
    return lambda figures: 1 / slower(figures)


def _relay(figures: Figures) -> float:
    return figures.single["relay, events a second"] / figures.single["creates a second around the relay"]


BARS = (
    Bar("users.get", _to_nameko("users.get"), operator.ge, 0.6, "x R1"),
    Bar("users.list of 50", lambda all: all.to(_rpc("users.list"), _rpc("users.get")).median, operator.ge, 0.6,
        "x users.get"),
    Bar("users.create", _to_nameko("users.create"), operator.ge, 0.3, "x R1"),
    Bar("users.update", _to_nameko("users.update"), operator.ge, 0.25, "x R1"),
    Bar("user_lines.associate", _to_nameko("user_lines.associate"), operator.ge, 0.25, "x R1"),
    Bar("users.create nested", _to_nameko("users.create nested"), operator.ge, 0.12, "x R1"),
    Bar("p50 of users.get, sequential", lambda all: all.to_reference(_rpc("users.get", 1), "p50").median, operator.le,
        2, "x R1"),
    Bar("GET /users/{uuid}, 8 connections", _to_rpc("users.get"), operator.ge, 0.7, "x RPC"),
    Bar("GET /users?limit=50, 8 connections", _to_rpc("users.list"), operator.ge, 0.7, "x RPC"),
    Bar("import", _single("import, rows a second"), operator.ge, 250, "rows/s"),
    Bar("import, more memory the second time", _single("import, more memory the second time, MB"), operator.le, 8,
        "MB"),
    Bar("event lag p50, idle", _single("event lag p50, idle, ms"), operator.le, 10, "ms"),
    Bar("event lag p99, under load", _single("event lag p99, under load, ms"), operator.le, 100, "ms"),
    Bar("relay", _relay, operator.ge, 3, "x create"),
    Bar("search among 100 k", _faster("users.list search", "1 k", "100 k"), operator.ge, 0.5, "x among 1 k"),
    Bar("growth of users.get, 1 k to 100 k", _slower("users.get", "1 k", "100 k"), operator.le, 1.3, "x"),
    Bar("growth of users.create, 1 k to 100 k", _slower("users.create", "1 k", "100 k"), operator.le, 1.3, "x"),
    Bar("growth of users.list, any page, 1 k to 100 k", _slower("users.list any page", "1 k", "100 k"), operator.le,
        1.5, "x"),
    Bar("growth of search, 1 k to 100 k", _slower("users.list search", "1 k", "100 k"), operator.le, 1.5, "x"),
    Bar("memory at rest, all services", _single("memory at rest, MB"), operator.le, 110, "MB"),
    Bar("start to the first answer", _single("start, s"), operator.le, 2, "s"),
)  # fmt: skip


def verdicts(figures: Figures) -> list[Verdict]:
    """What became of each bar."""
    return [Verdict(bar, _figure(bar, figures)) for bar in BARS]


def _figure(bar: Bar, figures: Figures) -> float | None:
    try:
        return bar.figure(figures)
    except KeyError:
        return None
