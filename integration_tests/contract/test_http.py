"""What is visible over HTTP only: places, statuses, the shape of errors, and the resources of the server itself."""

import csv
import io
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import yaml

from confd_worker.conformance.system import CHILD, MASTER_TENANT, MASTER_TOKEN, PARENT, System

Http = Callable[..., httpx.Response]

LIVE_RELOAD = "/configuration/live_reload"
UNKNOWN = 2_000_000_000
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def made(http: Http) -> Iterator[Callable[..., dict[str, Any]]]:
    """Make something in the tenant `PARENT`; it is deleted again."""
    paths = []

    def make(path: str, **body: Any) -> dict[str, Any]:
        answer = http("POST", path, json=body)
        assert answer.status_code == 201, answer.text
        paths.append(answer.headers["location"].rpartition("/1.1")[2])
        return answer.json()

    yield make
    for path in reversed(paths):
        http("DELETE", path)


@pytest.fixture
def context(made: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """A context in the tenant `PARENT`."""
    return made("/contexts", label="inside", user_ranges=[{"start": "1000", "end": "1999"}])


def test_what_is_made_has_its_place_in_the_header_and_in_its_links(
    http: Http, system: System, context: dict[str, Any]
) -> None:
    name = context["name"]
    line = http("POST", "/lines", json={"context": name, "endpoint_sip": {}}).json()
    user = http("POST", "/users", json={"firstname": "x"}).json()
    for path, body, place, rel in (
        ("/users", {"firstname": "x"}, "/users/{id}", "users"),
        ("/lines", {"context": name}, "/lines/{id}", "lines"),
        ("/extensions", {"exten": "1000", "context": name}, "/extensions/{id}", "extensions"),
        ("/endpoints/sip", {}, "/endpoints/sip/{uuid}", "endpoint_sip"),
        ("/contexts", {"label": "x"}, "/contexts/{id}", "contexts"),
        ("/voicemails", {"name": "x", "number": "1", "context": name}, "/voicemails/{id}", "voicemails"),
        (f"/lines/{line['id']}/extensions", {"exten": "1001", "context": name}, "/extensions/{id}", "extensions"),
        (f"/users/{user['uuid']}/voicemails", {"name": "x", "number": "2", "context": name}, "/voicemails/{id}",
         "voicemails"),
    ):  # fmt: skip
        answer = http("POST", path, json=body)
        item = answer.json()
        expected = f"{system.url}{place.format(**item)}"
        assert (answer.status_code, answer.headers["location"]) == (201, expected)
        assert item["links"] == [{"rel": rel, "href": expected}]
        shown = http("GET", expected.removeprefix(system.url))
        assert (shown.status_code, http("HEAD", expected.removeprefix(system.url)).status_code) == (200, 200)
    template = http("POST", "/endpoints/sip/templates", json={})
    own = template.json()
    # A quirk: the place in the header is that of an endpoint, where no template is found.
    assert template.headers["location"] == f"{system.url}/endpoints/sip/{own['uuid']}"
    assert own["links"][0]["href"] == f"{system.url}/endpoints/sip/templates/{own['uuid']}"
    assert http("GET", f"/endpoints/sip/{own['uuid']}").status_code == 404
    assert http("DELETE", f"/users/{user['id']}?recursive=TRUE").status_code == 204
    assert http("DELETE", f"/lines/{line['id']}?recursive=True").status_code == 204


def test_a_change_and_a_deletion_have_no_content(http: Http, context: dict[str, Any]) -> None:
    user, line = http("POST", "/users", json={"firstname": "x"}).json(), None
    line = http("POST", "/lines", json={"context": context["name"], "endpoint_sip": {}}).json()
    endpoint = line["endpoint_sip"]["uuid"]
    for method, path, body in (
        ("PUT", f"/users/{user['uuid']}", {}),
        ("PUT", f"/users/{user['id']}/forwards", {}),
        ("PUT", f"/users/{user['id']}/forwards/busy", {"enabled": False}),
        ("PUT", f"/users/{user['id']}/services/incallfilter", {"enabled": True}),
        ("PUT", f"/users/{user['id']}/lines/{line['id']}", None),
        ("PUT", f"/users/{user['id']}/lines", {"lines": []}),
        ("PUT", f"/lines/{line['id']}/endpoints/sip/{endpoint}", None),
        ("PUT", f"/endpoints/sip/{endpoint}", {"label": "x"}),
        ("PUT", f"/contexts/{context['id']}/contexts", {"contexts": []}),
        ("DELETE", f"/lines/{line['id']}/endpoints/sip/{endpoint}", None),
        ("DELETE", f"/endpoints/sip/{endpoint}", None),
        ("DELETE", f"/users/{user['id']}/voicemails", None),
        ("DELETE", f"/lines/{line['id']}", None),
        ("DELETE", f"/users/{user['id']}", None),
    ):
        answer = http(method, path, **({} if body is None else {"json": body}))
        assert (answer.status_code, answer.content) == (204, b""), (path, answer.text)
    assert http("HEAD", f"/users/{user['id']}").status_code == 404
    assert http("HEAD", f"/users/{user['id']}").content == b""


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "errors"),
    [
        ("POST", "/users", {"email": "x", "enabled": 1}, 400, [
            "Input Error - firstname: ['Missing data for required field.']",
            "Input Error - email: ['Not a valid email address.']", "Input Error - enabled: ['Not a valid boolean.']",
        ]),
        ("PUT", f"/users/{UNKNOWN}", {"firstname": 1}, 404,
         [f"Resource Not Found - User was not found ('id': {UNKNOWN})"]),
        ("GET", f"/users/{NOBODY}", None, 404, [f"Resource Not Found - User was not found ('id': UUID('{NOBODY}'))"]),
        ("POST", "/lines", {"context": "é"}, 400,
         ["Input Error - field 'context': Context was not found ('context': 'é')"]),
        ("GET", f"/users/{NOBODY}/lines/main/associated/endpoints/sip", None, 404,
         [f"Resource Not Found - UserFeatures was not found ('uuid': '{NOBODY}')"]),
        ("GET", f"/contexts/{UNKNOWN}/ranges/user", None, 404,
         [f"Resource Not Found - Context was not found ('id': {UNKNOWN})"]),
        ("GET", f"/tenants/{NOBODY}", None, 404, [f"Resource Not Found - Tenant was not found ('uuid': '{NOBODY}')"]),
        ("GET", "/users?order=nonsense", None, 400, ["Input Error - order: column 'nonsense' was not found"]),
        ("GET", "/users?direction=up&order=nonsense", None, 400,
         ["Input Error - direction: must be 'asc' or 'desc'"]),
        ("GET", "/endpoints/sip?limit=x&recurse=maybe", None, 400,
         ["Input Error - limit: ['Not a valid integer.']", "Input Error - recurse: ['Not a valid boolean.']"]),
    ],
)  # fmt: skip
def test_an_error_is_a_list_of_texts(
    method: str, path: str, body: Any, status: int, errors: list[str], http: Http
) -> None:
    answer = http(method, path, **({} if body is None else {"json": body}))
    assert (answer.status_code, answer.json()) == (status, errors)
    assert answer.headers["content-type"] == "application/json"
    assert answer.text.isascii()
    assert answer.text.endswith("\n")


