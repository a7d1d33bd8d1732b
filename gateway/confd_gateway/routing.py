"""Finds the operation of a URL in a tree of path segments, in steps of the path's length."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes
from uuid import UUID

import msgspec
from confd_schemas.files import is_filename
from confd_schemas.schema import Item
from confd_schemas.spec import Operation, Resource

from .auth import UUID as USUAL_UUID
from .errors import NotAllowed, NotFound

__all__ = ["PREFIX", "Match", "Route", "Router"]

PREFIX = "/1.1"
VARIABLE = re.compile(r"\{(\w+):([^{}]+)\}")
PLACEHOLDER = re.compile(r"\{(\w+)\}")
# No id is larger than 64 bits, and so nothing larger can be found; and no name is so long.
MAX_DIGITS, MAX_TEXT = 18, 512
# The narrower type is tried first where several match.
SPECIFICITY = ("int", "uuid", "id", "filename", "uuid or text", "text")

Converter = Callable[[str], Any]


def _integer(segment: str) -> int | None:
    if len(segment) <= MAX_DIGITS and segment.isascii() and segment.isdigit():
        return int(segment)
    return None


def _uuid(segment: str) -> str | None:
    return segment.lower() if len(segment) == 36 and USUAL_UUID.fullmatch(segment) else None


def _id(segment: str) -> int | str | None:
    number = _integer(segment)
    return _uuid(segment) if number is None else number


def _text(segment: str) -> str | None:
    return segment if 0 < len(segment) <= MAX_TEXT else None


def _uuid_or_text(segment: str) -> str | None:
    """A UUID in its usual form, in whatever form that the worker understands it is given."""
    text = _text(segment)
    try:
        return text and str(UUID(text))
    except ValueError:
        return text


def _filename(segment: str) -> str | None:
    return segment if is_filename(segment) else None


CONVERTERS: dict[str, Converter] = {
    "int": _integer,
    "uuid": _uuid,
    "id": _id,
    "filename": _filename,
    "uuid or text": _uuid_or_text,
    "text": _text,
}


def _in_acl(value: Any) -> str:
    """A value as an ACL shows it: a dot or `#` of a name is not one of the ACL's own."""
    return value.replace(".", "_").replace("#", "_") if isinstance(value, str) else str(value)


def _kind(name: str, kind: str) -> str:
    """The type of a variable; of those that take any text, the ones called after a UUID also know such."""
    return "uuid or text" if kind == "text" and name.rpartition("_")[2] == "uuid" else kind


def _converter(kind: str) -> Converter:
    """The function that gives the value of a segment, or None when it is not of that type."""
    if "|" in kind:
        words = {word: word for word in kind.split("|")}
        return words.get
    if kind not in CONVERTERS:
        raise ValueError(f"path variable type '{kind}' is none of {', '.join(CONVERTERS)} or words joined by |")
    return CONVERTERS[kind]


class Route:
    """An operation with what is worked out once at start.

    Attributes:
        names: of the path's variables, in order.
        reserved: names that query parameters cannot set.
        located: decodes the fields of a result that its Location needs; None where there is none.
        shows_item: whether the result is one item, with its revision.
    """

    __slots__ = ("_acl", "located", "location_fields", "names", "operation", "reserved", "shows_item")

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.names = tuple(name for name, _ in VARIABLE.findall(operation.path))
        self.reserved = {"body", "self", "", *self.names, *operation.constants}
        self._acl = None if operation.acl is None else PLACEHOLDER.split(operation.acl)
        self.shows_item = operation.answer is not None and issubclass(operation.answer, Item) and not operation.many
        self.location_fields = tuple(PLACEHOLDER.findall(operation.location or ""))
        self.located: msgspec.json.Decoder[Any] | None = None
        if operation.location is not None:
            optional = [(name, Any, None) for name in self.location_fields]
            self.located = msgspec.json.Decoder(msgspec.defstruct("Located", optional))

    def acl(self, values: Mapping[str, Any]) -> str | None:
        """What a token must grant; None when no token is needed.

        Args:
            values: of the path's variables, as they were understood: a rule about an item holds for each of its
                spellings.
        """
        parts = self._acl
        if parts is None or len(parts) == 1:
            return None if parts is None else parts[0]
        return "".join(
            _in_acl(values[part]) if place % 2 and part in values else part for place, part in enumerate(parts)
        )


