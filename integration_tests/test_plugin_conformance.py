"""The conformance suite over a plugin of another distribution, as its author runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg2
from sqlalchemy import make_url

from .conftest import OwnServers

DATABASE = "conformance"


def test_the_suite_tries_a_plugin_of_another_distribution(
    own_servers: OwnServers, sites_installed: str, tmp_path: Path
) -> None:
    addresses = own_servers.addresses
    connection = psycopg2.connect(addresses.db_uri)
    connection.autocommit = True
    connection.cursor().execute(f"CREATE DATABASE {DATABASE}")
    connection.close()
    environment = os.environ | {
        "PYTHONPATH": sites_installed,
        "CONFD_TEST_DB_URI": make_url(addresses.db_uri).set(database=DATABASE).render_as_string(hide_password=False),
        "CONFD_TEST_AMQP_URI": addresses.amqp_uri,
    }
    command = [sys.executable, "-m", "pytest", "--confd-conformance", "--confd-services", "sites", "-rA", "-q"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout
    passed = re.findall(r"^PASSED (\S+)", done.stdout, re.MULTILINE)
    assert sum("[sites]" in name for name in passed) >= 15
    assert any(name.endswith("test_the_tables_are_as_the_models_say") for name in passed)
    assert "[users]" not in done.stdout