@pytest.mark.parametrize(
    "path",
    ["/users/1/forwards/other", "/users/1/services/other", "/contexts/1/ranges/other", "/lines/x", "/users/1/lines/x",
     "/users/1/lines/main/associated/endpoints/sip", "/endpoints/sip/1", "/endpoints/sip/templates/1", "/extensions/-1",
     "/voicemails/1/"],
)  # fmt: skip
def test_a_path_that_does_not_fit_is_an_unknown_page(path: str, http: Http) -> None:
    answer = http("GET", path, token=None)
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (404, "text/html")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_tenants_are_only_read(method: str, http: Http) -> None:
    path = "/tenants" if method == "POST" else f"/tenants/{NOBODY}"
    answer = http(method, path)
    assert (answer.status_code, answer.text.strip()) == (405, '""')


def test_a_tenant_is_shown_with_those_below_it(http: Http) -> None:
    for token in ("parent-token", "child-token"):
        user = http("POST", "/users", token=token, json={"firstname": "x"}).json()
        http("DELETE", f"/users/{user['id']}", token=token)
    [own] = http("GET", "/tenants").json()["items"]
    assert list(own) == [
        "uuid", "sip_templates_generated", "global_sip_template_uuid", "webrtc_sip_template_uuid",
        "registration_trunk_sip_template_uuid", "meeting_guest_sip_template_uuid", "revision",
    ]  # fmt: skip
    assert own["uuid"] == PARENT
    both = http("GET", "/tenants?recurse=true").json()["items"]
    assert [each["uuid"] for each in both] == [PARENT, CHILD]
    assert http("GET", f"/tenants/{CHILD}").json()["uuid"] == CHILD
    assert http("GET", f"/tenants/{PARENT}", token="child-token").status_code == 404


