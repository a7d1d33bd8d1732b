"""Resource specs: what the gateway needs to translate REST to RPC, and what the worker exposes.

An operation joins one HTTP method and path to one RPC name, which follows from them (see `rpc_names`). Paths are
written with the types of their variables, `/users/{user_id:id}/lines/{line_id:int}`: `int` (digits), `uuid`, `id`
(digits or a uuid), `filename` (see `files`), `text` (anything without a slash), or the words that are allowed:
`{name:busy|noanswer|unconditional}`. What does not match its type is an unknown URL.
"""

import pkgutil
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from .rpc_names import rpc_name
from .schema import Schema

__all__ = [
    "ENTRY_POINTS",
    "Listing",
    "Operation",
    "Resource",
    "association",
    "discover",
    "modules",
    "operation",
    "refused",
    "replaced_list",
    "resource",
    "singleton",
]

ENTRY_POINTS = "confd_schemas.resources"
VARIABLE = re.compile(r"\{(\w+):([\w|]+)\}")

_VERBS = {"GET": "read", "HEAD": "read", "POST": "create", "PUT": "update", "DELETE": "delete"}
_SUCCESS = {"GET": 200, "HEAD": 200, "POST": 201, "PUT": 204, "DELETE": 204}


@dataclass(frozen=True)
class Operation:
    """One call, in both dialects.

    Attributes:
        method: HTTP method.
        path: with typed variables, without the prefix `/1.1`.
        rpc: full name of the RPC method; None for one that is deliberately refused with 405.
        acl: what the token must grant, with the path's variables in braces; None where no token is needed.
        success: HTTP status of a good answer.
        query: names of the query parameters that are passed on as arguments; None passes all of them as
            arguments (lists, where any column may be a filter).
        parameters: schema of the query parameters, where they are not plain text.
        constants: arguments that the path itself stands for.
        location: path of a created item with one of its fields in braces, such as `/users/{id}`.
        body: schema of the JSON body; `accepts` tells of other types of body.
        partial: the body may leave out fields of its first level, which then keep their values.
        answer: schema of the item in a good answer; `many` when it is a list of `{total, items}`.
        views: other schemas of the item, by the value of the query parameter `view`.
        master_only: only for tokens whose own tenant is the master tenant.
        accepts: media type of the request's body when it is not JSON; it is passed on as text.
        produces: media type of the answer.
        in_blocks: the body, or the content of the answer, is a file of any size, which goes over the bus in blocks, as
            `files` tells.
        limit: bytes of the body at the most, where that is not what the gateway allows any body.
        timeout: seconds that a caller should wait for the answer; None where the usual time is enough.
        refusal: the JSON that comes with the 405 of a refused operation.
        summary: a line for the documents.
    """

    method: str
    path: str
    rpc: str | None
    acl: str | None
    success: int
    query: tuple[str, ...] | None = ()
    parameters: type[Schema] | None = None
    constants: dict[str, Any] = field(default_factory=dict)
    location: str | None = None
    body: type[Schema] | None = None
    partial: bool = False
    answer: type[Schema] | None = None
    many: bool = False
    views: dict[str, type[Schema]] = field(default_factory=dict)
    master_only: bool = False
    accepts: str = "application/json"
    produces: str = "application/json"
    in_blocks: bool = False
    limit: int | None = None
    timeout: float | None = None
    refusal: Any = ""
    summary: str = ""

    @property
    def service(self) -> str:
        """Name of the nameko service: all of the RPC name but its last word."""
        return (self.rpc or "").rpartition(".")[0]

    @property
    def name(self) -> str:
        """Name of the service's method."""
        return (self.rpc or "").rpartition(".")[2]

    @property
    def changes(self) -> bool:
        """Whether the call may change something, and so runs in a transaction and is recorded."""
        return self.method not in ("GET", "HEAD")

    @property
    def takes_body(self) -> bool:
        """Whether the request's body becomes the argument `body`."""
        return self.body is not None or self.accepts != "application/json"

    @property
    def variables(self) -> dict[str, str]:
        """Types of the path's variables by name."""
        return dict(VARIABLE.findall(self.path))

    @cached_property
    def item(self) -> str:
        """The part of the path that names an item, its variable made anonymous, `/users/{}`; empty without one."""
        variable = VARIABLE.search(self.path)
        return f"{self.path[: variable.start()]}{{}}" if variable else ""

    @property
    def plain_path(self) -> str:
        """The path as OpenAPI writes it: `/users/{id}`."""
        return VARIABLE.sub(r"{\1}", self.path)


@dataclass(frozen=True)
class Listing:
    """How a list may be asked for.

    Attributes:
        default: column that orders the list when the caller names none.
        order, search, filter: columns by which one may order, into which `search=` looks, that may be filtered on.
        extra: further query parameters, each with a line that tells what it does.
    """

    default: str
    order: tuple[str, ...]
    search: tuple[str, ...]
    filter: tuple[str, ...]
    extra: dict[str, str] = field(default_factory=dict)

    @classmethod
    def by(cls, default: str, *columns: str, **changed: Any) -> "Listing":
        """A listing whose columns may be ordered by, searched and filtered on alike, but for what is named."""
        return cls(default, **({"order": columns, "search": columns, "filter": columns} | changed))


