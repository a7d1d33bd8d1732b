"""What is generated from: all operations of the specs, and all methods of the services, with their JSON schemas."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from confd_schemas.openapi import document
from confd_schemas.schema import Schema
from confd_schemas.spec import Operation, Resource, discover

from confd_worker.core.entrypoints.rpc import called
from confd_worker.core.plugin.discovery import discover as plugins

__all__ = ["DOCUMENT", "METHODS", "OPERATIONS", "SCHEMAS", "Method", "resolve"]

RESOURCES: list[Resource] = sorted(discover(), key=lambda spec: spec.name)
OPERATIONS: list[Operation] = [each for spec in RESOURCES for each in spec.operations if each.rpc]
DOCUMENT: dict[str, Any] = document(RESOURCES, version="1")


def resolve(reference: str) -> Mapping[str, Any]:
    """The part of the document that a `$ref` names."""
    found = DOCUMENT
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


@dataclass(frozen=True)
class Method:
    """A method that can be called.

    Attributes:
        name: with that of its service.
        arguments: by name, as callers write them; whether each must be given.
        body: JSON schema of the argument `body`, where a spec has one.
        filters: names of further arguments that a list takes.
        variables: types of the variables of the path.
    """

    name: str
    arguments: dict[str, bool]
    body: Mapping[str, Any] | None
    filters: tuple[str, ...]
    variables: Mapping[str, str]


def _methods() -> Iterator[Method]:
    operations_of_paths = (each for path in DOCUMENT["paths"].values() for each in path.values())
    described = {each["x-rpc"]: each for each in operations_of_paths if "x-rpc" in each}
    for name, service in sorted(plugins().items()):
        for method, operation in service.spec.methods.items():
            rpc = f"{name}.{method}"
            signature, _ = called(service, method if hasattr(service, method) else f"{method}_")
            body = described.get(rpc, {}).get("requestBody", {}).get("content", {}).get("application/json")
            yield Method(
                rpc,
                dict(_arguments(signature)),
                body["schema"] if body else None,
                _filters(service.spec, signature),
                operation.variables if operation else {},
            )


def _arguments(signature: inspect.Signature) -> Iterator[tuple[str, bool]]:
    for parameter in signature.parameters.values():
        if parameter.kind is not parameter.VAR_KEYWORD:
            yield parameter.name, parameter.default is parameter.empty


def _filters(spec: Resource, signature: inspect.Signature) -> tuple[str, ...]:
    takes_any = any(each.kind is each.VAR_KEYWORD for each in signature.parameters.values())
    if not takes_any:
        return ()
    listing = spec.listing
    columns = (*listing.filter, *listing.extra) if listing else ()
    return (*columns, "limit", "offset", "order", "direction", "search", "recurse")


def _schemas() -> dict[str, tuple[type[Schema], bool]]:
    """The schemas of all bodies and queries, with whether fields may be left out; those in others are part of them."""
    found: dict[str, tuple[type[Schema], bool]] = {}
    for operation in OPERATIONS:
        for schema, partial in ((operation.body, operation.partial), (operation.parameters, False)):
            if schema is not None:
                found[f"{schema.__qualname__.lstrip('_')}{'Update' if partial else ''}"] = schema, partial
    return found


METHODS: dict[str, Method] = {method.name: method for method in _methods()}
SCHEMAS: dict[str, tuple[type[Schema], bool]] = _schemas()
