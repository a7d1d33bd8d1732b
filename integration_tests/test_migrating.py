"""Migrations under running workers, and migrations that end halfway."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from confd_worker.client import ClientError
from confd_worker.conformance.system import System, until
from confd_worker.migrate import upgrade

_ENVIRONMENT = """
from alembic import context

context.configure(connection=context.config.attributes["connection"], version_table="next_version")
with context.begin_transaction():
    context.run_migrations()
"""
_NEXT = """
from alembic import op

revision, down_revision = "next", None


def upgrade():
    op.execute("ALTER TABLE users ALTER COLUMN call_permission_password TYPE varchar(20)")
    op.execute("ALTER TABLE users ADD COLUMN motto varchar")
    op.execute("SELECT pg_sleep(0.5)")
"""
_HALFWAY = """
import os
import time

from alembic import op

revision, down_revision = "next", None


def upgrade():
    op.execute("CREATE TABLE halfway (id integer PRIMARY KEY)")
    print("halfway", flush=True)
    time.sleep(float(os.environ["PAUSE"]))
    op.execute("INSERT INTO halfway VALUES (1)")
"""


@pytest.fixture
def folder(tmp_path: Path, system: System) -> Iterator[Callable[[str], Path]]:
    """Makes a folder of migrations with one revision; what they did is undone in the end."""

    def make(revision: str) -> Path:
        (tmp_path / "versions").mkdir()
        (tmp_path / "env.py").write_text(_ENVIRONMENT)
        (tmp_path / "versions" / "next.py").write_text(revision)
        return tmp_path

    yield make
    with system.database() as cursor:
        cursor.execute("DROP TABLE IF EXISTS next_version, halfway")
        cursor.execute("ALTER TABLE users DROP COLUMN IF EXISTS motto")
        cursor.execute("ALTER TABLE users ALTER COLUMN call_permission_password TYPE varchar(16)")


def test_a_migration_under_load_costs_no_call_and_no_change(
    folder: Callable[[str], Path], system: System, tenant: str
) -> None:
    over = threading.Event()
    answered: list[str] = []
    errors: list[str] = []

    def use() -> None:
        with system.client(tenant, timeout=20) as client:
            while not over.is_set():
                try:
                    user = client.call("users.create", body={"firstname": "Zoë"})["id"]
                    client.call("users.update", id=user, body={"call_permission_password": str(user)})
                    answered.append(client.call("users.get", id=user)["call_permission_password"])
                except ClientError as error:
                    errors.append(str(error))

    callers = [threading.Thread(target=use) for _ in range(6)]
    for caller in callers:
        caller.start()
    try:
        until(lambda: len(answered) >= 60, "calls are answered")
        upgrade(system.db_uri, folder(_NEXT))
        before = len(answered)
        # The present workers go on with the tables of the next ones.
        until(lambda: len(answered) >= before + 120, "calls are answered as before")
    finally:
        over.set()
        for caller in callers:
            caller.join()
    assert errors == []
    with system.database() as cursor:
        cursor.execute("SELECT call_permission_password FROM users WHERE tenant_uuid = %s", (tenant,))
        assert sorted(row[0] for row in cursor.fetchall()) == sorted(answered)


def test_a_migration_that_is_killed_halfway_leaves_nothing_and_runs_again(
    folder: Callable[[str], Path], system: System
) -> None:
    command = [sys.executable, "-m", "confd_worker", "migrate", "--directory", str(folder(_HALFWAY))]

    def run(pause: str) -> subprocess.Popen[Any]:
        environment = system.environment() | {"PAUSE": pause, "PATH": os.environ["PATH"]}
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    with run("60") as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "halfway\n"
        first.kill()
    with system.database() as cursor:
        cursor.execute("SELECT to_regclass('halfway'), to_regclass('next_version')")
        assert cursor.fetchone() == (None, None)
        with run("0") as second:
            assert second.wait(timeout=60) == 0
        cursor.execute("SELECT id FROM halfway")
        assert cursor.fetchall() == [(1,)]
