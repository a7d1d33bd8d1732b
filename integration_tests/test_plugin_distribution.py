"""A plugin in a distribution of its own: installed, migrated, found by entry points and used, as the README says."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from confd_worker.client import RemoteError
from confd_worker.conformance.system import MASTER_TENANT, OTHER, PARENT, System

PROJECT = Path(__file__).parent.parent
SITES = PROJECT / "examples" / "sites"
LYON = {"name": "Lyon", "address": "1 place Bellecour"}

Command = Callable[..., str]
Http = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def installed(own_system: System, sites_installed: str) -> System:
    """A system that has the plugin, as its distribution."""
    own_system.settings["PYTHONPATH"] = sites_installed
    return own_system


@pytest.fixture(scope="module")
def command(installed: System) -> Command:
    """What the command `confd-worker` prints: `command("services")`."""

    def run(*words: str) -> str:
        words = (sys.executable, "-m", "confd_worker", *words)
        done = subprocess.run(words, env=installed.environment(), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def plugged(installed: System, command: Command) -> System:
    """The system with the plugin's table, running."""
    command("migrate")
    tenants = [{"uuid": uuid, "parent_uuid": MASTER_TENANT, "name": uuid[-1]} for uuid in (PARENT, OTHER)]
    tokens = [{"token": uuid, "tenant_uuid": uuid, "acl": ["confd.sites.#"]} for uuid in (PARENT, OTHER)]
    installed.write_tokens(tenants, tokens)
    installed.start_worker()
    installed.start_gateway()
    return installed


@pytest.fixture
def http(plugged: System) -> Iterator[Http]:
    """Send a request in a tenant: `http("GET", "/sites", PARENT)`."""
    with httpx.Client(base_url=plugged.url, timeout=15) as session:
        yield lambda method, path, tenant=PARENT, **content: session.request(
            method, path, headers={"X-Auth-Token": tenant}, **content
        )


def test_its_migrations_are_run_with_ours_and_counted_apart(plugged: System, command: Command) -> None:
    assert command("migrate") == "The database is up to date.\n"
    with plugged.database() as cursor:
        cursor.execute("SELECT version_num FROM sites_version")
        assert cursor.fetchall() == [("0001",)]
        cursor.execute("SELECT version_num FROM alembic_version")
        assert cursor.fetchall() != [("0001",)]


def test_its_methods_and_paths_are_listed(command: Command, http: Http) -> None:
    services = orjson.loads(command("services", "--json"))
    assert set(services["sites"]) == {"create", "delete", "get", "list", "update"}
    paths = orjson.loads(command("openapi"))["paths"]
    (item,) = (methods for path, methods in paths.items() if path.endswith("/sites/{id}"))
    assert {"get", "put", "delete"} <= set(item)
    assert "/sites/{id}" in http("GET", "/api/api.yml").text


def test_it_is_called_over_the_bus_and_tells_what_happened(plugged: System) -> None:
    with plugged.events("site_created", "site_edited", "site_deleted") as events, plugged.client(PARENT) as client:
        site = client.call("sites.create", body=LYON)
        assert site == {**LYON, "id": site["id"], "tenant_uuid": PARENT, "links": site["links"], "revision": 1}
        assert client.call("sites.list", search="lyo") == {"total": 1, "items": [site]}
        client.call("sites.update", id=site["id"], body={"address": None})
        assert client.call("sites.get", id=site["id"])["address"] is None
        with pytest.raises(RemoteError, match="Site already exists") as refusal:
            client.call("sites.create", body=LYON)
        assert refusal.value.type == "resource-exists"
        client.call("sites.delete", id=site["id"])
        with pytest.raises(RemoteError, match="Site was not found"):
            client.call("sites.get", id=site["id"])
        told = [events.get(timeout=10) for _ in range(3)]
    assert [headers["name"] for headers, _ in told] == ["site_created", "site_edited", "site_deleted"]
    assert [event["data"]["id"] for _, event in told] == [site["id"]] * 3


def test_it_is_served_over_http(http: Http) -> None:
    made = http("POST", "/sites", json=LYON)
    assert made.status_code == 201, made.text
    place = made.headers["location"].partition("/1.1")[2]
    assert http("PUT", place, json={"name": "Lyon 2"}).status_code == 204
    shown: dict[str, Any] = http("GET", place).json()
    assert shown["name"] == "Lyon 2"
    assert shown in http("GET", "/sites?name=Lyon 2").json()["items"]
    refused = http("POST", "/sites", json={"name": ""})
    assert (refused.status_code, refused.json()) == (400, ["Input Error - name: ['Length must be between 1 and 128.']"])
    assert http("DELETE", place).status_code == 204
    assert http("GET", place).status_code == 404


def test_another_tenant_sees_and_changes_nothing_of_it(http: Http) -> None:
    place = http("POST", "/sites", json={"name": "Nantes"}).headers["location"].partition("/1.1")[2]
    assert http("GET", "/sites", OTHER).json() == {"total": 0, "items": []}
    for method, content in (("GET", {}), ("PUT", {"json": {"name": "Rennes"}}), ("DELETE", {})):
        assert http(method, place, OTHER, **content).status_code == 404
    assert http("GET", place).json()["name"] == "Nantes"


def test_the_readme_shows_the_plugin_as_it_is() -> None:
    section = (PROJECT / "README.md").read_text().partition("## Writing a plugin\n")[2].partition("\n## ")[0]
    shown = set(re.findall(r"```(?:python|toml)\n(.*?)```", section, re.DOTALL))
    code = {file.read_text() for file in SITES.rglob("*.py") if file.name != "__init__.py"}
    assert shown == code | {(SITES / "pyproject.toml").read_text()}
