"""What each type of field accepts, and with which words it refuses the rest."""

from typing import Any
from uuid import UUID

import pytest
from confd_schemas import fields
from confd_schemas.schema import Schema, ValidationError, load

ID = "12345678-1234-5678-1234-567812345678"
DEPTH = 50_000


class Reference(Schema):
    uuid = fields.UUID(required=True)
    label = fields.String(dump_only=True)


class Body(Schema):
    text = fields.String()
    optional = fields.OptionalString(validate=fields.length(None, 3))
    short = fields.String(validate=fields.length(1, 3))
    at_most = fields.String(validate=fields.length(None, 3))
    at_least = fields.String(validate=fields.length(2, None))
    word = fields.String(validate=fields.pattern(r"^[a-z]+\Z"))
    choice = fields.String(validate=fields.enum("a", "b"))
    digits = fields.Digits(maximum=4)
    code = fields.Digits(equal=6)
    section = fields.String(validate=fields.section_name(5, reserved=("mine",)))
    email = fields.Email()
    uuid = fields.UUID()
    integer = fields.Integer()
    count = fields.Integer(validate=fields.range_(0, 10))
    positive = fields.Integer(validate=fields.range_(1))
    lax = fields.Boolean()
    strict = fields.StrictBoolean()
    flag = fields.Flag()
    object = fields.Nested(Reference)
    objects = fields.Nested(Reference, many=True)
    chosen = fields.Reference("others", Reference, allow_none=True)
    pairs = fields.Pairs(minimum=1, maximum=5, validate=fields.length(None, 2))
    options = fields.Options()
    ordered = fields.OrderedOptions()
    shown = fields.String(dump_only=True)


SCHEMA = Body()


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("name", "given", "loaded"),
    [
        ("text", "", ""),
        ("optional", "", None),
        ("optional", None, None),
        ("optional", "abc", "abc"),
        ("digits", "0042", "0042"),
        ("integer", "12", 12),
        ("integer", 1.5, 1),
        ("lax", "Yes", True),
        ("lax", 0, False),
        ("strict", False, False),
        ("flag", "tRuE", True),
        ("uuid", ID.upper(), UUID(ID)),
        ("object", {"uuid": ID, "unknown": 1}, {"uuid": UUID(ID)}),
        ("chosen", {"uuid": ID, "label": "ignored"}, {"uuid": UUID(ID)}),
        ("chosen", None, None),
        ("pairs", [["a", "1"], ["a", "1"]], [["a", "1"], ["a", "1"]]),
        ("options", {"a": "1"}, {"a": "1"}),
        ("options", [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}], {"a": "2"}),
        ("ordered", [["a", "1"], {"key": "a", "value": "2"}], [["a", "1"], ["a", "2"]]),
    ],
)
def test_a_good_value_is_loaded(name: str, given: Any, loaded: Any) -> None:
    assert load(SCHEMA, {name: given}) == {name: loaded}


@pytest.mark.parametrize(
    ("name", "given", "error"),
    [
        ("text", None, ["Field may not be null."]),
        ("text", 1, ["Not a valid string."]),
        ("text", "a\0b", ["Not a valid string."]),
        ("text", "\ud800", ["Not a valid string."]),
        ("optional", "long", ["Longer than maximum length 3."]),
        ("short", "", ["Length must be between 1 and 3."]),
        ("at_most", "long", ["Longer than maximum length 3."]),
        ("at_least", "a", ["Shorter than minimum length 2."]),
        ("word", "a\n", ["String does not match expected pattern."]),
        ("choice", "c", ["Must be one of: a, b."]),
        ("digits", "1a", ["Invalid input."]),
        ("digits", "12345", ["Longer than maximum length 4."]),
        ("code", "12345", ["Length must be 6."]),
        ("section", "", ["Shorter than minimum length 1"]),
        ("section", "longer", ["Longer than maximum length 5"]),
        ("section", "mine", ["Reserved Asterisk section name"]),
        ("section", "a b", ["Not a valid Asterisk section name"]),
        ("email", "nobody", ["Not a valid email address."]),
        ("email", "a" * 5_000_000 + "@example.org", ["Not a valid email address."]),
        ("uuid", "12", ["Not a valid UUID."]),
        ("integer", True, ["Not a valid integer."]),
        ("integer", "1_0", ["Not a valid integer."]),
        ("integer", "9" * 5000, ["Not a valid integer."]),
        ("integer", 2**31, ["Number too large."]),
        ("integer", float("inf"), ["Number too large."]),
        (
            "count",
            2**40,
            [
                {
                    "constraint_id": "range",
                    "constraint": {"min": 0, "max": 10},
                    "message": "Must be greater than or equal to 0 and less than or equal to 10.",
                }
            ],
        ),
        (
            "positive",
            0,
            [
                {
                    "constraint_id": "range",
                    "constraint": {"min": 1},
                    "message": "Must be greater than or equal to 1.",
                }
            ],
        ),
        ("lax", "maybe", ["Not a valid boolean."]),
        ("strict", 1, ["Not a valid boolean."]),
        ("strict", "true", ["Not a valid boolean."]),
        ("flag", "maybe", ["Not a valid boolean."]),
        ("object", "text", {"_schema": ["Invalid input type."]}),
        ("object", [], {"uuid": ["Missing data for required field."]}),
        ("objects", {}, ["Invalid type."]),
        ("objects", [{"uuid": ID}, {"uuid": "x"}], {1: {"uuid": ["Not a valid UUID."]}}),
        ("chosen", {}, {"uuid": ["Missing data for required field."]}),
        ("pairs", "ab", ["Not a valid list."]),
        ("pairs", [["a", "1"], ["b"]], {1: ["Length must be between 2 and 2."]}),
        ("pairs", [["", 1]], {0: {0: ["Length must be between 1 and 5."], 1: ["Not a valid string."]}}),
        ("options", [["a", "1"]], {0: {"_schema": ["Invalid input type."]}}),
        ("options", {"a": None}, {0: {"value": ["Field may not be null."]}}),
        ("ordered", {"a": "1"}, ["Invalid type."]),
        ("ordered", [["a"]], {0: {"_schema": ["Invalid input type."]}}),
        ("pairs", [["a", "1"]] * 3, ["Longer than maximum length 2."]),
    ],
)
def test_a_bad_value_is_refused(name: str, given: Any, error: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        load(SCHEMA, {name: given})
    assert caught.value.messages == {name: error}


@pytest.mark.parametrize("name", [name for name in SCHEMA.fields if name != "shown"])
def test_a_bottomless_value_is_refused(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        load(SCHEMA, {name: nested(DEPTH)})
    assert list(caught.value.messages) == [name]  # type: ignore[arg-type]


@pytest.mark.parametrize("body", [None, [], {}, 0, False, ""])
def test_an_empty_body_of_any_type_is_an_empty_object(body: Any) -> None:
    assert load(SCHEMA, body) == {}


@pytest.mark.parametrize("body", ["text", 5, [1], True])
def test_another_body_is_refused(body: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        load(SCHEMA, body)
    assert caught.value.messages == {"_schema": ["Invalid input type."]}


def test_unknown_and_read_only_fields_are_ignored() -> None:
    assert load(SCHEMA, {"shown": nested(DEPTH), "unknown": nested(DEPTH), "text": "a"}) == {"text": "a"}


def test_bad_fields_are_told_in_the_order_of_the_schema() -> None:
    with pytest.raises(ValidationError) as caught:
        load(SCHEMA, {"strict": 1, "uuid": 1, "text": 1})
    assert list(caught.value.messages) == ["text", "uuid", "strict"]  # type: ignore[arg-type]
