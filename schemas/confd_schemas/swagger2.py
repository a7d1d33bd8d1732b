"""From OpenAPI 3.1 to Swagger 2.0, as far as our documents use the former."""

from collections.abc import Iterable
from typing import Any

__all__ = ["converted"]

_PLACES = {
    "#/components/schemas/": "#/definitions/",
    "#/components/parameters/": "#/parameters/",
    "#/components/responses/": "#/responses/",
}
_UNKNOWN_IN_SCHEMAS = ("deprecated",)


def converted(document: dict[str, Any], surroundings: dict[str, Any]) -> dict[str, Any]:
    """The same document as Swagger 2.0.

    Args:
        document: OpenAPI 3.1.
        surroundings: what Swagger says in the place of `servers`: base path, schemes, and whatever else.
    """
    components = document["components"]
    return {
        "swagger": "2.0",
        "info": document["info"],
        **surroundings,
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "tags": document["tags"],
        "security": document["security"],
        "securityDefinitions": components["securitySchemes"],
        "paths": {
            path: {method: _operation(operation) for method, operation in methods.items()}
            for path, methods in document["paths"].items()
        },
        "definitions": {name: _schema(schema) for name, schema in components["schemas"].items()},
        "parameters": {name: _parameter(parameter) for name, parameter in components["parameters"].items()},
        "responses": {name: _response(response) for name, response in components["responses"].items()},
    }


def _operation(operation: dict[str, Any]) -> dict[str, Any]:
    swagger = {name: value for name, value in operation.items() if name != "requestBody"}
    swagger["parameters"] = [_parameter(parameter) for parameter in operation["parameters"]]
    swagger["responses"] = {status: _response(response) for status, response in operation["responses"].items()}
    if body := operation.get("requestBody"):
        ((media_type, content),) = body["content"].items()
        swagger["parameters"].append(
            {"name": "body", "in": "body", "required": True, "schema": _schema(content["schema"])}
        )
        _differ(swagger, "consumes", [media_type])
    _differ(swagger, "produces", (kind for each in operation["responses"].values() for kind in each.get("content", ())))
    return swagger


def _differ(operation: dict[str, Any], name: str, media_types: Iterable[str]) -> None:
    """Note the media types of an operation where they are not the usual one."""
    found = list(dict.fromkeys(media_types))
    if found not in ([], ["application/json"]):
        operation[name] = found if name == "consumes" else [*found, "application/json"]


def _parameter(parameter: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in parameter:
        return _schema(parameter)
    rest = {name: value for name, value in parameter.items() if name != "schema"}
    return rest | _schema(parameter["schema"])


def _response(response: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in response:
        return _schema(response)
    swagger: dict[str, Any] = {"description": response["description"]}
    if headers := response.get("headers"):
        swagger["headers"] = {name: _parameter(header) for name, header in headers.items()}
    for content in response.get("content", {}).values():
        swagger["schema"] = _schema(content["schema"])
    return swagger


def _schema(schema: Any) -> Any:
    """A schema without choices between schemas and without null as a type, which Swagger has not."""
    if isinstance(schema, list):
        return [_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _reference(schema)
    if "anyOf" in schema and {"type": "null"} not in schema["anyOf"]:
        return _schema(schema["anyOf"][0])
    swagger = {name: value for name, value in schema.items() if name not in _UNKNOWN_IN_SCHEMAS}
    nullable = _take_null(swagger)
    if swagger.get("default", ...) is None:
        del swagger["default"]
    if "properties" in swagger:
        swagger["properties"] = {name: _schema(each) for name, each in swagger["properties"].items()}
    if "items" in swagger:
        swagger["items"] = _schema(swagger["items"])
    return swagger | ({"x-nullable": True} if nullable else {})


def _take_null(schema: dict[str, Any]) -> bool:
    """Remove null from what is allowed; whether it was."""
    if "anyOf" in schema:
        schema["allOf"] = [_schema(each) for each in schema.pop("anyOf") if each != {"type": "null"}]
        return True
    if isinstance(schema.get("type"), list):
        (schema["type"],) = (each for each in schema["type"] if each != "null")
        return True
    return False


def _reference(schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema["$ref"]
    for old, new in _PLACES.items():
        reference = reference.replace(old, new)
    beside = {name: value for name, value in schema.items() if name not in ("$ref", *_UNKNOWN_IN_SCHEMAS)}
    # Swagger ignores what stands beside a reference.
    return {"allOf": [{"$ref": reference}], **beside} if beside else {"$ref": reference}