@dataclass(slots=True, frozen=True)
class Match:
    """A route that a URL leads to.

    Attributes:
        values: the path's variables as they were understood, by name; arguments of the call.
        places: where in the tree the URL leads to.
    """

    route: Route
    values: dict[str, Any]
    places: "list[_Node]"

    @property
    def allowed(self) -> tuple[str, ...]:
        """The methods that the URL has."""
        return _allowed(self.places)


@dataclass(slots=True)
class _Node:
    """One place in the tree."""

    literals: dict[str, "_Node"] = field(default_factory=dict)
    variables: list[tuple[str, Converter, "_Node"]] = field(default_factory=list)
    routes: dict[str, Route] = field(default_factory=dict)

    def variable(self, kind: str) -> "_Node":
        for known, _, node in self.variables:
            if known == kind:
                return node
        node = _Node()
        self.variables.append((kind, _converter(kind), node))
        self.variables.sort(key=lambda entry: SPECIFICITY.index(entry[0]) if entry[0] in SPECIFICITY else -1)
        return node


class Router:
    """All routes of the given resources.

    Raises:
        ValueError: two operations share a method and a path, or a path has a variable of an unknown type.
    """

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._root = _Node()
        for resource in resources:
            for operation in resource.operations:
                self._add(operation)

    def _add(self, operation: Operation) -> None:
        node = self._root
        for segment in operation.path.strip("/").split("/"):
            variable = VARIABLE.fullmatch(segment)
            node = (
                node.variable(_kind(variable[1], variable[2]))
                if variable
                else node.literals.setdefault(segment, _Node())
            )
        if operation.method in node.routes:
            raise ValueError(f"{operation.method} {operation.path}: there is another operation of that method and path")
        node.routes[operation.method] = Route(operation)

    def match(self, method: str, path: str, raw_path: bytes | None) -> Match:
        """The route of a request.

        Args:
            path: decoded; raw_path: as the client sent it.

        Raises:
            NotFound: there is no such URL.
            NotAllowed: it does not have that method.
        """
        others: list[_Node] = []
        for node, found in self._find(self._root, _segments(path, raw_path), 0, ()):
            route = node.routes.get(method) or (node.routes.get("GET") if method == "HEAD" else None)
            if route is None:
                others.append(node)
                continue
            return Match(route, dict(zip(route.names, found, strict=True)), [node, *others])
        if others:
            raise NotAllowed(_allowed(others))
        raise NotFound

    def _find(
        self, node: _Node, segments: list[str], at: int, found: tuple[Any, ...]
    ) -> Iterator[tuple[_Node, tuple[Any, ...]]]:
        """The places that the path leads to, those through literals first."""
        if at == len(segments):
            if node.routes:
                yield node, found
            return
        segment = segments[at]
        literal = node.literals.get(segment)
        if literal is not None:
            yield from self._find(literal, segments, at + 1, found)
        for _, convert, following in node.variables:
            value = convert(segment)
            if value is not None:
                yield from self._find(following, segments, at + 1, (*found, value))


def _segments(path: str, raw_path: bytes | None) -> list[str]:
    """The decoded segments behind the prefix; an escaped slash does not separate, it belongs nowhere."""
    if not path.startswith(PREFIX + "/"):
        raise NotFound
    if raw_path is None or b"%" not in raw_path:
        return path[len(PREFIX) + 1 :].split("/")
    try:
        segments = [unquote_to_bytes(part).decode() for part in raw_path.split(b"?")[0].split(b"/")[2:]]
    except UnicodeDecodeError:
        raise NotFound from None
    if any("/" in segment or "\0" in segment for segment in segments):
        raise NotFound
    return segments


def _allowed(nodes: Iterable[_Node]) -> tuple[str, ...]:
    methods = {method for node in nodes for method, route in node.routes.items() if route.operation.rpc is not None}
    if "GET" in methods:
        methods.add("HEAD")
    return tuple(sorted(methods | {"OPTIONS"}))
