"""Rows of a CSV by the names of its first line."""

import pytest

from confd_worker.services.users.csv_rows import lines


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("firstname,,\nAnn,,note\nBob,\n", [{"firstname": "Ann"}, {"firstname": "Bob"}]),
        ("firstname\nAnn,,\n", [{"firstname": "Ann"}]),
        ("firstname\nAnn,x\nBob\n", [{"": "has 2 values for 1 columns"}, {"firstname": "Bob"}]),
        ('firstname\n"Ann\nBob\n', [{"": "unexpected end of data"}, {"firstname": "Bob"}]),
        ("\ufefffirstname , lastname\r\n\r\nAnn,Day\r\n", [{"firstname": "Ann", "lastname": "Day"}]),
        ("", []),
    ],
    ids=[
        "unnamed columns",
        "empty values too many",
        "values too many",
        "an open quote",
        "mark, blanks, line ends",
        "nothing",
    ],
)
def test_each_row_has_its_values_by_column(text: str, rows: list[dict[str, str]]) -> None:
    assert list(lines(text)) == rows
