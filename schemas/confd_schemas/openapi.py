"""The description of the REST API, made from the resource specs."""

from collections.abc import Collection, Iterable
from typing import Any

from apispec import APISpec

from . import swagger2
from .json_schema import Plugin, shape
from .schema import Item, Schema
from .spec import Listing, Operation, Resource

__all__ = ["document", "swagger"]

PREFIX = "/1.1"
TOKEN = "wazo_auth_token"
UUID_PATTERN = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

_VARIABLES: dict[str, dict[str, Any]] = {
    "int": {"type": "integer", "minimum": 0},
    "uuid": {"type": "string", "format": "uuid"},
    "id": {"type": "string", "pattern": f"^([0-9]+|{UUID_PATTERN})$"},
    "filename": {"type": "string", "minLength": 1, "maxLength": 194, "pattern": "^[^/.][^/]*$"},
    "text": {"type": "string"},
}
_PAGE: tuple[dict[str, Any], ...] = (
    {
        "name": "limit",
        "in": "query",
        "description": "How many items to show at the most; all when left out",
        "schema": {"type": "integer", "minimum": 1},
    },
    {
        "name": "offset",
        "in": "query",
        "description": "How many items to leave out at the start",
        "schema": {"type": "integer", "minimum": 0, "default": 0},
    },
    {
        "name": "direction",
        "in": "query",
        "description": "Whether the order is ascending or descending",
        "schema": {"type": "string", "enum": ["asc", "desc"], "default": "asc"},
    },
    {
        "name": "search",
        "in": "query",
        "description": "Show only items in which this text is found, without regard to case and accents",
        "schema": {"type": "string"},
    },
    {
        "name": "recurse",
        "in": "query",
        "description": "Show items of the tenants below, too",
        "schema": {"type": "boolean", "default": False},
    },
)
_TENANT = {
    "name": "Wazo-Tenant",
    "in": "header",
    "description": "Tenant to act in; that of the token when left out",
    "schema": {"type": "string", "format": "uuid"},
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "Change the item only if its ETag is this, or one of these; * takes any",
    "schema": {"type": "string"},
}
_ETAG = {
    "ETag": {
        "description": "Revision of the item, in quotes: what If-Match takes",
        "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
    }
}
_ERRORS = {
    "400": ("BadRequest", "The request is refused"),
    "401": ("Unauthorized", "The token, its rights or the tenant are not good for this"),
    "404": ("NotFound", "An id of the path does not exist or is not visible"),
    "412": ("Changed", "The item has another revision than If-Match tells"),
    "503": ("Unavailable", "The daemon or one that it needs can't answer now"),
}


def document(resources: Iterable[Resource], *, version: str) -> dict[str, Any]:
    """The API as OpenAPI 3.1.

    Beside what the standard has, an operation tells its RPC name as `x-rpc` and the right that it needs as `x-acl`.

    Args:
        resources: all that the document describes, in its order.
        version: of the API's implementation.
    """
    resources = tuple(resources)
    schemas = {resource.name: resource.schema for resource in resources if resource.schema}
    spec = APISpec(
        title="confd",
        version=version,
        openapi_version="3.1.0",
        plugins=[Plugin(schemas)],
        info={"description": "Configuration of the telephony platform", "x-xivo-name": "confd", "x-xivo-port": 9486},
        servers=[{"url": PREFIX}],
        security=[{TOKEN: []}],
        tags=[{"name": resource.name} for resource in resources],
    )
    spec.components.security_scheme(TOKEN, {"type": "apiKey", "name": "X-Auth-Token", "in": "header"})
    spec.components.parameter("Tenant", "header", _TENANT)
    spec.components.parameter("IfMatch", "header", _IF_MATCH)
    for parameter in _PAGE:
        spec.components.parameter(parameter["name"].capitalize(), "query", parameter)
    spec.components.schema("Errors", {"type": "array", "items": {"type": "string"}})
    for name, description in _ERRORS.values():
        headers = {"headers": _ETAG} if name == "Changed" else {}
        spec.components.response(name, {"description": description, "content": _json("Errors"), **headers})
    items = {resource.path for resource in resources if _is_item(resource.schema)}
    for resource in resources:
        for operation in resource.operations:
            described = _Description(spec, resource, operation, items).whole()
            spec.path(operation.plain_path, operations={operation.method.lower(): described})
    return spec.to_dict()


def swagger(resources: Iterable[Resource], *, version: str, prefix: str | None = None) -> dict[str, Any]:
    """The API as Swagger 2.0.

    Args:
        resources: all that the document describes, in its order.
        version: of the API's implementation.
        prefix: path under which a proxy shows the API, over HTTPS; None without proxy.
    """
    surroundings: dict[str, Any] = {
        "basePath": f"{prefix or ''}{PREFIX}",
        "schemes": ["https" if prefix else "http"],
        "x-xivo-name": "confd",
        "x-xivo-port": 9486,
    }
    return swagger2.converted(document(resources, version=version), surroundings)


