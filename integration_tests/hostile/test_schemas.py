"""Every schema takes or refuses anything, in little time, and what it takes can be stored."""

import math
import time
from typing import Any

import orjson
import pytest
from apispec import APISpec
from confd_schemas.json_schema import Plugin, shape
from confd_schemas.schema import Schema, ValidationError, load
from hypothesis import given, settings
from hypothesis import strategies as st

from .inputs import mixed
from .specs import SCHEMAS
from .tally import TALLY

SECONDS = 2.0
"""That one body may take; a pattern that backtracks takes for ever."""


def _strategy(schema: type[Schema], *, partial: bool) -> st.SearchStrategy[Any]:
    spec = APISpec("", "", "3.1.0", plugins=[Plugin({})])
    spec.components.schema("Body", schema=shape(schema, partial=partial))
    schemas = spec.to_dict()["components"]["schemas"]
    return mixed(schemas["Body"], lambda reference: schemas[reference.rpartition("/")[2]], wild=True)


def _check_storable(value: Any) -> None:
    """PostgreSQL can hold every part of the value."""
    if isinstance(value, dict):
        for name, each in value.items():
            _check_storable(name)
            _check_storable(each)
    elif isinstance(value, list | tuple):
        for each in value:
            _check_storable(each)
    elif isinstance(value, str):
        value.encode()
        assert "\0" not in value
    elif isinstance(value, float):
        assert math.isfinite(value)
    elif isinstance(value, int):
        assert abs(value) < 2**31


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_takes_what_can_be_stored_and_refuses_the_rest(name: str) -> None:
    schema, partial = SCHEMAS[name]
    instance = schema()

    @settings(settings.get_profile("hostile"))
    @given(_strategy(schema, partial=partial))
    def check(body: Any) -> None:
        begun = time.process_time()
        try:
            _check_storable(load(instance, body, partial=partial))
        except ValidationError as error:
            told = orjson.loads(orjson.dumps(_printable(error.messages), option=orjson.OPT_NON_STR_KEYS))
            assert told
        assert time.process_time() - begun < SECONDS
        TALLY.count(name)

    check()


def _printable(messages: Any) -> Any:
    """Messages in which only keys echo what was sent."""
    if isinstance(messages, dict):
        return {str(name).encode("utf-8", "replace").decode(): _printable(each) for name, each in messages.items()}
    return [_printable(each) for each in messages] if isinstance(messages, list) else messages
