"""Many changes in one call, all of them or none: what an import needs to know of how changes are made."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from .. import errors
from ..work import Work

__all__ = ["all_or_none"]

Row = TypeVar("Row")
_CHUNK = 100


def all_or_none(
    work: Work,
    rows: Sequence[Row],
    make: Callable[[Sequence[Row]], list[Any]],
    *,
    refused: Mapping[int, errors.ServiceError],
    refuse: Callable[[list[tuple[Row, errors.ServiceError]]], errors.ServiceError],
) -> list[Any]:
    """What `make` gives for all rows, within the transaction that runs.

    At first rows are made by the hundred, and constraints tell what is taken. When one is refused, the change runs
    again row by row, each with a savepoint, so that every refusal is known.

    Args:
        make: makes some rows, in their order.
        refused: why rows are refused for reasons of their own, by their places.
        refuse: makes the error of all, from the rows that were refused and why.

    Raises:
        ServiceError: what `refuse` gives.
    """
    if work.trusts() and not refused:
        return [made for at in range(0, len(rows), _CHUNK) for made in make(rows[at : at + _CHUNK])]
    made: list[Any] = []
    failed: list[tuple[Row, errors.ServiceError]] = []
    for place, row in enumerate(rows):
        try:
            with work.session.begin_nested():
                one = make([row])
                if place in refused:
                    raise refused[place]
            made += one
        except errors.ServiceError as error:
            failed.append((row, error))
    if failed:
        raise refuse(failed)
    return made