@dataclass(frozen=True)
class Resource:
    """A resource or an association: how it looks and its operations, which one nameko service serves.

    Attributes:
        label: what errors call it (`User was not found`).
        id: name of the argument that addresses one item, and so of the path's last variable.
        name: of the service; that of the operations unless it is given.
        rpc_only: methods of the service that no HTTP request leads to.
    """

    operations: tuple[Operation, ...]
    label: str = ""
    schema: type[Schema] | None = None
    id: str = "id"
    listing: Listing | None = None
    name: str = ""
    rpc_only: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.operations[0].service)

    @cached_property
    def path(self) -> str:
        """The path of one item, `/users/{}`, as the operations on it tell it; empty where there is none."""
        return next((one.item for one in self.operations if one.item == VARIABLE.sub("{}", one.path)), "")

    @cached_property
    def methods(self) -> dict[str, Operation | None]:
        """The operations by the service's methods (the first one where several share it); None for `rpc_only`."""
        found: dict[str, Operation | None] = dict.fromkeys(self.rpc_only)
        for one in self.operations:
            if one.rpc is not None:
                found.setdefault(one.name, one)
        return found


def operation(method: str, path: str, rpc: str | None = None, **given: Any) -> Operation:
    """An operation with the usual ACL (`confd.` and the path's words and the verb) and status.

    `query` names the fields of `parameters` unless it is given.

    Args:
        rpc: where the RPC name does not follow from the path: the method alone, `get`, or all of it, `users.export`.
    """
    plain = VARIABLE.sub(r"{\1}", path).strip("/").replace("/", ".")
    usual: dict[str, Any] = {"acl": f"confd.{plain}.{_VERBS[method]}", "success": _SUCCESS[method]}
    if "parameters" in given:
        usual["query"] = tuple(given["parameters"]().fields)
    return Operation(method, path, rpc_name(method, path, rpc), **(usual | given))


def resource(
    path: str,
    schema: type[Schema],
    *,
    label: str,
    listing: Listing | None,
    only: Iterable[str] = ("list", "create", "get", "update", "delete"),
    location: str | None = None,
    master_only: bool = False,
    also: Iterable[Operation] = (),
    rpc_only: tuple[str, ...] = (),
    **given: dict[str, Any],
) -> Resource:
    """A plain resource: list and create on the collection, get, update and delete on one item.

    Args:
        path: of one item; its last variable is the id.
        only: which of the five operations there are.
        location: path of a created item; by default that of the item.
        also: further operations of this resource.
        rpc_only: methods that no HTTP request leads to.
        given: by operation, what is not usual (`update={"parameters": Recursive}`).
    """
    collection, _, variable = path.rpartition("/")
    key = VARIABLE.fullmatch(variable)[1]  # type: ignore[index]
    shapes: dict[str, tuple[str, str, dict[str, Any]]] = {
        "list": ("GET", collection, {"query": None, "many": True, "answer": schema}),
        "create": ("POST", collection, {"body": schema, "answer": schema,
                                        "location": location or VARIABLE.sub(r"{\1}", path)}),
        "get": ("GET", path, {"answer": schema}),
        "update": ("PUT", path, {"body": schema, "partial": True}),
        "delete": ("DELETE", path, {}),
    }  # fmt: skip
    operations = [
        operation(method, where, **({"master_only": master_only} | usual | given.get(name, {})))
        for name, (method, where, usual) in shapes.items()
        if name in only
    ]
    return Resource((*operations, *also), label, schema, key, listing, rpc_only=rpc_only)


def association(path: str, also: Iterable[Operation] = ()) -> Resource:
    """Two items joined by PUT and parted by DELETE on a path with the ids of both."""
    return Resource((operation("PUT", path), operation("DELETE", path), *also))


def replaced_list(path: str, body: type[Schema]) -> Resource:
    """A list that belongs to the item of the path, replaced as a whole by PUT."""
    return Resource((operation("PUT", path, body=body),))


def singleton(
    path: str,
    schema: type[Schema],
    *,
    label: str = "",
    id: str = "id",
    also: Iterable[Operation] = (),
    get: dict[str, Any] | None = None,
    update: dict[str, Any] | None = None,
) -> Resource:
    """What there is one of, in all or for the item of the path: read by GET and changed by PUT.

    Args:
        label: what errors call the item of the path.
        also: further operations of this resource.
        get, update: what is not usual of the operations (`update={"partial": True}`).
    """
    read = operation("GET", path, "get", **({"answer": schema} | (get or {})))
    changed = operation("PUT", path, "update", **({"body": schema} | (update or {})))
    return Resource((read, changed, *also), label, schema, id)


def refused(method: str, path: str, refusal: Any = "") -> Operation:
    """An operation that everybody is refused, with 405 and the JSON `refusal`."""
    return Operation(method, path, None, None, 405, refusal=refusal)


def modules(group: str) -> Iterator[ModuleType]:
    """The modules that the entry points of a group name; of a package, all that are in it.

    Raises:
        TypeError: an entry point names something else.
    """
    for entry in sorted(entry_points(group=group), key=lambda entry: entry.name):
        named = entry.load()
        if not isinstance(named, ModuleType):
            raise TypeError(f"The entry point {entry.name} of the group {group} must name a module: {entry.value}")
        yield named
        if hasattr(named, "__path__"):
            for inner in pkgutil.walk_packages(named.__path__, f"{named.__name__}."):
                yield import_module(inner.name)


def discover() -> Iterator[Resource]:
    """All resource specs of the installed distributions, found by the entry-point group `confd_schemas.resources`.

    An entry point names a module or a package; every `Resource` in it counts, once.
    """
    seen: set[int] = set()
    for module in modules(ENTRY_POINTS):
        for found in vars(module).values():
            if isinstance(found, Resource) and id(found) not in seen:
                seen.add(id(found))
                yield found
