"""The REST API as clients see it, and the import of a whole company from the command line."""

import csv
import io
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from confd_worker.conformance.system import CHILD, MASTER_TENANT, OTHER, PARENT, System

Http = Callable[..., httpx.Response]
ACME = Path(__file__).parents[1] / "examples" / "acme.csv"


def test_what_is_created_has_a_location_and_absolute_links(http: Http, system: System) -> None:
    answer = http("POST", "/users", json={"firstname": "Zoë"})
    user = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{system.url}/users/{user['id']}"
    assert user["links"] == [{"rel": "users", "href": f"{system.url}/users/{user['id']}"}]
    assert r"Zo\u00eb" in answer.text
    assert answer.text.endswith("\n")
    shown = http("GET", f"/users/{user['uuid'].upper()}")
    assert shown.json() == user
    behind = {"X-Forwarded-Proto": "https", "Host": "pbx.example", "X-Script-Name": "/api/confd"}
    links = http("GET", f"/users/{user['id']}", headers=behind).json()["links"]
    assert links[0]["href"] == f"https://pbx.example/api/confd/1.1/users/{user['id']}"
    assert http("PUT", f"/users/{user['id']}", json={"lastname": "Martin"}).status_code == 204
    deleted = http("DELETE", f"/users/{user['id']}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    gone = http("GET", f"/users/{user['id']}")
    assert (gone.status_code, gone.json()) == (404, [f"Resource Not Found - User was not found ('id': {user['id']})"])


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "text"),
    [
        ("POST", "/users", {"content": b""}, 400, "could not understand"),
        ("POST", "/users", {"content": b"{"}, 400, "could not understand"),
        ("POST", "/users", {"content": b"null"}, 400, "Missing data for required field."),
        ("POST", "/users", {"json": "text"}, 400, "_schema: ['Invalid input type.']"),
        ("POST", "/users", {"json": {"firstname": 1, "email": 2}}, 400, "Input Error - email: ['Not a valid"),
        ("GET", "/users?limit=0", {}, 400, "field 'limit': wrong type. Should be a positive number"),
        ("GET", "/users?view=x", {}, 400, "view 'x' does not exist"),
        ("GET", "/users/x", {}, 404, "<!doctype html>"),
        ("GET", "/users/", {}, 404, "<!doctype html>"),
        ("GET", "/users/1/forwards/x", {}, 404, "<!doctype html>"),
        ("PATCH", "/users", {}, 405, "The method is not allowed for the requested URL."),
        ("POST", "/tenants", {"json": {}}, 405, '""'),
        ("PUT", "/users/import", {"content": b""}, 405, "The method is not allowed for the requested URL."),
        ("PUT", "/users/2000000000", {"json": {"firstname": 1}}, 404, "User was not found"),
        ("POST", "/users", {"content": b" " * 1_048_577}, 413, "exceeds the capacity limit"),
    ],
)
def test_a_bad_request_gets_the_answer_of_the_contract(
    method: str, path: str, content: dict[str, Any], status: int, text: str, http: Http
) -> None:
    answer = http(method, path, **content)
    assert (answer.status_code, text in answer.text) == (status, True), answer.text


def test_a_token_acts_in_its_tenant_and_those_below(http: Http) -> None:
    child = http("POST", "/users", token="child-token", json={"firstname": "Child"}).json()
    assert child["tenant_uuid"] == CHILD
    assert http("GET", f"/users/{child['id']}", token="parent-token").status_code == 200
    assert http("GET", f"/users/{child['id']}", token="other-token").status_code == 404
    below = {"Wazo-Tenant": CHILD}
    assert child in http("GET", "/users", token="parent-token", headers=below).json()["items"]
    assert child not in http("GET", "/users", token="parent-token").json()["items"]
    assert child in http("GET", "/users?recurse=true", token="parent-token").json()["items"]
    made = http("POST", "/users", token="parent-token", headers=below, json={"firstname": "X"}).json()
    assert made["tenant_uuid"] == CHILD
    for tenant in (OTHER, MASTER_TENANT, str(uuid.uuid4()), "x"):
        answer = http("POST", "/users", token="parent-token", headers={"Wazo-Tenant": tenant}, json={})
        assert answer.status_code == 401


def test_a_token_may_do_what_its_acl_says(http: Http) -> None:
    assert http("GET", "/users", token="reader-token").status_code == 200
    assert http("POST", "/users", token="reader-token", json={"firstname": "x"}).status_code == 401
    assert http("GET", "/users", token="unknown").status_code == 401
    assert http("GET", "/configuration/live_reload", token="parent-token").status_code == 401
    assert http("GET", "/configuration/live_reload", token="the-master-token").json()["enabled"] is True


def test_csv_goes_up_and_down(http: Http) -> None:
    word = uuid.uuid4().hex
    good = f"firstname,lastname,email\r\nZoë,Martin,{word}@acme.example\r\n".encode()
    answer = http("POST", "/users/import", token="other-token", content=good, headers={"Content-Type": "text/csv"})
    assert answer.status_code == 201
    [created] = answer.json()["created"]
    assert (created["row_number"], created["line_id"], created["call_permission_ids"]) == (1, None, [])
    bad = f"firstname,email\n,\nBob,{word}@acme.example\nCarol,\n".encode()
    answer = http("POST", "/users/import", token="other-token", content=bad)
    assert answer.status_code == 400
    assert [(each["details"]["row_number"], each["message"]) for each in answer.json()["errors"]] == [
        (1, "{'firstname': ['Field may not be null.']}"),
        (2, f"Resource Error - User already exists ('email': '{word}@acme.example')"),
    ]
    export = http("GET", "/users/export", token="other-token")
    assert export.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(export.text)))
    assert [(row["firstname"], row["email"], row["enabled"]) for row in rows] == [("Zoë", f"{word}@acme.example", "1")]


def test_a_company_is_imported_from_the_command_line_and_used_by_rpc_and_rest(http: Http, system: System) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "confd_worker", *arguments]
        return subprocess.run(
            command, env=system.environment(), capture_output=True, text=True, timeout=120, check=False
        )

    assert run("sync-tenants").returncode == 0
    with system.events("user_created", tenant=PARENT) as events, system.client(PARENT) as client:
        before = client.call("users.list")["total"]
        done = run("import", "--tenant", PARENT, str(ACME))
        assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "200 imported, 0 refused, of 200")
        assert client.call("users.list")["total"] == before + 200
        seen = {events.get(timeout=10)[1]["data"]["uuid"] for _ in range(200)}
        assert len(seen) == 200

        again = run("import", "--tenant", PARENT, str(ACME))
        assert again.returncode == 1
        assert "User already exists ('email': " in again.stdout + again.stderr
        assert client.call("users.list")["total"] == before + 200

        found = http("GET", "/users?search=MARTIN&order=email&limit=5").json()
        assert found == http("GET", "/users?search=martin&order=email&limit=5").json()
        assert found["total"] >= len(found["items"]) > 0
        user = next(each for each in found["items"] if each["lines"])
        assert user["lines"][0]["extensions"][0]["exten"].startswith("1")
        assert user["lines"][0]["endpoint_sip"]["auth_section_options"][0][0] == "username"
        assert http("PUT", f"/users/{user['id']}", json={"description": "changed"}).status_code == 204
        assert client.call("users.get", id=user["uuid"])["description"] == "changed"
        assert http("DELETE", f"/users/{user['id']}?recursive=true").status_code == 204
        assert client.call("users.list")["total"] == before + 199
