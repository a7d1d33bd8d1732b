"""Addresses, bodies, parameters and replies, without a server."""

import msgspec
import pytest
from confd_gateway.addresses import base_url
from confd_gateway.errors import BadBody, BadRequest, RemoteFailure
from confd_gateway.replies import decode, failure_response, json_response
from confd_gateway.requests import json_body, query_arguments, text_body
from confd_gateway.routing import Route
from confd_schemas.spec import operation

SERVER = ("127.0.0.1", 9486)


@pytest.mark.parametrize(
    ("headers", "url"),
    [
        ({}, "http://127.0.0.1:9486/1.1"),
        ({"host": "confd.example.org:9486"}, "http://confd.example.org:9486/1.1"),
        ({"host": "[::1]:9486"}, "http://[::1]:9486/1.1"),
        ({"host": "a", "x-forwarded-proto": "https"}, "https://a/1.1"),
        ({"host": "a", "x-forwarded-proto": "http, HTTPS"}, "https://a/1.1"),
        ({"host": "a", "x-forwarded-proto": 'ftp"'}, "http://a/1.1"),
        ({"host": "a", "x-script-name": "/api/confd"}, "http://a/api/confd/1.1"),
        ({"host": "a", "x-script-name": "/api/confd/"}, "http://a/api/confd/1.1"),
        ({"host": "a", "x-script-name": "api"}, "http://a/1.1"),
        ({"host": "a", "x-script-name": "//evil.example"}, "http://a/1.1"),
        ({"host": "a", "x-script-name": "/a/../b"}, "http://a/1.1"),
        ({"host": "a", "x-script-name": '/a"},{'}, "http://a/1.1"),
        ({"host": 'a","b":"'}, "http://127.0.0.1:9486/1.1"),
        ({"host": "a/b"}, "http://127.0.0.1:9486/1.1"),
        ({"host": "a@b"}, "http://127.0.0.1:9486/1.1"),
        ({"host": "é"}, "http://127.0.0.1:9486/1.1"),
        ({"host": "a:b"}, "http://127.0.0.1:9486/1.1"),
    ],
)
def test_links_start_with_what_the_headers_say_when_it_is_an_address(headers, url):
    assert base_url({k.encode(): v.encode() for k, v in headers.items()}, "http", SERVER) == url


@pytest.mark.parametrize("body", [b"null", b"[]", b"{}", b"0", b"false", b'""', b" {} \n"])
def test_an_empty_body_counts_as_an_empty_object(body):
    assert bytes(json_body(body)) == b"{}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": "\\ud800"}',
        b'{"a": "\xff"}',
        b"{'a': 1}",
        b"\xef\xbb\xbf{}",
        b'{"a": ' + b"1" * 5000 + b"}",
        b'{"a": ' + b"[" * 101 + b"]" * 101 + b"}",
        b"[" * 100_000,
    ],
)
def test_what_is_not_json_is_refused(body):
    with pytest.raises(BadBody):
        json_body(body)


@pytest.mark.parametrize("body", [b'"text"', b"1", b"true", b"[1]"])
def test_a_body_that_is_no_object_is_refused(body):
    with pytest.raises(BadRequest) as refused:
        json_body(body)
    assert refused.value.content == ["Input Error - _schema: ['Invalid input type.']"]


def test_a_wide_body_is_fine():
    body = b'{"a": [' + b",".join([b"{}"] * 1000) + b"]}"
    assert bytes(json_body(body)) == body


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("", "é", "é"),
        ("text/csv", "\ufeffé", "é"),
        ("text/csv; charset=utf-8", "é", "é"),
        ("text/csv; charset=UTF8", "é", "é"),
        ('text/csv; header=present; charset="iso-8859-1"', "é".encode("latin-1"), "é"),
        ("text/csv; charset=windows-1252", "€".encode("cp1252"), "€"),
        ("text/csv; charset=utf-16", "é".encode("utf-16"), "é"),
    ],
)
def test_text_is_decoded_by_its_charset(content_type, body, text):
    given = body.encode() if isinstance(body, str) else body
    assert text_body(given, "text/csv", content_type.encode("latin-1")) == text


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/csv", b"\xff"),
        ("text/csv; charset=ascii", b"\xc3\xa9"),
        ("text/csv; charset=nothing", b"a"),
        ("text/csv; charset=base64", b"YQ=="),
        ("text/csv; charset=idna", b"a"),
        ("text/csv; charset=utf-16", b"abc"),
        ("text/csv; charset=\xe9", b"a"),
    ],
)
def test_bytes_that_are_not_of_the_charset_are_refused(content_type, body):
    with pytest.raises(BadRequest, match="Input Error - "):
        text_body(body, "text/csv", content_type.encode("latin-1"))


