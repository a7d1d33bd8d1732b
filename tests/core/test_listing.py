"""What the parameters of a list mean, and what of them is refused."""

from typing import Any

import pytest
from confd_schemas.spec import Listing
from sqlalchemy import types

from confd_worker.core import errors
from confd_worker.core.query.parameters import NoMatch, Page, boolean_words, filter_value, page, search_pattern

LISTING = Listing("name", ("name", "number"), ("name",), ("name", "enabled"), {"view": "how items are shown"})
EVERYTHING = Page(
    limit=None, offset=0, order=None, descending=False, search=None, recurse=False, filters=(), extra={}
)  # fmt: skip
BOOLEAN, INTEGER, UUID_, TIME, TEXT = types.Boolean(), types.Integer(), types.Uuid(), types.DateTime(), types.String()


def _changed(**values: Any) -> Page:
    return Page(**{name: getattr(EVERYTHING, name) for name in EVERYTHING.__dataclass_fields__} | values)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {}),
        ({"limit": None, "search": None, "order": None, "name": None, "view": None}, {}),
        ({"limit": "5", "offset": 2}, {"limit": 5, "offset": 2}),
        ({"order": "number", "direction": "desc"}, {"order": "number", "descending": True}),
        ({"direction": "desc"}, {"descending": True}),
        ({"search": ""}, {}),
        ({"search": 12}, {"search": "12"}),
        ({"recurse": "yes"}, {"recurse": True}),
        ({"recurse": True}, {"recurse": True}),
        ({"enabled": "True", "name": "x"}, {"filters": (("name", "x"), ("enabled", "True"))}),
        ({"enabled": True}, {"filters": (("enabled", "true"),)}),
        ({"name": 5}, {"filters": (("name", "5"),)}),
        ({"name": ""}, {"filters": (("name", ""),)}),
        ({"number": "1", "nonsense": "x"}, {}),
        ({"view": "summary"}, {"extra": {"view": "summary"}}),
    ],
)
def test_parameters_are_read(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert page(given, LISTING) == _changed(**expected)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"limit": "x"}, "Input Error - limit: ['Not a valid integer.']"),
        ({"limit": ""}, "Input Error - limit: ['Not a valid integer.']"),
        ({"limit": True}, "Input Error - limit: ['Not a valid integer.']"),
        ({"limit": 0}, "Input Error - field 'limit': wrong type. Should be a positive number"),
        ({"recurse": "perhaps"}, "Input Error - recurse: ['Not a valid boolean.']"),
        ({"direction": "up"}, "Input Error - direction: must be 'asc' or 'desc'"),
        ({"order": "enabled"}, "Input Error - order: column 'enabled' was not found"),
        ({"direction": "up", "order": "x", "limit": 0}, "Input Error - field 'limit': wrong type."),
        ({"direction": "up", "order": "x"}, "Input Error - direction: must be 'asc' or 'desc'"),
        ({"direction": ["asc"]}, "Input Error - direction: must be 'asc' or 'desc'"),
        ({"order": {}}, "Input Error - order: column '{}' was not found"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(errors.ServiceError) as refusal:
        page(given, LISTING)
    assert refusal.value.status == 400
    assert refusal.value.message.startswith(message)


def test_all_values_of_a_wrong_type_are_named_at_once() -> None:
    with pytest.raises(errors.BadFields) as refusal:
        page({"recurse": "x", "offset": -1, "limit": "-5"}, LISTING)
    assert list(refusal.value.fields) == ["limit", "offset", "recurse"]
    assert "'constraint_id': 'range'" in refusal.value.messages[0]


@pytest.mark.parametrize(("term", "pattern"), [("a", "%a%"), ("50%", "%50%%"), ("a_b", "%a_b%"), ("\\", "%\\\\%")])
def test_a_search_finds_the_term_anywhere(term: str, pattern: str) -> None:
    assert search_pattern(term) == pattern


@pytest.mark.parametrize("term", ["a\0b", "\ud800"])
def test_a_term_that_cannot_be_stored_is_found_nowhere(term: str) -> None:
    with pytest.raises(NoMatch):
        search_pattern(term)


def test_truth_is_spelled_in_many_ways() -> None:
    assert all(boolean_words(word) for word in ("true", "T", "Yes", "y", "ON", "1"))
    assert not any(boolean_words(word) for word in ("False", "f", "no", "N", "off", "0"))
    for word in ("", "2", "maybe", " true"):
        with pytest.raises(NoMatch):
            boolean_words(word)


@pytest.mark.parametrize(
    ("text", "column", "value"),
    [
        ("yes", BOOLEAN, (True, "boolean")),
        ("-12", INTEGER, (-12, "bigint")),
        ("0012", INTEGER, (12, "bigint")),
        ("A0000000000040008000000000000001", UUID_, ("a0000000-0000-4000-8000-000000000001", "uuid")),
        ("2024-02-29 12:00", TIME, ("2024-02-29T12:00:00", "timestamp")),
        ("' OR 1=1 --", TEXT, ("' OR 1=1 --", "text")),
    ],
)
def test_a_filter_is_of_its_columns_type(text: str, column: types.TypeEngine[Any], value: Any) -> None:
    assert filter_value(text, column) == value


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("maybe", BOOLEAN),
        ("1.5", INTEGER),
        ("1e3", INTEGER),
        ("", INTEGER),
        ("9" * 19, INTEGER),
        ("\u0661", INTEGER),
        ("x", UUID_),
        ("2024-13-01", TIME),
        ("a\0", TEXT),
        ("\ud800", TEXT),
    ],
)
def test_a_filter_that_nothing_can_equal_matches_nothing(text: str, column: types.TypeEngine[Any]) -> None:
    with pytest.raises(NoMatch):
        filter_value(text, column)
