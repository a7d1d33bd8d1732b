"""What every association must honour; one that joins items with rules of their own has an entry in PAIRS."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import orjson
import pytest
from confd_schemas.spec import Operation

from confd_worker.client import Client, RemoteError
from confd_worker.core.plugin.association import AssociationService

from .conftest import PARENT
from .system import System
from .test_conformance import EXAMPLES, SERVICES
from .wire import Wire

Call = Callable[..., Any]
Pair = tuple[dict[str, Any], dict[str, Any]]

NUMBERS = itertools.count(100)
"""Of examples, so that those that are made in one tenant have names of their own."""


def _associations() -> Iterator[tuple[str, type[AssociationService], Operation, Operation]]:
    """RPC name, class and both operations of each association."""
    for name, service in SERVICES.items():
        if issubclass(service, AssociationService):
            yield f"{name}.associate", service, service.operation("associate"), service.operation("dissociate")


ASSOCIATIONS = {rpc: (association, *ends) for rpc, association, *ends in _associations()}


def _context(call: Call, type_: str = "internal") -> str:
    ranges = {"user_ranges": [{"start": "1000", "end": "1999"}]} if type_ == "internal" else {}
    return call("contexts.create", body={"label": "inside", "type": type_, **ranges})["name"]


def _line(call: Call, context: str) -> dict[str, Any]:
    return call("lines.create", body={"context": context, "endpoint_sip": {}})


def _line_and_extension(call: Call) -> Pair:
    context = _context(call)
    return _line(call, context), call("extensions.create", body={"exten": "1000", "context": context})


def _incall_and_extension(call: Call) -> Pair:
    body = {"exten": "5145551000", "context": _context(call, "incall")}
    return call("incalls.create", body=EXAMPLES["incalls"](call, 1)), call("extensions.create", body=body)


PAIRS: dict[str, Callable[[Call], Pair]] = {
    "user_lines.associate": lambda call: (
        call("users.create", body={"firstname": "Alice"}),
        _line(call, _context(call)),
    ),
    "line_extensions.associate": _line_and_extension,
    "incall_extensions.associate": _incall_and_extension,
}


def joinable(rpc: str, call: Call) -> dict[str, Any]:
    """A pair of items that can be joined, as the arguments of the call."""
    association, operation, _ = ASSOCIATIONS[rpc]
    if rpc in PAIRS:
        pair = PAIRS[rpc](call)
    else:
        left, right = association.left.spec.name, association.right.spec.name
        pair = tuple(call(f"{name}.create", body=EXAMPLES[name](call, next(NUMBERS))) for name in (left, right))
    kinds = operation.variables.items()
    keys = ((variable, "uuid" if kind == "uuid" else "id") for variable, kind in kinds)
    return {variable: item[key] for (variable, key), item in zip(keys, pair, strict=True)}


def _only(operation: Operation, ids: dict[str, Any]) -> dict[str, Any]:
    return {variable: ids[variable] for variable in operation.variables}


def _unknown(ids: dict[str, Any], variable: str) -> dict[str, Any]:
    return ids | {variable: 2_000_000_000 if isinstance(ids[variable], int) else str(uuid.uuid4())}


def _refused(call: Call, rpc: str, ids: dict[str, Any]) -> RemoteError:
    with pytest.raises(RemoteError) as refusal:
        call(rpc, **ids)
    return refusal.value


class Heard:
    """The events of a tenant, as far as a call that is made last."""

    def __init__(self, wire: Wire, call: Call, tenant: str) -> None:
        self._wire, self._call = wire, call
        self._queue = wire.follow(tenant_uuid=tenant)
        self.names()

    def names(self) -> list[str]:
        """Names of those that came since this was last asked."""
        marker = self._call("users.create", body={"firstname": "marker"})["id"]
        names: list[str] = []
        while True:
            message = self._wire.get(self._queue)
            if message.headers["name"] == "user_created" and orjson.loads(message.body)["data"]["id"] == marker:
                return names
            names.append(message.headers["name"])


@pytest.mark.parametrize("rpc", ASSOCIATIONS)
def test_joining_or_parting_once_more_changes_and_tells_nothing(
    rpc: str, call: Call, tenant: str, system: System
) -> None:
    association, joining, parting = ASSOCIATIONS[rpc]
    ids = joinable(rpc, call)
    told = association.notifier.names
    with Wire(system.amqp_uri) as wire:
        heard = Heard(wire, call, tenant)
        assert call(parting.rpc, **_only(parting, ids)) is None
        assert heard.names() == []
        assert call(joining.rpc, **ids) is None
        assert told & set(heard.names())
        assert call(joining.rpc, **ids) is None
        assert heard.names() == []
        assert call(parting.rpc, **_only(parting, ids)) is None
        assert told & set(heard.names())
        assert call(parting.rpc, **_only(parting, ids)) is None
        assert heard.names() == []


@pytest.mark.parametrize("rpc", ASSOCIATIONS)
def test_over_http_each_answer_is_204_however_often(rpc: str, system: System, http: Callable[..., Any]) -> None:
    _, joining, parting = ASSOCIATIONS[rpc]
    with system.client(PARENT) as client:
        ids = joinable(rpc, client.call)
    for operation in (joining, joining, parting, parting):
        answer: httpx.Response = http(operation.method, operation.plain_path.format(**ids))
        assert (answer.status_code, answer.content) == (204, b"")
        stranger = http(operation.method, operation.plain_path.format(**ids), token="other-token")
        assert stranger.status_code == 404
        assert "was not found" in stranger.json()[0]


@pytest.mark.parametrize("rpc", ASSOCIATIONS)
def test_an_item_that_is_unknown_or_of_another_tenant_is_not_found(rpc: str, call: Call, system: System) -> None:
    _, joining, parting = ASSOCIATIONS[rpc]
    ids = joinable(rpc, call)
    with system.client(str(uuid.uuid4())) as stranger:
        for operation in (joining, parting):
            for variable in operation.variables:
                refusal = _refused(call, operation.rpc, _unknown(_only(operation, ids), variable))
                assert (refusal.status, refusal.type) == (404, "not-found"), variable
            assert _refused(stranger.call, operation.rpc, _only(operation, ids)).type == "not-found"
        assert call(joining.rpc, **ids) is None
        assert _refused(stranger.call, parting.rpc, _only(parting, ids)).status == 404


@pytest.mark.parametrize("rpc", ASSOCIATIONS)
def test_items_of_two_tenants_are_not_joined(rpc: str, call: Call, tenant: str, system: System) -> None:
    association, joining, _ = ASSOCIATIONS[rpc]
    if not (association.left.owned and association.right.owned):
        pytest.skip("one of the items belongs to no tenant")
    other = str(uuid.uuid4())
    own = joinable(rpc, call)
    with system.client(other, visible_tenants=[other, tenant]) as both:
        theirs = joinable(rpc, both.call)
        left, right = own
        refusal = _refused(both.call, joining.rpc, {left: own[left], right: theirs[right]})
    assert (refusal.status, refusal.type) == (400, "different-tenants")
    assert {tenant, other} <= set(refusal.details.values())


@pytest.mark.parametrize("side", [0, 1], ids=["left", "right"])
@pytest.mark.parametrize("rpc", ASSOCIATIONS)
def test_an_item_that_is_joined_is_deleted_or_kept_with_a_reason(rpc: str, side: int, client: Client) -> None:
    association, joining, _ = ASSOCIATIONS[rpc]
    ids = joinable(rpc, client.call)
    client.call(joining.rpc, **ids)
    dao = (association.left, association.right)[side]
    key = {dao.spec.id: ids[list(joining.variables)[side]]}
    refused = orjson.loads(client.call_raw(f"{dao.spec.name}.delete", **key))["error"]
    if refused is None:
        assert _refused(client.call, f"{dao.spec.name}.get", key).status == 404
    else:
        assert (refused["status"], refused["type"]) == (400, "resource-associated")
        assert client.call(f"{dao.spec.name}.get", **key)
