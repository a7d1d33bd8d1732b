"""Strategies for input: what a schema allows, what nobody should send, and mixtures of both."""

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

__all__ = ["ANYTHING", "INJECTIONS", "NASTY_TEXTS", "TEXT", "mixed", "shaped", "some"]

Strategy = st.SearchStrategy[Any]

INJECTIONS = (
    "'; DROP TABLE users; --",
    "1); DELETE FROM users; --",
    "' OR '1'='1",
    "\\'; SELECT pg_sleep(60); --",
    "$1",
    "%s%(x)s%n",
    "{0}{x.__class__.__mro__}",
    "${jndi:ldap://127.0.0.1/x}",
    "x\nforged_line level=info",
    "x\r\nforged_line: 1",
    "\x1b[2J\x1b]0;x\x07",
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "/etc/passwd",
    "a|b,c;d&e$(id)`id`",
    "[section](+)\n#exec id",
)
"""Texts that mean something in SQL, formats, logs, paths, shells or Asterisk's files."""

NASTY_TEXTS = (
    *INJECTIONS,
    "",
    " ",
    "\0",
    "a\0b",
    "\u2028\u202e\ufeff\uffff",
    "e\u0301" * 40,
    "\U0001f4de",
    "null",
    "NaN",
    "-0",
    "9" * 400,
    "9" * 30,
    "9" * 5000,
    "1e400",
    "٣",
    "%",
    "_" * 200,
    "x" * 70_000,
    "@" + "." * 5000,
    "a" * 5000 + "!",
    "00000000-0000-0000-0000-000000000000",
    "{00000000000000000000000000000000}",
    "2026-13-45T99:99:99",
    "*",
)
FIELDS = 4
"""Of those that may be left out, how many are given at the most."""

_NUMBERS = (0, -1, 1, 2**31 - 1, 2**31, -(2**31), 2**53 + 1, 2**63, -(2**63) - 1, 2**64, 10**400, 0.1, -0.0, 1e308)
_UNWRITABLE = (float("nan"), float("inf"), float("-inf"))

TEXT: Strategy = st.sampled_from(NASTY_TEXTS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_SCALAR: Strategy = (
    st.none() | st.booleans() | st.sampled_from(_NUMBERS) | st.integers(-10, 40) | st.floats(allow_nan=False) | TEXT
)
_FLAT: Strategy = st.lists(_SCALAR, max_size=3) | st.dictionaries(TEXT, _SCALAR, max_size=3)
ANYTHING: Strategy = st.one_of(
    _SCALAR, _FLAT, st.lists(_FLAT, max_size=2), st.sampled_from([{"a": {"b": {"c": []}}}, [[[[[[]]]]]]])
)
"""Any JSON that a parser takes."""


def mixed(schema: Mapping[str, Any], resolve: Callable[[str], Mapping[str, Any]], *, wild: bool = False) -> Strategy:
    """What the schema allows, often with something in it that it does not allow, or something else altogether.

    Args:
        schema: a JSON schema.
        resolve: the schema that a `$ref` names.
        wild: also what no strict parser of JSON lets through: lone surrogates and numbers that are none.
    """
    anything = ANYTHING | st.sampled_from((*_UNWRITABLE, "\ud800", {"\udfff": 1}, "x\udc80")) if wild else ANYTHING
    good = shaped(schema, resolve, anything=anything, spoil=False)
    bad = shaped(schema, resolve, anything=anything, spoil=True)
    return st.one_of(good, bad, bad, bad, anything)


def shaped(
    schema: Mapping[str, Any],
    resolve: Callable[[str], Mapping[str, Any]],
    *,
    anything: Strategy = ANYTHING,
    spoil: bool,
    depth: int = 5,
) -> Strategy:
    """What has the shape of the schema; with `spoil` any part of it may be anything."""
    if "$ref" in schema:
        schema = resolve(schema["$ref"])
    if depth == 0:
        return anything
    inner = {"resolve": resolve, "anything": anything, "spoil": spoil, "depth": depth - 1}
    found = _of_kind(schema, inner)
    return st.one_of(found, found, found, anything) if spoil else found


def _of_kind(schema: Mapping[str, Any], inner: dict[str, Any]) -> Strategy:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([shaped(each, **inner) for each in schema["anyOf"]])
    kinds = schema.get("type", "any")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return st.one_of([_KINDS.get(kind, _any)(schema, inner) for kind in kinds])


def _object(schema: Mapping[str, Any], inner: dict[str, Any]) -> Strategy:
    properties = schema.get("properties", {})
    writable = {name: shaped(each, **inner) for name, each in properties.items() if not each.get("readOnly")}
    required = [name for name in schema.get("required", ()) if name in writable]
    optional = {name: each for name, each in writable.items() if name not in required}
    known = some({name: writable[name] for name in required}, optional)
    if "additionalProperties" not in schema:
        return known
    more = schema["additionalProperties"]
    values = shaped(more, **inner) if isinstance(more, dict) else inner["anything"]
    return st.tuples(known, st.dictionaries(TEXT, values, max_size=4)).map(lambda both: both[0] | both[1])


@st.composite
def some(draw: st.DrawFn, required: dict[str, Strategy], optional: dict[str, Strategy]) -> dict[str, Any]:
    """An object with all that is required and a few others, as those with all of many fields take long to make."""
    names = draw(st.lists(st.sampled_from(list(optional)), max_size=FIELDS, unique=True)) if optional else []
    return {name: draw((required | optional)[name]) for name in (*required, *names)}


def _array(schema: Mapping[str, Any], inner: dict[str, Any]) -> Strategy:
    least = schema.get("minItems", 0)
    most = schema.get("maxItems", least + 3)
    return st.lists(shaped(schema.get("items", {}), **inner), min_size=least, max_size=most)


def _string(schema: Mapping[str, Any], inner: dict[str, Any]) -> Strategy:
    if schema.get("format") == "uuid":
        return st.uuids().map(str)
    if schema.get("format") == "email":
        return st.from_regex(r"\A[a-z]{1,8}@[a-z]{1,8}\.example\Z")
    least, most = schema.get("minLength", 0), schema.get("maxLength", 60)
    if "pattern" in schema:
        fits = st.from_regex(schema["pattern"]).filter(lambda text: "\0" not in text)
        return fits.map(lambda text: text[:most]) if "maxLength" in schema else fits
    text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=least, max_size=most)
    return text | st.sampled_from(INJECTIONS).map(lambda text: text[:most].ljust(least, "x"))


def _number(schema: Mapping[str, Any], inner: dict[str, Any]) -> Strategy:
    least, most = schema.get("minimum", -10), schema.get("maximum", 2**31 - 1)
    low = st.integers(int(least), min(int(most), int(least) + 40))
    return low | st.sampled_from([least, most])


def _any(schema: Mapping[str, Any], inner: dict[str, Any]) -> Strategy:
    return inner["anything"]


_KINDS: dict[str, Callable[[Mapping[str, Any], dict[str, Any]], Strategy]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _number,
    "number": _number,
    "boolean": lambda schema, inner: st.booleans(),
    "null": lambda schema, inner: st.none(),
}
