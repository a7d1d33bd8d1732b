"""The OpenAPI and Swagger documents."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from confd_schemas import openapi
from confd_schemas.spec import discover

DOCUMENT = openapi.document(discover(), version="1.2")
SWAGGER = openapi.swagger(discover(), version="1.2")

SCHEMA_WORDS = {
    "additionalProperties", "allOf", "default", "description", "enum", "format", "items", "maxItems", "maxLength",
    "maximum", "minItems", "minLength", "minimum", "pattern", "properties", "readOnly", "required", "type",
    "x-nullable",
}  # fmt: skip
_OF_SCHEMAS_ALONE = {"additionalProperties", "allOf", "properties", "readOnly", "x-nullable"}
PARAMETER_WORDS = SCHEMA_WORDS - _OF_SCHEMAS_ALONE | {"name", "in"}


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for each in part.values():
            yield from references(each)
    elif isinstance(part, list):
        for each in part:
            yield from references(each)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def schemas(part: Any) -> Iterator[dict[str, Any]]:
    """The schema and all schemas in it."""
    yield part
    for each in (*part.get("properties", {}).values(), *part.get("allOf", ())):
        yield from schemas(each)
    if "items" in part:
        yield from schemas(part["items"])


@pytest.mark.parametrize("document", [DOCUMENT, SWAGGER], ids=["openapi", "swagger"])
class TestBoth:
    def test_has_every_operation(self, document: dict[str, Any]) -> None:
        expected = [
            (one.method.lower(), one.plain_path, one.rpc, one.acl)
            for resource in discover()
            for one in resource.operations
        ]
        found = [(method, path, one.get("x-rpc"), one.get("x-acl")) for method, path, one in operations(document)]
        assert sorted(found, key=str) == sorted(expected, key=str)

    def test_names_each_operation_once(self, document: dict[str, Any]) -> None:
        names = [one["operationId"] for _, _, one in operations(document)]
        assert len(names) == len(set(names))

    def test_describes_every_variable_of_a_path(self, document: dict[str, Any]) -> None:
        for _, path, one in operations(document):
            described = [each["name"] for each in one["parameters"] if each.get("in") == "path"]
            assert described == re.findall(r"\{(\w+)\}", path)

    def test_refers_only_to_what_it_has(self, document: dict[str, Any]) -> None:
        for reference in set(references(document)):
            found: Any = document
            for step in reference.removeprefix("#/").split("/"):
                found = found[step]

    def test_is_json_without_python(self, document: dict[str, Any]) -> None:
        assert r"\\Z" not in json.dumps(document)


def test_the_document_is_the_same_each_time() -> None:
    assert json.dumps(openapi.document(discover(), version="1.2")) == json.dumps(DOCUMENT)


def test_a_list_describes_its_parameters() -> None:
    parameters = DOCUMENT["paths"]["/users"]["get"]["parameters"]
    names = {each.get("name") or each["$ref"].rpartition("/")[2] for each in parameters}
    assert names > {"Limit", "Offset", "order", "Direction", "Search", "Recurse", "view", "firstname", "Tenant"}


def test_an_update_requires_nothing_and_has_no_defaults() -> None:
    found = DOCUMENT["components"]["schemas"]["UserUpdate"]
    assert "required" not in found
    assert not [name for name, each in found["properties"].items() if "default" in each]
    assert DOCUMENT["components"]["schemas"]["User"]["required"] == ["firstname"]


def test_a_summary_shows_the_fields_that_it_has() -> None:
    lines = DOCUMENT["components"]["schemas"]["Extension"]["properties"]["lines"]
    assert list(lines["items"]["properties"]) == ["id", "name", "links"]


def test_a_view_is_another_answer() -> None:
    answer = DOCUMENT["paths"]["/endpoints/sip/{uuid}"]["get"]["responses"]["200"]["content"]["application/json"]
    assert [each["$ref"].rpartition("/")[2] for each in answer["schema"]["anyOf"]] == [
        "EndpointSIP",
        "EndpointSIPMerged",
    ]


def test_an_operation_without_acl_needs_no_token() -> None:
    assert DOCUMENT["paths"]["/api/api.yml"]["get"]["security"] == []


def test_swagger_says_where_the_api_is() -> None:
    assert (SWAGGER["swagger"], SWAGGER["basePath"], SWAGGER["schemes"]) == ("2.0", "/1.1", ["http"])
    assert (SWAGGER["x-xivo-port"], SWAGGER["x-xivo-name"]) == (9486, "confd")
    assert SWAGGER["securityDefinitions"]["wazo_auth_token"] == {
        "type": "apiKey",
        "name": "X-Auth-Token",
        "in": "header",
    }


def test_behind_a_proxy_swagger_has_its_prefix_and_scheme() -> None:
    found = openapi.swagger(discover(), version="1.2", prefix="/api/confd")
    assert (found["basePath"], found["schemes"]) == ("/api/confd/1.1", ["https"])


def test_swagger_uses_only_words_that_swagger_has() -> None:
    bodies = [each["schema"] for _, _, one in operations(SWAGGER) for each in one["parameters"] if "schema" in each]
    answers = [
        each["schema"] for _, _, one in operations(SWAGGER) for each in one["responses"].values() if "schema" in each
    ]
    for top in (*SWAGGER["definitions"].values(), *bodies, *answers):
        for found in schemas(top):
            assert set(found) <= SCHEMA_WORDS or set(found) == {"$ref"}
            assert isinstance(found.get("type", ""), str)
    for _, _, one in operations(SWAGGER):
        for each in one["parameters"]:
            if "schema" not in each and "$ref" not in each:
                assert set(each) <= PARAMETER_WORDS
                assert each["type"] in ("string", "integer", "boolean")
        assert sum(each.get("in") == "body" for each in one["parameters"]) <= 1
