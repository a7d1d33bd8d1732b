"""Every method of every service answers whatever its arguments are, in time and with an error that is foreseen."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from confd_worker.conformance.items import RESOURCES, make
from confd_worker.conformance.system import PARENT, System

from .caller import Caller
from .inputs import ANYTHING, TEXT, mixed, some
from .specs import METHODS, Method, resolve

GIANTS = st.sampled_from(["9" * 30, "9" * 5000, 10**30])
IDS: Any = st.integers(1, 12) | st.integers(-(2**63), 2**63) | GIANTS
NAMES: Any = st.sampled_from(("self", "args", "body", "id", "uuid", "work", "context", "tenant_uuid")) | TEXT


@pytest.fixture(scope="module")
def uuids(hostile: System) -> list[str]:
    """UUIDs that there are: items of each resource were made in the tenant in which all is called."""
    with hostile.client(PARENT) as client:
        made = [make(client.call, name) for name in RESOURCES]
    return [item["uuid"] for item in made if "uuid" in item]


def _argument(method: Method, name: str, uuids: list[str]) -> st.SearchStrategy[Any]:
    if name == "body" and method.body is not None:
        return mixed(method.body, resolve)
    if name == "body":
        return ANYTHING
    kind = method.variables.get(name, "")
    known: Any = st.sampled_from(uuids) if kind == "uuid" else IDS
    words = st.sampled_from(kind.split("|")) if "|" in kind else known
    return st.one_of(words, words, words, ANYTHING)


def _arguments(method: Method, uuids: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments of which some are not there, some are of another type, and some are not known."""
    given = {name: _argument(method, name, uuids) for name in method.arguments}
    filters = {name: IDS | TEXT | ANYTHING for name in method.filters if name not in given}
    right = some(given, filters)
    if not given and not filters:
        return st.just({}) | st.dictionaries(NAMES, ANYTHING, max_size=3)
    wrong = some({}, given | filters)
    strange = st.tuples(right, st.dictionaries(NAMES, ANYTHING, max_size=2)).map(lambda both: both[0] | both[1])
    return st.one_of(right, right, right, wrong, strange)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_answers_whatever_it_is_given(name: str, caller: Caller, uuids: list[str]) -> None:
    @settings(settings.get_profile("hostile"))
    @given(_arguments(METHODS[name], uuids))
    def check(arguments: dict[str, Any]) -> None:
        caller.ask(name, arguments, PARENT)

    check()


KEYS: tuple[Any, ...] = (
    None, True, "x", "", "1; --", -1, 2**70, 1.5, [], {}, "\0", "é" * 300, "9" * 18, "9" * 19, "9" * 30, "9" * 5000,
    "٣", "1e5", " 1", "1\n", "{00000000-0000-4000-8000-000000000000}", "../1", "main",
)  # fmt: skip


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.variables])
def test_any_id_is_known_or_not_found_or_refused(name: str, caller: Caller) -> None:
    method = METHODS[name]
    others: dict[str, Any] = {argument: {} for argument, needed in method.arguments.items() if needed}
    for key in KEYS:
        caller.ask(name, others | dict.fromkeys(method.variables, key), PARENT)