@pytest.mark.parametrize(
    ("wanted", "query", "arguments"),
    [
        (None, b"name=a&name=b&limit=1&empty=", {"name": "a", "limit": "1", "empty": ""}),
        (None, b"body=x&id=2&which=y&self=z&=a&name=%C3%A9+%ff", {"name": "é \ufffd"}),
        (("only",), b"only=1&name=a", {"only": "1"}),
        ((), b"name=a", {}),
    ],
)
def test_query_parameters_become_arguments_but_never_replace_any(wanted, query, arguments):
    route = Route(operation("GET", "/things/{id:int}", "things.get", query=wanted, constants={"which": "main"}))
    assert query_arguments(route, query) == arguments


@pytest.mark.parametrize("query", [b"name=%00", b"&".join([b"a=1"] * 1001)])
def test_a_query_that_no_operation_can_take_is_refused(query):
    with pytest.raises(BadRequest, match="Input Error - "):
        query_arguments(Route(operation("GET", "/things", "things.list", query=None)), query)


def error(**given):
    return msgspec.json.encode({"result": None, "error": given})


@pytest.mark.parametrize(
    ("reply", "status", "content"),
    [
        (error(exc_type="NotFound", status=404, type="not-found", message="gone", details={}), 404, ["gone"]),
        (error(status=400, type="schema", message="a; b", details={"messages": ["a", "b"]}), 400, ["a", "b"]),
        (error(status=400, type="other", message="m", details={"messages": ["a"]}), 400, ["m"]),
        (error(status=502, type="provd", message="m", details={"body": "Provd client error: x"}), 502,
         "Provd client error: x"),
        (error(status=400, type="import", message="m", details={"body": {"errors": []}}), 400, {"errors": []}),
        (error(exc_type="KeyError", exc_path="builtins.KeyError", exc_args=["a"], value="'a'"), 500,
         ["Unexpected error: KeyError: 'a'"]),
        (error(exc_type="IncorrectSignature", value="missing a"), 500,
         ["Unexpected error: IncorrectSignature: missing a"]),
        (error(exc_type="MethodNotFound", value="walk"), 503, ["The service has no such method: walk"]),
        (error(exc_type="Odd", status=200, message="fine"), 500, ["Unexpected error: fine"]),
        (b"not json", 500, ["Unexpected error: the service sent a malformed reply"]),
        (b'{"error": "text"}', 500, ["Unexpected error: the service sent a malformed reply"]),
    ],
)  # fmt: skip
def test_errors_of_services_become_answers(reply, status, content):
    with pytest.raises(RemoteFailure) as failure:
        decode(reply)
    response = failure_response(failure.value)
    assert (response.status_code, msgspec.json.decode(response.body)) == (status, content)
    assert bytes(response.body).endswith(b"\n")


@pytest.mark.parametrize(
    ("reply", "result"),
    [
        (b'{"result":{"a":"b"},"error":null}', b'{"a":"b"}'),
        (b'{"result":null,"error":null}', b"null"),
        (b'{"result": [1, 2], "error": null}', b"[1, 2]"),
        (b'{"error":null,"result":"x"}', b'"x"'),
        (b'{"result":{"result":",\\"error\\":null}","error":null},"error":null}',
         b'{"result":",\\"error\\":null}","error":null}'),
    ],
)  # fmt: skip
def test_a_good_result_is_passed_on_as_it_came(reply, result):
    assert decode(reply) == result


def test_an_error_is_none_the_less_one_for_what_it_holds():
    with pytest.raises(RemoteFailure):
        decode(b'{"result":null,"error":{"exc_type":"E","value":{"error":null}}}')


def test_what_is_not_ascii_is_escaped():
    body = json_response(200, '{"a":"é𝄞\\"ü"}'.encode()).body
    assert body == b'{"a":"\\u00e9\\ud834\\udd1e\\"\\u00fc"}\n'
