"""The ids of another tenant in every path, body and query of every operation: as if there was nothing of that id.

What a call answers that holds an id of the other tenant is what it answers when the id is of nothing at all. So the
caller does not even learn that there is such an item.
"""

import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
import pytest
from confd_schemas.dialplan.destinations import Destination, DestinationSchema
from confd_schemas.dialplan.destinations import types as destinations
from confd_schemas.fields import Reference
from confd_schemas.schema import Schema
from confd_schemas.spec import Operation
from marshmallow import fields as marshmallow_fields

from confd_worker.client import RemoteError
from confd_worker.conformance.items import OWNED, RESOURCES, body_of, make
from confd_worker.conformance.system import System

from .caller import Caller
from .specs import OPERATIONS
from .tally import TALLY

CANARY = "canary"
UNKNOWN: dict[type, Any] = {int: 2_000_000_000, str: "11111111-1111-4111-8111-111111111111"}
OWN, THEIRS = "00000000-0000-4000-8000-0000000000d1", "00000000-0000-4000-8000-0000000000d2"

Slot = tuple[str, ...]


@dataclass(frozen=True)
class World:
    """Items of two tenants: of the caller, and of the other one that the caller may not see.

    Attributes:
        own: an item of the caller by resource.
        theirs: ids and uuids of the other tenant's items, and names of its contexts.
        shown: the other tenant's items as it sees them, by resource.
    """

    own: dict[str, dict[str, Any]]
    theirs: list[Any]
    shown: dict[str, Any]


@pytest.fixture(scope="module")
def world(hostile: System) -> World:
    _number_from(hostile, 70_000_000)
    theirs = _make(hostile, THEIRS, CANARY)
    _number_from(hostile, 80_000_000)
    own = _make(hostile, OWN, "own")
    keys = [item[key] for item in theirs.values() for key in ("id", "uuid", "context") if item.get(key) is not None]
    keys.append(theirs["contexts"]["name"])
    return World(own, list(dict.fromkeys(keys)), _shown(hostile))


def _number_from(system: System, start: int) -> None:
    """Give what is made next ids from that number on, so that no number is an id of both tenants, or anything else."""
    with system.database() as cursor:
        cursor.execute(
            "SELECT setval(format('%%I.%%I', schemaname, sequencename)::regclass, %s) FROM pg_sequences"
            " WHERE max_value > %s",
            [start, start],
        )
        # The worker forgets the ids that it has at hand when it connects anew.
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def _make(system: System, tenant: str, label: str) -> dict[str, dict[str, Any]]:
    made = {}
    with system.client(tenant) as client:
        for number, name in enumerate(OWNED):
            item = make(client.call, name)
            key = OWNED[name].spec.id
            for field in ("description", "label", "lastname", "firstname"):
                try:
                    client.call(f"{name}.update", **{key: item[key]}, body={field: f"{label} {number} {field}"})
                except RemoteError:
                    continue
            made[name] = client.call(f"{name}.get", **{key: item[key]})
    return made


def _shown(system: System) -> dict[str, Any]:
    """All that the other tenant sees."""
    with system.client(THEIRS) as client:
        return {name: client.call(f"{name}.list") for name in OWNED}


@pytest.fixture(scope="module", autouse=True)
def the_other_tenant_has_what_it_had(world: World, hostile: System) -> Iterator[None]:
    yield
    assert _shown(hostile) == world.shown


def _slots(schema: Any, depth: int = 3) -> Iterator[Slot]:
    """Where in a body ids and names may be, as paths; a number stands for the first item of a list."""
    for name, field in schema.load_fields.items():
        yield from ((name, *rest) for rest in _inside(field, name, depth))


def _inside(field: Any, name: str, depth: int) -> Iterator[Slot]:
    if isinstance(field, marshmallow_fields.List):
        yield from (("0", *rest) for rest in _inside(field.inner, name, depth))
    elif isinstance(field, Reference):
        many = ("0",) if field.many else ()
        yield from ((*many, *rest) for rest in _slots(field._chosen(), depth - 1))
    elif isinstance(field, marshmallow_fields.Nested):
        if depth:
            many = ("0",) if field.many else ()
            yield from ((*many, *rest) for rest in _slots(field.schema, depth - 1))
    elif isinstance(field, Destination):
        yield from _destination_slots()
    elif name in ("id", "uuid", "context", "name") or name.endswith(("_id", "_uuid", "_ids", "_uuids", "_name")):
        yield ()


def _destination_slots() -> Iterator[Slot]:
    """A word in angle brackets gives the destination its type."""
    for type_, shape in destinations.items():
        if isinstance(shape, type) and issubclass(shape, DestinationSchema):
            yield from ((f"<{type_}>", *slot) for slot in _slots(shape()))


def _filled(slot: Slot, value: Any) -> Any:
    """A body with the value in that place and nothing else."""
    if not slot:
        return value
    first, *rest = slot
    if first == "0":
        return [_filled(tuple(rest), value)]
    if first.startswith("<"):
        return {"type": first[1:-1], "exten": "1000", **_filled(tuple(rest), value)}
    return {first: _filled(tuple(rest), value)}


def _merged(base: Any, more: Any) -> Any:
    if isinstance(base, dict) and isinstance(more, dict):
        return base | {name: _merged(base.get(name), value) for name, value in more.items()}
    return more