class _Description:
    """One operation as OpenAPI describes it.

    Args:
        items: paths of all items that have a revision.
    """

    def __init__(self, spec: APISpec, resource: Resource, operation: Operation, items: Collection[str]) -> None:
        self.spec, self.resource, self.operation = spec, resource, operation
        changes = operation.rpc is not None and operation.changes and not operation.in_blocks
        self.conditional = changes and self._has_revision(items)

    def whole(self) -> dict[str, Any]:
        """The operation object."""
        operation = self.operation
        described: dict[str, Any] = {
            "operationId": self._id(),
            "tags": [self.resource.name],
            "parameters": [*self._path_parameters(), *self._query_parameters(), *self._headers()],
            "responses": self._responses(),
        }
        if operation.summary:
            described["summary"] = operation.summary
        if operation.takes_body:
            described["requestBody"] = {"required": True, "content": self._body()}
        if operation.rpc:
            described["x-rpc"] = operation.rpc
        if operation.acl:
            described["x-acl"] = operation.acl
        else:
            described["security"] = []
        return described

    def _has_revision(self, items: Collection[str]) -> bool:
        """Whether what the path names first, or the one row of a resource without ids, has a revision."""
        if self.operation.item:
            return self.operation.item in items
        return self.operation.method == "PUT" and _is_item(self.resource.schema)

    def _id(self) -> str:
        operation = self.operation
        if operation.rpc is None:
            return f"{self.resource.name}.refused_{operation.method.lower()}"
        return ".".join((operation.rpc, *map(str, operation.constants.values())))

    def _path_parameters(self) -> list[dict[str, Any]]:
        return [
            {"name": name, "in": "path", "required": True, "schema": _variable(type_)}
            for name, type_ in self.operation.variables.items()
        ]

    def _query_parameters(self) -> list[Any]:
        operation = self.operation
        if operation.query is None:
            return _list_parameters(self.resource.listing) if self.resource.listing else []
        if operation.parameters:
            converter = self.spec.plugins[0].converter  # type: ignore[attr-defined]
            return converter.schema2parameters(operation.parameters, location="query")
        return [{"name": name, "in": "query", "schema": {"type": "string"}} for name in operation.query]

    def _headers(self) -> list[str]:
        tenant = ["Tenant"] if self.operation.acl and not self.operation.master_only else []
        return [*tenant, "IfMatch"] if self.conditional else tenant

    def _body(self) -> dict[str, Any]:
        operation = self.operation
        if operation.body is None:
            return {operation.accepts: {"schema": _plain(operation)}}
        return {operation.accepts: {"schema": shape(operation.body, partial=operation.partial)}}

    def _responses(self) -> dict[str, Any]:
        operation = self.operation
        if operation.rpc is None:
            return {"405": {"description": "Nobody may do this"}}
        responses: dict[str, Any] = {str(operation.success): self._success()}
        if operation.method != "HEAD" and (operation.takes_body or operation.query != () or operation.changes):
            responses["400"] = "BadRequest"
        if operation.acl:
            responses["401"] = "Unauthorized"
        if operation.variables:
            responses["404"] = "NotFound"
        if self.conditional:
            responses["412"] = "Changed"
        responses["503"] = "Unavailable"
        return responses

    def _success(self) -> dict[str, Any]:
        operation = self.operation
        success: dict[str, Any] = {"description": _success_text(operation)}
        if operation.location:
            success["headers"] = {"Location": {"description": "URL of the item", "schema": {"type": "string"}}}
        if _is_item(operation.answer) and not operation.many:
            success["headers"] = success.get("headers", {}) | _ETAG
        if operation.answer:
            shown = [shape(schema) for schema in (operation.answer, *operation.views.values())]
            success["content"] = {operation.produces: {"schema": _answer(shown, operation.many)}}
        elif operation.method == "GET":
            success["content"] = {operation.produces: {"schema": _plain(operation)}}
        return success


def _is_item(schema: type[Schema] | None) -> bool:
    return schema is not None and issubclass(schema, Item)


def _variable(type_: str) -> dict[str, Any]:
    return _VARIABLES[type_] if type_ in _VARIABLES else {"type": "string", "enum": type_.split("|")}


def _list_parameters(listing: Listing) -> list[Any]:
    order = {
        "name": "order",
        "in": "query",
        "description": "Column to order by",
        "schema": {"type": "string", "enum": list(listing.order), "default": listing.default},
    }
    described = {column: f"Show only items whose {column} is this" for column in listing.filter} | listing.extra
    columns = [
        {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
        for name, text in described.items()
    ]
    return ["Limit", "Offset", order, "Direction", "Search", "Recurse", *columns]


def _answer(shown: list[Schema], many: bool) -> Any:
    item: Any = {"anyOf": shown} if len(shown) > 1 else shown[0]
    if not many:
        return item
    return {
        "type": "object",
        "properties": {
            "total": {"type": "integer", "description": "Number of matches, not only of those shown"},
            "items": {"type": "array", "items": item},
        },
        "required": ["total", "items"],
    }


def _plain(operation: Operation) -> dict[str, Any]:
    """What is not JSON: bytes or text."""
    return {"type": "string", "format": "binary"} if operation.in_blocks else {"type": "string"}


def _success_text(operation: Operation) -> str:
    if operation.success == 201:
        return "Made"
    return "Done" if operation.success == 204 else "As asked for"


def _json(schema: str) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
