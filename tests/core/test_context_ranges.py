"""Which extens the ranges of a context hold."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from confd_worker.core import errors
from confd_worker.services.dialplan.context_ranges import free_ranges, holds


def _range(start: int, size: int, length: int) -> dict[str, str]:
    end = min(start + size, 10**length - 1)
    return {"start": f"{start:0{length}}", "end": f"{end:0{length}}"}


_lengths = st.integers(1, 3)
_ranges = st.lists(
    _lengths.flatmap(lambda n: st.builds(_range, st.integers(0, 10**n - 1), st.integers(0, 30), st.just(n))), max_size=5
)
_extens = st.lists(_lengths.flatmap(lambda n: st.integers(0, 10**n - 1).map(lambda number: f"{number:0{n}}")))


def _each(ranges: list[dict[str, str]]) -> list[str]:
    return [
        f"{number:0{len(each['start'])}}"
        for each in ranges
        for number in range(int(each["start"]), int(each["end"]) + 1)
    ]


@given(_ranges, _extens, st.sampled_from(["", "1", "00", "99"]))
def test_what_is_free_is_what_the_ranges_hold_and_nobody_uses(
    ranges: list[dict[str, str]], used: list[str], search: str
) -> None:
    free = free_ranges(ranges, used, search)
    expected = {exten for exten in _each(ranges) if exten not in used and search in exten}
    listed = _each(free)
    assert listed == sorted(expected, key=lambda exten: (len(exten), exten))
    # Neighbours are joined.
    starts = {(len(each["start"]), int(each["start"])) for each in free}
    assert not {(len(each["end"]), int(each["end"]) + 1) for each in free} & starts


@pytest.mark.parametrize(
    ("start", "end", "did_length", "found"),
    [
        ("5145551000", "5145551999", 4, [("1000", "1999")]),
        ("5145551000", "5145551999", 3, [("000", "999")]),
        ("5145551995", "5145552004", 3, [("000", "004"), ("995", "999")]),
        ("5145551000", "5145551999", 20, [("5145551000", "5145551999")]),
        ("0098", "0101", 0, [("98", "99"), ("100", "101")]),
        ("0000", "0003", 0, [("0", "3")]),
    ],
)
def test_incoming_numbers_are_cut_to_the_digits_that_are_dialled(
    start: str, end: str, did_length: int, found: list[tuple[str, str]]
) -> None:
    cut = free_ranges([{"start": start, "end": end, "did_length": did_length}])
    assert [(each["start"], each["end"]) for each in cut] == found


def test_what_is_used_and_is_no_number_takes_nothing() -> None:
    assert free_ranges([{"start": "10", "end": "12"}], ["_1X", "*1", "", "\u0661"]) == [{"start": "10", "end": "12"}]


def test_giant_ranges_are_listed_at_once_but_not_searched() -> None:
    giant = [{"start": "0" * 16, "end": "9" * 16}]
    assert free_ranges(giant, ["5" * 16]) == [
        {"start": "0" * 16, "end": "5555555555555554"},
        {"start": "5555555555555556", "end": "9" * 16},
    ]
    with pytest.raises(errors.BadFields) as refusal:
        free_ranges(giant, search="1")
    assert list(refusal.value.fields) == ["search"]


@pytest.mark.parametrize(
    ("range_", "exten", "held"),
    [
        ({"start": "1000", "end": "1999"}, "1000", True),
        ({"start": "1000", "end": "1999"}, "1999", True),
        ({"start": "1000", "end": "1999"}, "2000", False),
        ({"start": "1000", "end": "1999"}, "_1XXX", False),
        ({"start": "1000", "end": "1999"}, "", False),
        ({"start": "5145551000", "end": "5145551999", "did_length": 4}, "1500", True),
        ({"start": "5145551000", "end": "5145551999", "did_length": 4}, "2500", False),
        ({"start": "5145551000", "end": "5145551999", "did_length": 0}, "5145551500", True),
    ],
)
def test_a_range_holds_an_exten(range_: dict[str, Any], exten: str, held: bool) -> None:
    assert holds([range_], exten) is held


def test_without_ranges_nothing_is_held() -> None:
    assert not holds([], "1000")
    assert free_ranges([]) == []
