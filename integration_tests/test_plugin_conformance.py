"""The conformance suite over plugins of other distributions, as their authors run it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg2
from sqlalchemy import make_url

from .conftest import OwnServers, install

_DOCUMENT = Path(__file__).parent.parent / "docs" / "plugins.md"
_FILE = re.compile(r"`([\w/.]+)`[^\n]*:\n\n```\w+\n(.*?)```", re.DOTALL)


def test_the_suite_tries_a_plugin_of_another_distribution(
    own_servers: OwnServers, sites_installed: str, tmp_path: Path
) -> None:
    passed, output = _tried(own_servers, sites_installed, tmp_path, "sites")
    assert sum("[sites]" in name for name in passed) >= 15
    assert any(name.endswith("test_the_tables_are_as_the_models_say") for name in passed)
    assert "[users]" not in output


def test_the_resource_of_the_guide_is_tried_as_it_stands_there(own_servers: OwnServers, tmp_path: Path) -> None:
    section = _DOCUMENT.read_text().partition("## Adding a resource\n")[2].partition("\n## ")[0]
    project = tmp_path / "project"
    for name, content in _FILE.findall(section):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content)
    for package in ("confd_teams", "confd_teams/migrations"):
        (project / package / "__init__.py").touch()
    target = tmp_path / "site-packages"
    install(project, target)
    passed, _ = _tried(own_servers, str(target), tmp_path, "teams", "team_members_users")
    assert sum("[teams]" in name for name in passed) >= 15


def _tried(own_servers: OwnServers, path: str, folder: Path, *services: str) -> tuple[list[str], str]:
    """Names of the tests that passed, and all that pytest printed; every test must pass.

    Args:
        path: where the plugin is installed.
        folder: to run in.
    """
    addresses, database = own_servers.addresses, f"conformance_{services[0]}"
    connection = psycopg2.connect(addresses.db_uri)
    connection.autocommit = True
    connection.cursor().execute(f"CREATE DATABASE {database}")
    connection.close()
    environment = os.environ | {
        "PYTHONPATH": path,
        "CONFD_TEST_DB_URI": make_url(addresses.db_uri).set(database=database).render_as_string(hide_password=False),
        "CONFD_TEST_AMQP_URI": addresses.amqp_uri,
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--confd-conformance",
        "--confd-services",
        ",".join(services),
        "-rA",
        "-q",
    ]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    return re.findall(r"^PASSED (\S+)", done.stdout, re.MULTILINE), done.stdout