def _keys(world: World, operation: Operation) -> Iterator[dict[str, Any]]:
    """The variables of the path with ids of the caller: for each, those of the resource that its name tells, or all."""
    choices = []
    for name, kind in operation.variables.items():
        if "|" in kind:
            choices.append(kind.split("|")[:1])
            continue
        key = "uuid" if kind == "uuid" else "id"
        label = name.rpartition("_")[0].replace("_", "") or operation.service.partition(".")[0].replace("_", "")
        fitting = [item for resource, item in world.own.items() if resource.replace("_", "").startswith(label[:5])]
        ids = [item[key] for item in fitting or world.own.values() if key in item]
        choices.append(ids[:1] or [UNKNOWN[str if kind == "uuid" else int]])
    yield from (dict(zip(operation.variables, chosen, strict=True)) for chosen in itertools.product(*choices))


def _unknown(value: Any) -> Any:
    """What is of nothing, and looks like the value."""
    try:
        return UNKNOWN[type(value)] if isinstance(value, int) or uuid.UUID(value) else None
    except ValueError:
        return value[:-12] + "1" * 12


def _with(arguments: dict[str, Any], at: str, value: Any) -> dict[str, Any]:
    return {**arguments, at: value}


class _Comparison:
    """Compares the answers to a call about an item of the other tenant and about none."""

    def __init__(self, caller: Caller, world: World, operation: Operation) -> None:
        self._caller, self._world, self._operation = caller, world, operation
        self.changes = 0
        """How many of the changes were made."""

    def check(self, arguments: Callable[[Any], dict[str, Any]], kinds: tuple[type, ...] = (int, str)) -> None:
        """The arguments for each id of the other tenant give what those for an id of nothing give."""
        known: dict[Any, bytes] = {}
        for value in self._world.theirs:
            if not isinstance(value, kinds):
                continue
            nothing = _unknown(value)
            if nothing not in known:
                known[nothing] = self._answer(arguments(nothing), nothing)
            given = arguments(value)
            answer = self._answer(given, value)
            assert CANARY.encode() not in answer, (self._operation.rpc, given, answer)
            assert answer == known[nothing], (self._operation.rpc, given)

    def _answer(self, arguments: dict[str, Any], value: Any) -> bytes:
        """What the call answers, without the id and what differs from call to call."""
        rpc = self._operation.rpc or ""
        answer = self._caller.ask(rpc, arguments, OWN, [OWN])
        if answer["error"] is None and self._operation.changes:
            self.changes += 1
            return b"done"
        told = answer["error"] and {"type": answer["error"]["type"], "message": answer["error"]["message"]}
        text = orjson.dumps([answer["result"], told]).decode()
        return text.replace(str(value), "ID").encode()


BY_NAME = {f"{each.method} {each.path} {each.rpc}": each for each in OPERATIONS if not each.master_only}


@pytest.mark.parametrize("name", [name for name, each in BY_NAME.items() if each.variables])
def test_an_id_of_another_tenant_in_a_path_is_one_of_nothing(name: str, caller: Caller, world: World) -> None:
    operation = BY_NAME[name]
    comparison = _Comparison(caller, world, operation)
    for keys in _keys(world, operation):
        for variable, kind in operation.variables.items():
            if "|" not in kind:
                fitting = {"int": (int,), "id": (int, str)}.get(kind, (str,))
                body: dict[str, Any] = {"body": {}} if operation.takes_body else {}
                comparison.check(partial(_with, keys | body, variable), fitting)


LISTS = [name for name, each in BY_NAME.items() if each.many and each.query is None]


@pytest.mark.parametrize("name", LISTS)
def test_an_id_of_another_tenant_in_a_query_finds_nothing(name: str, caller: Caller, world: World) -> None:
    operation = BY_NAME[name]
    keys = next(_keys(world, operation))
    comparison = _Comparison(caller, world, operation)
    for parameter in ("id", "uuid", "name", "search", "context", "user_uuid", "tenant_uuid"):
        comparison.check(partial(_with, {**keys, "recurse": True}, parameter))
    answer = caller.ask(operation.rpc or "", {**keys, "recurse": True, "search": CANARY}, OWN, [OWN])
    assert answer["error"] or answer["result"]["total"] == 0
    TALLY.count(name)


class _Example:
    """What a body must have beside the id: all that is required, where the operation makes an item."""

    def __init__(self, operation: Operation, caller: Caller) -> None:
        self._resource = operation.service if operation.name == "create" and operation.service in RESOURCES else None
        self._caller = caller
        self._body: dict[str, Any] = {}
        self._taken = -1

    def body(self, taken: int) -> dict[str, Any]:
        """The body; another one after one was taken, as much of it may be there only once."""
        if self._resource is not None and taken != self._taken:
            self._body, self._taken = body_of(self._call, self._resource), taken
        return self._body

    def _call(self, method: str, **arguments: Any) -> Any:
        return self._caller.ask(method, arguments, OWN)["result"]


def _fitting(slot: Slot) -> tuple[type, ...]:
    """What is an id in that place, as its name tells."""
    name = [word for word in slot if word != "0"][-1]
    return (int,) if name == "id" or name.endswith(("_id", "_ids")) else (str,)


@pytest.mark.parametrize("name", [name for name, each in BY_NAME.items() if each.body and list(_slots(each.body()))])
def test_an_id_of_another_tenant_in_a_body_is_one_of_nothing(name: str, caller: Caller, world: World) -> None:
    operation = BY_NAME[name]
    schema: Schema = operation.body()  # type: ignore[misc]
    comparison = _Comparison(caller, world, operation)
    keys = next(_keys(world, operation))
    example = _Example(operation, caller)

    def call(slot: Slot, value: Any) -> dict[str, Any]:
        return {**keys, "body": _merged(example.body(comparison.changes), _filled(slot, value))}

    for slot in _slots(schema):
        comparison.check(partial(call, slot), _fitting(slot))
