"""Which extens the ranges of a context hold: as intervals, since a range may hold 10 to the 16th of them."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from ...plugin import errors

__all__ = ["free_ranges", "holds"]

Interval = tuple[int, int]
_SEARCHABLE = 1_000_000


def free_ranges(ranges: Iterable[dict[str, Any]], used: Iterable[str] = (), search: str = "") -> list[dict[str, str]]:
    """Consecutive extens of one length, joined; shorter ones first, then by number.

    Args:
        ranges: `{start, end}` in digits; with `did_length`, extens are cut to their last digits, and 0 means whole
            numbers without leading zeros.
        used: extens to leave out.
        search: only extens that contain it.

    Raises:
        BadFields: there are too many extens to search.
    """
    taken: dict[int, list[int]] = defaultdict(list)
    for exten in used:
        if exten.isascii() and exten.isdigit():
            taken[len(exten)].append(int(exten))
    found = []
    for length, intervals in sorted(_by_length(ranges).items()):
        left = _without(_joined(intervals), taken.get(length, ()))
        if search:
            left = _containing(left, search, length)
        found += [{"start": f"{start:0{length}}", "end": f"{end:0{length}}"} for start, end in left]
    return found


def _by_length(ranges: Iterable[dict[str, Any]]) -> dict[int, list[Interval]]:
    intervals: dict[int, list[Interval]] = defaultdict(list)
    for each in ranges:
        start, end = int(each["start"]), int(each["end"])
        if "did_length" not in each:
            intervals[len(each["start"])].append((start, end))
        elif each["did_length"] == 0:
            for length in range(len(str(start)), len(str(end)) + 1):
                lowest = 10 ** (length - 1) if length > 1 else 0
                intervals[length].append((max(start, lowest), min(end, 10**length - 1)))
        else:
            length = min(each["did_length"], len(each["start"]))
            intervals[length] += _cut(start, end, 10**length)
    return intervals


def _cut(start: int, end: int, size: int) -> list[Interval]:
    """The numbers from start to end modulo size."""
    if end - start + 1 >= size:
        return [(0, size - 1)]
    low, high = start % size, end % size
    return [(low, high)] if low <= high else [(0, high), (low, size - 1)]


def _joined(intervals: Iterable[Interval]) -> list[Interval]:
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _without(intervals: Iterable[Interval], numbers: Iterable[int]) -> list[Interval]:
    ordered = sorted(set(numbers))
    left: list[Interval] = []
    for start, end in intervals:
        for number in ordered:
            if start <= number <= end:
                if start < number:
                    left.append((start, number - 1))
                start = number + 1
        if start <= end:
            left.append((start, end))
    return left


def _containing(intervals: list[Interval], search: str, length: int) -> list[Interval]:
    if sum(end - start + 1 for start, end in intervals) > _SEARCHABLE:
        raise errors.BadFields({"search": [f"The ranges hold more than {_SEARCHABLE} extens; too many to search."]})
    numbers = (number for start, end in intervals for number in range(start, end + 1))
    return _joined((number, number) for number in numbers if search in f"{number:0{length}}")


def holds(ranges: Iterable[dict[str, Any]], exten: str) -> bool:
    """Whether an exten is in one of the ranges; those with a `did_length` are compared by their last digits."""
    if not (exten.isascii() and exten.isdigit()):
        return False
    return any(_cut_to(each, "start") <= int(exten) <= _cut_to(each, "end") for each in ranges)


def _cut_to(range_: dict[str, Any], name: str) -> int:
    digits = range_[name]
    return int(digits[-length:] if (length := range_.get("did_length", 0)) else digits)
