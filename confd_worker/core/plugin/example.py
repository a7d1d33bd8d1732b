"""Examples of items, by which the conformance suite makes them; see `confd_worker.conformance`."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Example", "Of", "Pair"]

Make = Callable[[str, Mapping[str, Any]], dict[str, Any]]
"""Makes an item of a resource by its example, changed by some fields, and gives what `create` shows of it."""


@dataclass(frozen=True)
class Of:
    """A field of an item of another resource, which is made by that one's example.

    Attributes:
        resource: name of the other resource.
        name: of the field.
        changed: what the other's body has beside its example, or in its place.
    """

    resource: str
    name: str
    changed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Example:
    """Bodies of a resource that are right.

    In texts `{n}` becomes the number of the example, `{n:03}` likewise with zeros, and `{uuid}` a uuid.

    Attributes:
        create: a body that makes an item; such as are made of it can stand beside each other.
        update: a body that changes that item.
    """

    create: Mapping[str, Any]
    update: Mapping[str, Any]

    def body(self, make: Make, number: int, changed: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """A body to create an item of.

        Args:
            make: makes the items of other resources that it needs.
            number: of the example, from 0 to 999.
            changed: what the body is to have beside the example, or in its place.
        """
        given = {**self.create, **(changed or {})}
        return {name: _filled(value, make, number) for name, value in given.items()}


@dataclass(frozen=True)
class Pair:
    """Two items that can be joined: what the bodies of both have beside the examples of their resources."""

    left: Mapping[str, Any] = field(default_factory=dict)
    right: Mapping[str, Any] = field(default_factory=dict)


def _filled(value: Any, make: Make, number: int) -> Any:
    if isinstance(value, Of):
        return make(value.resource, value.changed)[value.name]
    if isinstance(value, str):
        return value.format(n=number, uuid=uuid.uuid4())
    if isinstance(value, Mapping):
        return {name: _filled(each, make, number) for name, each in value.items()}
    return [_filled(each, make, number) for each in value] if isinstance(value, list | tuple) else value
