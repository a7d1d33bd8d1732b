"""Items of every resource, and pairs of every association, as the plugins' examples make them."""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from confd_schemas.spec import Operation

from ..client import RemoteError
from ..core.plugin.association import AssociationService
from ..core.plugin.discovery import discover
from ..core.plugin.example import Example
from ..core.plugin.resource import ResourceService
from ..core.plugin.service import Service

__all__ = [
    "ASSOCIATIONS",
    "CHANGEABLE",
    "GROWING",
    "LISTED",
    "OWNED",
    "RESOURCES",
    "SERVICES",
    "Call",
    "arguments",
    "body_of",
    "change_of",
    "ends",
    "key_of",
    "make",
    "offered",
    "pair_of",
    "refused",
]

Call = Callable[..., Any]

SERVICES: dict[str, type[Service]] = discover()
_ALL: dict[str, type[ResourceService]] = {
    name: service for name, service in SERVICES.items() if issubclass(service, ResourceService)
}
RESOURCES = {name: service for name, service in _ALL.items() if "create" in service.spec.methods}
"""Services of items that can be made."""
CHANGEABLE = {name: service for name, service in RESOURCES.items() if "update" in service.spec.methods}
"""Those whose items can be changed."""
OWNED = {name: service for name, service in RESOURCES.items() if service.dao.owned}
"""Those whose items belong to tenants."""
LISTED = {name: service for name, service in _ALL.items() if service.spec.listing is not None}
"""Services with a list, of items that can be made or not."""
GROWING = {name: service for name, service in LISTED.items() if getattr(service.dao.model, "tallied", False)}
"""Those whose tables grow with the users of a tenant."""
ASSOCIATIONS: dict[str, type[AssociationService]] = {
    name: service for name, service in SERVICES.items() if issubclass(service, AssociationService)
}

_NUMBERS = itertools.count()


def _example(name: str) -> Example:
    """The example of a resource; the test fails where it has none."""
    service = RESOURCES.get(name)
    if service is None:
        pytest.fail(
            f"An example names {name}, of which nothing can be made; there are: {', '.join(RESOURCES)}", pytrace=False
        )
    found: Example | None = getattr(service, "example", None)
    if found is None:
        pytest.fail(
            f"{name} has no example to be tried by. Give the class {service.__qualname__} in {service.__module__} one: "
            "example = Example({a body that makes an item}, {a body that changes it}); see confd_worker.plugin.Example",
            pytrace=False,
        )
    return found


def body_of(
    call: Call, name: str, number: int | None = None, changed: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A body that makes an item of a resource; what it refers to is made by `call`.

    Args:
        number: of the example; another one each time where none is given.
        changed: what the body is to have beside the example, or in its place.
    """
    if number is None:
        number = next(_NUMBERS) % 1000
    return _example(name).body(lambda other, changed: make(call, other, changed=changed), number, changed)


def make(call: Call, name: str, number: int | None = None, changed: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A new item of a resource, as `create` shows it; arguments as for `body_of`."""
    made: dict[str, Any] = call(f"{name}.create", body=body_of(call, name, number, changed))
    return made


def change_of(name: str) -> dict[str, Any]:
    """A body that changes an item which `make` made."""
    return dict(_example(name).update)


def key_of(name: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """The item's id, as the argument of a call."""
    id_ = SERVICES[name].spec.id
    return {id_: item[id_]}


def offered(name: str, *methods: str) -> list[str]:
    """Those of the methods that the service has."""
    return [method for method in methods if method in SERVICES[name].spec.methods]


def ends(name: str) -> tuple[Operation, Operation]:
    """The two operations of an association: that joins, and that parts."""
    service = ASSOCIATIONS[name]
    return service.operation("associate"), service.operation("dissociate")


def pair_of(call: Call, name: str) -> dict[str, Any]:
    """Two new items that the association can join, as the arguments of the call."""
    service, variables = ASSOCIATIONS[name], ends(name)[0].variables
    given = zip((service.left, service.right), (service.example.left, service.example.right), strict=True)
    items = [make(call, dao.spec.name, changed=changed) for dao, changed in given]
    keys = ((variable, "uuid" if kind == "uuid" else "id") for variable, kind in variables.items())
    return {variable: item[key] for (variable, key), item in zip(keys, items, strict=True)}


def arguments(operation: Operation, ids: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the ids that the path of an operation names."""
    return {variable: ids[variable] for variable in operation.variables}


def refused(call: Call, *given: Any, **named: Any) -> RemoteError:
    """The error of a call that must be refused."""
    try:
        call(*given, **named)
    except RemoteError as refusal:
        return refusal
    pytest.fail(f"this call must be refused: {', '.join(map(repr, given))}, {named}")
