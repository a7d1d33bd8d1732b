"""The table of a run."""

from collections.abc import Iterable

from .trial import ZERO, Outcome

__all__ = ["table"]

HEAD = ("fault", "acknowledged", "unknown", *ZERO, "events", "events doubled", "seconds")


def table(outcomes: Iterable[Outcome]) -> str:
    """The outcomes as a table of Markdown."""
    rows = [HEAD, *(_row(outcome) for outcome in outcomes)]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [f"| {' | '.join(map(str.ljust, row, widths))} |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join(f" {'-' * width} " for width in widths) + "|", *lines[1:]])


def _row(outcome: Outcome) -> tuple[str, ...]:
    zero = (outcome.findings.count(column) for column in ZERO)
    counts = (outcome.acknowledged, outcome.unknown, *zero, outcome.events, outcome.events_doubled)
    return (outcome.fault, *map(str, counts), f"{outcome.seconds:.1f}")
