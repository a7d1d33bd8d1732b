"""What the documents say of the code: files, RPC names, events. Run as a program, it prints the table of all events."""

import ast
import inspect
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from confd_worker.core.plugin.discovery import discover
from confd_worker.core.plugin.notifier import Notifier

PROJECT = Path(__file__).parent.parent
DOCUMENTS = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
DECISIONS = PROJECT / "docs" / "decisions.md"
"""Which tells of old names as well."""
SERVICES = {name: each for name, each in discover().items() if each.__module__.startswith("confd_worker.")}
KNOWN = {f"{name}.{method}" for name, service in SERVICES.items() for method in service.spec.methods}

_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
_CODE = re.compile(r"`([^`\n]+)`")
_FILE = re.compile(r"[\w./-]+\.(?:py|md|sql|csv|yml|toml)|[\w-]+(?:/[\w-]+)+/?")
_PLACE = re.compile(r"([\w./-]+\.py):([\w.]+)")
_RPC = re.compile(r"([a-z_.]+)\.([a-z_]+)(?:\(.*\))?")
_FOLDERS = ("confd_worker", "schemas", "gateway", "docs", "examples", "tests", "integration_tests", "bench", "docker")
_PLACEHOLDER = re.compile(r"\{[^}]*\}")


def events() -> str:
    """The table of docs/events.md."""
    rows = {row for name, service in SERVICES.items() for row in _events(name, service)}
    return "\n".join(["| event | source | routing key |", "| --- | --- | --- |", *sorted(rows)])


def _events(name: str, service: type) -> Iterator[str]:
    for _, notifier in inspect.getmembers(service, lambda member: isinstance(member, Notifier)):
        for event in (each for told in notifier._events.values() for each in told):
            yield f"| `{event.name}` | `{name}` | `{_PLACEHOLDER.sub('*', event.key)}` |"


def renamed() -> dict[str, str]:
    """The new RPC names by the old ones, as docs/decisions.md lists them."""
    section = DECISIONS.read_text().partition("## RPC names\n")[2].partition("\n## ")[0]
    rows = (row.strip("|").split("|") for row in section.splitlines() if row.startswith("| `"))
    return {old: new for left, right in rows for old, new in zip(_names(left), itertools.cycle(_names(right)))}


def _names(cell: str) -> list[str]:
    """The names in a cell, of which all but the first may leave out the service."""
    first, *others = _CODE.findall(cell)
    return [first, *(f"{first.rpartition('.')[0]}.{each}" for each in others)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_is_linked_is_there(document: Path) -> None:
    missing = [link for link in _LINK.findall(document.read_text()) if not (document.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_are_named_are_there(document: Path) -> None:
    named = {each for each in _CODE.findall(document.read_text()) if _FILE.fullmatch(each)}
    ours = {each for each in named if each.partition("/")[0] in _FOLDERS}
    assert not [each for each in sorted(ours) if not (PROJECT / each).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_functions_that_are_named_are_there(document: Path) -> None:
    """Such as `confd_worker/core/once.py:Once.run`."""
    named = (match for each in _CODE.findall(document.read_text()) if (match := _PLACE.fullmatch(each)))
    missing = [match[0] for match in named if not _defines(ast.parse((PROJECT / match[1]).read_text()), match[2])]
    assert not missing


def _defines(tree: ast.AST, name: str) -> bool:
    first, _, inner = name.partition(".")
    kinds = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    found = [each for each in getattr(tree, "body", ()) if isinstance(each, kinds) and each.name == first]
    return any(not inner or _defines(each, inner) for each in found)


@pytest.mark.parametrize("document", [each for each in DOCUMENTS if each != DECISIONS], ids=lambda path: path.name)
def test_calls_that_are_named_exist(document: Path) -> None:
    matches = map(_RPC.fullmatch, _CODE.findall(document.read_text()))
    named = {f"{match[1]}.{match[2]}" for match in matches if match and match[1] in SERVICES}
    assert named <= KNOWN


def test_new_names_of_calls_exist_and_old_ones_do_not() -> None:
    assert renamed()
    assert set(renamed().values()) <= KNOWN
    assert not renamed().keys() & KNOWN


@pytest.mark.parametrize("document", [each for each in DOCUMENTS if each != DECISIONS], ids=lambda path: path.name)
def test_no_old_name_is_used(document: Path) -> None:
    words = set(re.findall(r"[a-z_]+(?:\.[a-z_]+)+", document.read_text()))
    assert not words & renamed().keys()


def test_all_events_are_listed() -> None:
    """To make the table anew: `python tests/test_docs.py`."""
    assert events() in (PROJECT / "docs" / "events.md").read_text()


if __name__ == "__main__":
    print(events())
