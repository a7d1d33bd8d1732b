"""Many changes in one call, all of them or none: what an import needs to know of how changes are made."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from .. import errors
from ..greenlets import pause
from ..work import Work

__all__ = ["all_or_none", "in_chunks"]

Row = TypeVar("Row")
Refused = list[tuple[Row, errors.ServiceError]]
_CHUNK = 100
# Who gets so many has enough to mend, and each of them costs time and memory.
_MOST_REFUSED = 1000


def in_chunks(work: Work, rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows by the hundred, as long as somebody waits for the call; in between, others run.

    Raises:
        Overdue: nobody waits any more.
    """
    each = iter(rows)
    while chunk := list(islice(each, _CHUNK)):
        if work.context.overdue:
            raise errors.Overdue()
        yield chunk
        pause()


def all_or_none(
    work: Work,
    rows: Iterable[Row],
    make: Callable[[Sequence[Row]], list[Any]],
    *,
    refused: Mapping[int, errors.ServiceError],
    refuse: Callable[[list[tuple[Row, errors.ServiceError]]], errors.ServiceError],
) -> list[Any]:
    """What `make` gives for all rows, within the transaction that runs.

    At first rows are made by the hundred, and constraints tell what is taken. When one is refused, the change runs
    again row by row, each with a savepoint, so that every refusal is known, up to the thousandth. Of what was made,
    only what `make` gave is kept in memory.

    Args:
        rows: are iterated over in each attempt.
        make: makes some rows, in their order.
        refused: why rows are refused for reasons of their own, by their places.
        refuse: makes the error of all, from the rows that were refused and why.

    Raises:
        ServiceError: what `refuse` gives.
        Overdue: nobody waits any more.
    """
    together = work.trusts() and not refused
    made: list[Any] = []
    failed: Refused[Row] = []
    place = 0
    for chunk in in_chunks(work, rows):
        if together:
            made += make(chunk)
        else:
            reasons = [refused.get(place + number) for number in range(len(chunk))]
            made += _one_by_one(work, chunk, make, reasons, failed)
        if len(failed) >= _MOST_REFUSED:
            break
        place += len(chunk)
        work.let_go()
    if failed:
        raise refuse(failed[:_MOST_REFUSED])
    return made


def _one_by_one(
    work: Work,
    rows: Sequence[Row],
    make: Callable[[Sequence[Row]], list[Any]],
    reasons: Sequence[errors.ServiceError | None],
    failed: Refused[Row],
) -> list[Any]:
    """What `make` gives for the rows that are not refused; adds the others to `failed`."""
    made: list[Any] = []
    for row, reason in zip(rows, reasons, strict=True):
        try:
            with work.session.begin_nested():
                one = make([row])
                if reason is not None:
                    raise reason
            made += one
        except errors.ServiceError as error:
            failed.append((row, error))
    return made
