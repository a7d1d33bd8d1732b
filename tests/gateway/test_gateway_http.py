"""Requests become calls, and replies become answers."""

import base64
import http.client
import time

import orjson
import pytest
from gateway_fakes import CHILD, MASTER, OTHER, UNREAD, USER

METHOD_REFUSED = {"message": "The method is not allowed for the requested URL."}
MALFORMED = ["The browser (or proxy) sent a request that this server could not understand."]
UUID = UNREAD


def test_a_list_passes_on_its_parameters_and_the_context(client, worker):
    worker.answers["things.list"] = b'{"total":1,"items":[{"id":1,"links":[{"rel":"things","href":"/things/1"}]}]}'
    answer = client.get("/things?limit=1&search=%C3%A9", headers={"X-Request-ID": "r-1", "Idempotency-Key": "k 1"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"] == "r-1"
    assert answer.text.endswith("}\n")
    assert answer.json()["items"][0]["links"][0]["href"] == f"{client.base_url}things/1"

    call = worker.call
    assert (call.method, call.args, call.kwargs) == ("things.list", [], {"limit": "1", "search": "é"})
    assert call.properties["content_type"] == "application/json"
    assert call.properties["expiration"] == "5000"
    assert call.properties["correlation_id"] in call.headers["nameko.call_id_stack"][0]
    assert 0 < float(call.headers["nameko.deadline"]) - time.time() <= 5
    assert call.headers["nameko.tenant_uuid"] == MASTER
    assert set(call.headers["nameko.visible_tenants"]) == {MASTER, CHILD, OTHER}
    assert call.headers["nameko.user_uuid"] == USER
    assert call.headers["nameko.request_id"] == "r-1"
    assert call.headers["nameko.idempotency_key"] == "k 1"


def test_the_chosen_tenant_becomes_the_context(client, worker):
    assert client.get("/things", headers={"Wazo-Tenant": CHILD}).status_code == 200
    headers = worker.call.headers
    assert (headers["nameko.tenant_uuid"], headers["nameko.visible_tenants"]) == (CHILD, [CHILD])


def test_create_answers_with_the_item_and_its_location(client, worker):
    worker.answers["things.create"] = '{"id":7,"name":"é𝄞","links":[{"rel":"things","href":"/things/7"}]}'.encode()
    answer = client.post(
        "/things",
        content=b'{"name": "\xc3\xa9"}',
        headers={"Content-Type": "text/plain", "X-Forwarded-Proto": "https", "Host": "pbx", "X-Script-Name": "/api"},
    )
    assert answer.status_code == 201
    assert answer.headers["location"] == "https://pbx/api/1.1/things/7"
    assert b'"name":"\\u00e9\\ud834\\udd1e"' in answer.content
    assert answer.json()["links"] == [{"rel": "things", "href": "https://pbx/api/1.1/things/7"}]
    assert worker.call.kwargs == {"body": {"name": "é"}}


def test_update_and_delete_answer_with_nothing(client, worker):
    answer = client.put(f"/things/{UUID.upper()}?id=2&body=x", json={"name": "a"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert worker.call.kwargs == {"id": UUID, "body": {"name": "a"}}
    answer = client.delete("/things/1")
    assert (answer.status_code, answer.content) == (204, b"")
    assert worker.call.kwargs == {"id": 1}


def test_constants_of_the_path_are_arguments(client, worker):
    assert client.put("/things/1/main?which=other").status_code == 204
    assert worker.call.kwargs == {"id": 1, "which": "main"}


def test_head_answers_as_get_without_a_body(client, worker):
    worker.answers["things.get"] = b'{"id":1}'
    get, head = client.get("/things/1"), client.head("/things/1")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"] == "9"
    worker.answers["things.get"] = {"status": 404, "type": "not-found", "message": "Thing was not found"}
    assert (client.head("/things/1").status_code, client.get("/things/1").json()) == (404, ["Thing was not found"])


@pytest.mark.parametrize("path", ["/nothing", "/things/", "/things/abc", "/things/1/", "/rows/a%2Fb", "/rows/%ff"])
def test_an_unknown_url_is_a_page_and_asks_for_no_token(client, path):
    answer = client.get(path, headers={"X-Auth-Token": ""})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>404 Not Found</title>" in answer.text


def test_a_method_that_there_is_not_is_refused_without_asking_for_a_token(client):
    answer = client.request("DELETE", "/things", headers={"X-Auth-Token": ""})
    assert (answer.status_code, answer.json()) == (405, METHOD_REFUSED)
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_a_method_refused_on_purpose_has_an_empty_text(client):
    answer = client.patch("/things/1")
    assert (answer.status_code, answer.text) == (405, '""\n')
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"


def test_options_needs_no_token_and_tells_browsers_what_they_may_do(client):
    answer = client.options(
        "/things",
        headers={
            "X-Auth-Token": "",
            "Origin": "https://ui.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-auth-token, x-other, WAZO-TENANT",
        },
    )
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert answer.headers["access-control-allow-origin"] == "https://ui.example"
    assert answer.headers["access-control-allow-methods"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
    assert answer.headers["access-control-allow-headers"] == "X-Auth-Token, Wazo-Tenant"
    assert answer.headers["vary"] == "Origin"
    assert client.options("/nothing").status_code == 404


def test_every_answer_may_be_read_by_browsers(client):
    assert client.get("/nothing").headers["access-control-allow-origin"] == "*"
    answer = client.get("/things", headers={"Origin": "https://ui.example"})
    assert answer.headers["access-control-allow-origin"] == "https://ui.example"


@pytest.mark.parametrize(
    ("headers", "path", "body"),
    [
        ({"X-Auth-Token": ""}, "/things", ["('', 'confd.things.read')"]),
        ({"X-Auth-Token": "nobody"}, "/things", ["('nobody', 'confd.things.read')"]),
        ({"X-Auth-Token": "reader"}, "/things/7", ["('reader', 'confd.things.7.read', None)"]),
        ({"X-Auth-Token": "reader"}, "/things/007", ["('reader', 'confd.things.7.read', None)"]),
        ({"X-Auth-Token": "reader"}, f"/things/{UUID.upper()}", [f"('reader', 'confd.things.{UUID}.read', None)"]),
        (
            {"X-Auth-Token": "child", "Wazo-Tenant": MASTER},
            "/things",
            [f"('child', 'confd.things.read', '{MASTER}')"],
        ),
        ({"X-Auth-Token": "child"}, "/things/master", ["child"]),
    ],
)
def test_callers_are_refused_before_anything_is_called(client, worker, headers, path, body):
    answer = client.get(path, headers=headers)
    assert (answer.status_code, answer.json()) == (401, body)
    assert worker.calls == []


@pytest.mark.parametrize("name", ["X-Auth-Token", "Wazo-Tenant", "Idempotency-Key", "Content-Type"])
@pytest.mark.parametrize("values", [("all", "all"), ("all", "nobody"), ("", "all")])
def test_a_header_that_tells_who_calls_or_what_is_refused_when_given_twice(client, worker, name, values):
    answer = client.get("/things", headers=[(name, value) for value in values])
    assert (answer.status_code, answer.json()) == (400, [f"Input Error - {name}: must not be given twice"])
    assert worker.calls == []


def test_other_headers_may_be_given_twice(client, worker):
    answer = client.get(
        "/things", headers=[("Accept", "text/html"), ("Accept", "*/*"), ("X-Request-Id", "1"), ("X-Request-Id", "2")]
    )
    assert (answer.status_code, answer.headers["x-request-id"]) == (200, "2")


def test_an_open_operation_needs_no_token_and_has_no_tenant(client, worker):
    assert client.get("/things/open", headers={"X-Auth-Token": "", "Wazo-Tenant": CHILD}).status_code == 200
    assert not {"nameko.tenant_uuid", "nameko.visible_tenants"} & set(worker.call.headers)


def test_without_authentication_everybody_sees_all(start_gateway, worker):
    client = start_gateway(auth_mode="none", master_tenant_uuid=MASTER)
    assert client.get("/things/master", headers={"X-Auth-Token": ""}).status_code == 200
    headers = worker.call.headers
    assert (headers["nameko.tenant_uuid"], headers["nameko.visible_tenants"]) == (MASTER, ["*"])


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": NaN}', b'{"a": "\\ud800"}'])
def test_a_malformed_body_is_refused(client, worker, body):
    answer = client.post("/things", content=body)
    assert (answer.status_code, answer.json()) == (400, MALFORMED)
    assert worker.calls == []


def test_a_body_that_is_no_object_is_refused_and_an_empty_one_is_an_object(client, worker):
    answer = client.post("/things", content=b"[1]")
    assert (answer.status_code, answer.json()) == (400, ["Input Error - _schema: ['Invalid input type.']"])
    assert client.put("/things/1", content=b"null").status_code == 204
    assert worker.call.kwargs == {"id": 1, "body": {}}


def in_chunks(size):
    for _ in range(size // 65536 + 1):
        yield b" " * 65536


@pytest.mark.parametrize(
    ("path", "size"), [("/things", 1024 * 1024), ("/rows", 40 * 1024 * 1024)], ids=["json", "other"]
)
def test_a_body_over_the_limit_is_refused_whether_its_length_is_told_or_not(client, worker, path, size):
    for content in (b" " * (size + 1), in_chunks(size)):
        answer = client.post(path, content=content)
        assert answer.status_code == 413
        assert answer.json() == {"message": "The data value transmitted exceeds the capacity limit."}
    assert worker.calls == []


def test_a_large_body_arrives_whole(client, worker):
    text = "é" * (2 * 1024 * 1024)
    assert client.post("/rows", content=text.encode()).status_code == 201
    assert worker.call.kwargs == {"body": text}


def test_text_goes_both_ways_as_it_is(client, worker):
    headers = {"Content-Type": "text/csv; charset=iso-8859-1"}
    assert client.post("/rows", content="a\r\né".encode("latin-1"), headers=headers).status_code == 201
    assert worker.call.kwargs == {"body": "a\r\né"}
    worker.answers["rows.dump"] = orjson.dumps("a\r\né")
    answer = client.get("/rows")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content == "a\r\né".encode()
    assert client.post("/rows", content=b"\xff").status_code == 400


def test_bytes_go_both_ways_in_base64(client, worker):
    content = bytes(range(256))
    assert client.put("/files/a.wav", content=content).status_code == 204
    assert worker.call.kwargs == {"name": "a.wav", "body": base64.b64encode(content).decode()}
    worker.answers["files.get"] = orjson.dumps({"filename": "a b.wav", "content": base64.b64encode(content).decode()})
    answer = client.get("/files/a")
    assert (answer.content, answer.headers["content-type"]) == (content, "application/octet-stream")
    assert answer.headers["content-disposition"] == "attachment; filename=a_b.wav; filename*=UTF-8''a%20b.wav"


def test_only_named_parameters_are_passed_where_they_are_named(client, worker):
    assert client.get("/rows/a%20b?only=1&other=2&name=c").status_code == 200
    assert worker.call.kwargs == {"name": "a b", "only": "1"}


def test_the_document_learns_its_prefix_from_the_header_alone(client, worker):
    worker.answers["api.get"] = orjson.dumps("swagger: '2.0'\n")
    answer = client.get("/api/api.yml?prefix=/evil", headers={"X-Auth-Token": ""})
    assert answer.text == "swagger: '2.0'\n"
    assert answer.headers["content-type"].startswith("application/x-yaml")
    assert worker.call.kwargs == {}
    client.get("/api/api.yml", headers={"X-Script-Name": "/api/confd"})
    assert worker.call.kwargs == {"prefix": "/api/confd"}


@pytest.mark.parametrize("key", ["", "k" * 256, "é".encode()])
def test_an_unusable_idempotency_key_is_refused(client, worker, key):
    answer = client.get("/things", headers={"Idempotency-Key": key})
    assert answer.status_code == 400
    assert answer.json() == ["Input Error - Idempotency-Key: must be 1 to 255 printable ASCII characters"]


def test_an_item_is_tagged_with_its_revision_and_a_list_is_not(client, worker):
    worker.answers["things.get"] = worker.answers["things.create"] = b'{"name":"a","revision":12}'
    worker.answers["things.list"] = b'{"total":1,"items":[{"name":"a","revision":12}]}'
    assert client.get("/things/7").headers["etag"] == '"12"'
    assert client.get("/things/7", headers={"If-None-Match": '"12"'}).status_code == 200
    assert client.head("/things/7").headers["etag"] == '"12"'
    assert client.post("/things", json={}).headers["etag"] == '"12"'
    assert "etag" not in client.get("/things").headers


@pytest.mark.parametrize(
    ("header", "told"),
    [(None, None), ('"7"', ["7"]), ('"6", "7","8"', ["6", "7", "8"]), ("*", "*")],
)
def test_if_match_goes_with_a_change_as_a_condition(client, worker, header, told):
    for method, content in (("PUT", {"json": {}}), ("DELETE", {})):
        client.request(method, "/things/7", headers={"If-Match": header} if header else {}, **content)
        assert worker.call.headers.get("nameko.if_revision") == told


def test_if_match_may_be_given_twice(client, worker):
    client.put("/things/7", headers=[("If-Match", '"7"'), ("If-Match", '"8"')], json={})
    assert worker.call.headers.get("nameko.if_revision") == ["7", "8"]


@pytest.mark.parametrize("header", ["", "7", 'W/"7"', '"7" "8"', '"7",', '"seven"', '"7", *', '"12345678901"'])
def test_an_if_match_that_tells_no_revisions_is_refused(client, worker, header):
    answer = client.put("/things/7", headers={"If-Match": header}, json={})
    assert (answer.status_code, worker.calls) == (400, [])
    assert answer.json()[0].startswith("Input Error - If-Match: ")


def test_a_read_takes_no_condition(client, worker):
    answer = client.get("/things/7", headers={"If-Match": '"7"'})
    assert (answer.status_code, answer.json()) == (400, ["Input Error - If-Match: GET takes no condition"])


def test_a_change_of_another_revision_is_told_the_present_one(client, worker):
    worker.answers["things.update"] = {
        "exc_type": "RevisionMismatch", "status": 412, "type": "revision-mismatch", "message": "another",
        "details": {"revision": 8},
    }  # fmt: skip
    answer = client.put("/things/7", headers={"If-Match": '"7"'}, json={})
    assert (answer.status_code, answer.json(), answer.headers["etag"]) == (412, ["another"], '"8"')


def test_errors_of_the_worker_keep_their_status_and_text(client, worker):
    worker.answers["things.create"] = {
        "exc_type": "BadFields", "status": 400, "type": "schema", "message": "a; b",
        "details": {"messages": ["Input Error - a: ['é']", "Input Error - b: c"], "fields": {}},
    }  # fmt: skip
    answer = client.post("/things", json={})
    assert (answer.status_code, answer.json()) == (400, ["Input Error - a: ['é']", "Input Error - b: c"])
    assert b"\\u00e9" in answer.content


def test_no_answer_in_time_is_503(client, worker):
    worker.answers["things.slow"] = None
    answer = client.get("/things/slow")
    assert (answer.status_code, answer.json()) == (503, ["things.slow: no answer within 0.3 s"])
    assert worker.call.properties["expiration"] == "300"
    assert client.app.bus.in_flight == 0


def test_a_service_that_nobody_serves_is_503_at_once(client):
    begun = time.monotonic()
    answer = client.get("/nowhere")
    assert answer.status_code == 503
    assert answer.json() == ["nowhere.get: service unknown: no worker serves 'nowhere'"]
    assert time.monotonic() - begun < 2


def test_status_tells_of_all_parts_whatever_works(client, worker):
    worker.answers["status.get"] = b'{"bus_consumer":{"status":"fail"},"database":{"status":"ok"}}'
    ok = {"status": "ok"}
    parts = ["bus_consumer", "master_tenant", "rest_api", "service_token"]
    answer = client.get("/status")
    assert list(answer.json().items()) == [(name, ok) for name in [*parts, "ready", "database"]]
    worker.answers["status.get"] = b'{"database":{"status":"fail"}}'
    answer = client.get("/status").json()
    assert (answer["ready"], answer["bus_consumer"]) == ({"status": "fail"}, ok)
    worker.answers["status.get"] = {"exc_type": "MethodNotFound", "value": "get"}
    fail = {"status": "fail"}
    assert client.get("/status").json() == {**dict.fromkeys(parts, ok), "bus_consumer": fail, "ready": fail}
    assert client.get("/status", headers={"X-Auth-Token": "nobody"}).status_code == 401


def test_a_worker_that_is_overloaded_has_the_client_wait(client, worker):
    worker.answers["things.list"] = {"status": 503, "type": "overloaded", "message": "Overloaded: x"}
    answer = client.get("/things")
    assert (answer.status_code, answer.headers["retry-after"], answer.json()) == (503, "1", ["Overloaded: x"])
    worker.answers["things.list"] = {"status": 503, "type": "unavailable", "message": "x"}
    assert "retry-after" not in client.get("/things").headers


HOSTILE = [
    (b"GET /1.1/things?a=%00 HTTP/1.1", 400),
    (b"GET /1.1/things?%ff=%fe&=&&; HTTP/1.1", 200),
    (b"GET /1.1/rows/%F0%9F%98%80 HTTP/1.1", 200),
    (b"GET /1.1/things/%31 HTTP/1.1", 200),
    (b"GET /1.1/../1.1/things HTTP/1.1", 404),
    (b"GET http://other/1.1/things HTTP/1.1", 200),
    (b"GET /1.1/things HTTP/1.1\r\nWazo-Tenant: \xff", 401),
    (b"GET /1.1/things HTTP/1.1\r\nX-Auth-Token: \xe9\xff", 401),
    (b'GET /1.1/things HTTP/1.1\r\nX-Request-Id: \xff"{}', 200),
    (b"GET /1.1/things HTTP/1.1\r\nX-Forwarded-Proto: \xff\r\nX-Script-Name: \xff\r\nOrigin: \xff", 200),
    (b"POST /1.1/rows HTTP/1.1\r\nContent-Type: text/csv; charset=\xff\r\nContent-Length: 1", 400),
    (b"GET /1.1/things HTTP/1.1\r\nHost: b", 400),
    (b"PROPFIND /1.1/things HTTP/1.1", 405),
]


@pytest.mark.parametrize(("head", "status"), HOSTILE, ids=[str(number) for number in range(len(HOSTILE))])
def test_no_header_or_path_breaks_the_gateway(client, worker, head, status):
    connection = http.client.HTTPConnection(client.base_url.host, client.base_url.port, timeout=10)
    connection.connect()
    token = b"" if b"X-Auth-Token" in head else b"X-Auth-Token: all\r\n"
    connection.sock.sendall(head + b"\r\nHost: a\r\n" + token + b"Connection: close\r\n\r\nx")
    received = b""
    while chunk := connection.sock.recv(65536):
        received += chunk
    connection.close()
    assert int(received.split()[1]) == status, received