def test_live_reload_is_for_the_master_tenant_and_is_replaced_as_a_whole(http: Http, system: System) -> None:
    assert http("GET", LIVE_RELOAD, token="parent-token").status_code == 401
    assert http("PUT", LIVE_RELOAD, token="parent-token", json={"enabled": False}).status_code == 401
    bad: list[Any] = [1, None, "string", [], {}]
    for body in ({}, [], *({"enabled": value} for value in bad)):
        answer = http("PUT", LIVE_RELOAD, token=MASTER_TOKEN, json=body)
        assert (answer.status_code, "Input Error - enabled: " in answer.json()[0]) == (400, True)
    with system.events("live_reload_edited") as events:
        try:
            assert http("PUT", LIVE_RELOAD, token=MASTER_TOKEN, json={"enabled": False}).status_code == 204
            assert http("GET", LIVE_RELOAD, token=MASTER_TOKEN).json()["enabled"] is False
        finally:
            assert http("PUT", LIVE_RELOAD, token=MASTER_TOKEN, json={"enabled": True}).status_code == 204
        for enabled in (False, True):
            headers, payload = events.get(timeout=10)
            assert payload["data"] == {"live_reload_enabled": enabled}
            assert headers["required_acl"] == "events.config.live_reload.edited"
            assert "tenant_uuid" not in headers
            assert "user_uuid:*" not in headers


def test_the_server_tells_who_it_is_and_how_it_is(http: Http, system: System) -> None:
    infos = http("GET", "/infos").json()
    assert list(infos) == ["uuid", "wazo_version"]
    with system.events("user_created", tenant=PARENT) as events:
        user = http("POST", "/users", json={"firstname": "x"}).json()
        headers, _ = events.get(timeout=10)
        assert headers["origin_uuid"] == infos["uuid"]
    http("DELETE", f"/users/{user['id']}")
    status = http("GET", "/status").json()
    parts = ["bus_consumer", "master_tenant", "rest_api", "service_token"]
    assert {name: status[name] for name in parts} == {key: {"status": "ok"} for key in parts}
    for path in ("/infos", "/status"):
        assert http("GET", path, token=None).status_code == 401


def test_the_document_of_the_api_needs_no_token_and_knows_its_place(http: Http) -> None:
    answer = http("GET", "/api/api.yml", token=None)
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "application/x-yaml")
    document = yaml.safe_load(answer.text)
    told = {name: document[name] for name in ("swagger", "basePath", "schemes", "x-xivo-port", "x-xivo-name")}
    assert told == {
        "swagger": "2.0", "basePath": "/1.1", "schemes": ["http"], "x-xivo-port": 9486, "x-xivo-name": "confd",
    }  # fmt: skip
    token = document["securityDefinitions"]["wazo_auth_token"]
    assert (token["type"], token["name"], token["in"]) == ("apiKey", "X-Auth-Token", "header")
    assert {"/users", "/lines/{line_id}/extensions", "/users/export"} <= set(document["paths"])
    behind = yaml.safe_load(http("GET", "/api/api.yml", token=None, headers={"X-Script-Name": "/api/confd"}).text)
    assert (behind["basePath"], behind["schemes"]) == ("/api/confd/1.1", ["https"])


