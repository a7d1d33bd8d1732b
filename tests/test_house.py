"""The rules of the house: who may import whom. A folder is a room; an import goes down a floor, or stays level."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
SOURCES = {"confd_worker": PROJECT, "confd_schemas": PROJECT / "schemas", "confd_gateway": PROJECT / "gateway"}
CORE = "confd_worker.core"
FLOORS = (
    ("files",),
    ("plugin",),
    ("entrypoints",),
    ("query",),
    ("runtime",),
    ("work",),
    ("once",),
    ("bus",),
    ("database",),
    ("delivery",),
    ("auth",),
    ("context",),
    ("errors", "greenlets"),
)
"""Rooms and modules of core, from the top floor down."""
ROOMS = ("users", "lines", "dialplan", "call_features", "contact_center", "media", "system")


def _modules(package: str) -> Iterator[tuple[str, Path]]:
    folder = SOURCES[package.partition(".")[0]]
    for file in (folder / package.replace(".", "/")).rglob("*.py"):
        words = file.relative_to(folder).with_suffix("").parts
        yield ".".join(words[:-1] if words[-1] == "__init__" else words), file


def _imports(module: str, file: Path) -> Iterator[str]:
    """Full names of what a module imports, wherever in it."""
    package = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{source}.{each.name}" for each in node.names)


def _of(package: str) -> list[tuple[str, str]]:
    """Each import in a package, with the module that has it."""
    return [(module, name) for module, file in _modules(package) for name in _imports(module, file)]


def _within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize(
    ("package", "others"),
    [
        ("confd_schemas", ("confd_worker", "confd_gateway", "nameko", "sqlalchemy", "psycopg2", "amqp")),
        ("confd_gateway", ("confd_worker", "nameko", "sqlalchemy", "psycopg2", "eventlet")),
        ("confd_worker.core", ("confd_worker.services", "confd_worker.plugin", "confd_worker.cli", "confd_gateway")),
        ("confd_worker.models", ("confd_worker.services", "confd_worker.core", "confd_worker.plugin")),
    ],
)
def test_a_package_knows_nothing_of_those_above_it(package: str, others: tuple[str, ...]) -> None:
    assert [(module, name) for module, name in _of(package) if _within(name, *others)] == []


def test_plugins_import_the_face_of_core_and_nothing_behind_it() -> None:
    assert [(module, name) for module, name in _of("confd_worker.services") if _within(name, CORE)] == []


def test_core_imports_of_the_models_only_what_no_plugin_brings() -> None:
    known = tuple(f"confd_worker.models.{name}" for name in ("base", "tally", "delivery"))
    names = [name for _, name in _of(CORE) if _within(name, "confd_worker.models")]
    assert [name for name in names if not _within(name, *known)] == []


def test_imports_in_core_go_down_or_stay_in_their_room() -> None:
    floors = {name: floor for floor, names in enumerate(FLOORS) for name in names}
    present = {path.stem for path in (PROJECT / "confd_worker" / "core").iterdir() if path.name[0] not in "_."}
    assert present == set(floors)
    wrong = []
    for module, name in _of(CORE):
        if not _within(name, CORE) or module == CORE:
            continue
        here, there = (each.removeprefix(f"{CORE}.").split(".")[0] for each in (module, name))
        if here != there and floors[here] >= floors[there]:
            wrong.append((module, name))
    assert wrong == []


def test_one_module_names_eventlet() -> None:
    named = {module for module, name in _of("confd_worker") if _within(name, "eventlet")}
    # Those two are the process, which patches eventlet in, and hosts the services.
    assert named == {"confd_worker.core.greenlets", "confd_worker.worker_process", "confd_worker.host"}


@pytest.mark.parametrize("package", ["confd_worker.services", "confd_worker.models", "confd_schemas"])
def test_services_models_and_schemas_have_the_same_rooms(package: str) -> None:
    folder = SOURCES[package.partition(".")[0]] / package.replace(".", "/")
    assert {path.name for path in folder.iterdir() if path.is_dir() and path.name != "__pycache__"} == set(ROOMS)
    assert {path.name for path in (PROJECT / "integration_tests" / "contract").iterdir() if path.is_dir()} >= set(ROOMS)