def test_users_come_and_go_as_csv(http: Http) -> None:
    word = uuid.uuid4().hex
    latin = f"firstname,userfield\r\nZoë,{word}\r\n".encode("latin-1")
    kind = {"Content-Type": "text/csv; charset=latin-1"}
    answer = http("POST", "/users/import", content=latin, headers=kind)
    assert answer.status_code == 201
    assert "location" not in answer.headers
    [made] = answer.json()["created"]
    exported = http("GET", "/users/export", headers={"Accept": "application/json"})
    assert exported.headers["content-type"] == "text/csv; charset=utf-8"
    [row] = [row for row in csv.DictReader(io.StringIO(exported.text)) if row["userfield"] == word]
    assert (row["firstname"], row["uuid"]) == ("Zoë", made["user_uuid"])
    answer = http("POST", "/users/import", content=b"firstname\n\nA\n" + b"x" * 129)
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["message"] == "{'firstname': ['Longer than maximum length 128.']}"
    assert error["details"] == {"row": {"firstname": "x" * 129}, "row_number": 2}
    assert http("GET", "/users/export", token=None).status_code == 401
    assert http("GET", "/users/export", token="reader-token").status_code == 401
    assert http("PUT", "/users/import", content=latin).json() == {
        "message": "The method is not allowed for the requested URL."
    }
    assert http("DELETE", f"/users/{made['user_id']}").status_code == 204


def test_a_telephone_finds_nothing_where_its_user_has_no_line(http: Http, made: Callable[..., dict[str, Any]]) -> None:
    user = made("/users", firstname="x")
    path = f"/users/{user['uuid']}/lines/main/associated/endpoints/sip"
    answer = http("GET", path)
    assert (answer.status_code, answer.json()) == (404, "Resource Not Found.")
    answer = http("GET", f"{path}?view=x")
    assert (answer.status_code, answer.json()) == (400, ["Input Error - view: ['Must be one of: merged.']"])


def test_both_services_of_a_user_are_read_with_the_acl_of_one(http: Http, made: Callable[..., dict[str, Any]]) -> None:
    user = made("/users", firstname="x")
    for name in ("dnd", "incallfilter"):
        told = http("GET", f"/users/{user['id']}/services/{name}", token="reader-token").text
        assert f"confd.users.{user['id']}.services.dnd.read" in told


def test_a_line_is_put_back_over_http_as_it_was_read(http: Http, context: dict[str, Any]) -> None:
    body = {"context": context["name"], "endpoint_sip": {}, "caller_id_name": "Zoë", "caller_id_num": "1"}
    line = http("POST", "/lines", json=body).json()
    shown = http("GET", f"/lines/{line['id']}").json()
    assert http("PUT", f"/lines/{line['id']}", json=shown).status_code == 204
    assert http("GET", f"/lines/{line['id']}").json() == shown
    assert re.fullmatch(r"\d{6}", shown["provisioning_code"])
    assert http("DELETE", f"/lines/{line['id']}").status_code == 204


def test_a_call_without_the_tenants_that_it_sees_acts_in_the_token_s_own(http: Http) -> None:
    user = http("POST", "/users", token=MASTER_TOKEN, json={"firstname": "x", "tenant_uuid": CHILD}).json()
    assert user["tenant_uuid"] == MASTER_TENANT
    assert http("GET", f"/users/{user['id']}", token="parent-token").status_code == 404
    assert http("DELETE", f"/users/{user['id']}", token=MASTER_TOKEN).status_code == 204
