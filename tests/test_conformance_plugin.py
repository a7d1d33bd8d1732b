"""The pytest plugin: what it costs where nobody asks for it, and what it collects where one does."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "eventlet",
    "nameko",
    "sqlalchemy",
    "psycopg2",
    "httpx",
    "confd_schemas",
    "confd_worker.core",
    "confd_worker.embedded",
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a test of its own that prints what pytest has imported."""
    (tmp_path / "test_own.py").write_text(
        f"import sys\ndef test_own():\n    assert not set({HEAVY}) & set(sys.modules)\n"
    )
    return tmp_path


def run(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:pytest_nameko", "-p", "no:schemathesis", *options]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=60)


def test_nothing_of_the_worker_is_imported_or_collected_unless_asked_for(project: Path) -> None:
    done = run(project)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_the_suite_is_collected_beside_the_tests_of_the_project(project: Path) -> None:
    shown = run(project, "--confd-conformance", "--confd-services", "users,user_lines", "--collect-only").stdout
    assert "test_own.py::test_own" in shown
    assert "test_resources.py::test_an_unknown_id_is_not_found[users]" in shown
    assert "[user_lines]" in shown
    assert "[voicemails]" not in shown


def test_an_unknown_service_is_named(project: Path) -> None:
    done = run(project, "--confd-conformance", "--confd-services", "nonsense")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--confd-services: Unknown service: nonsense. There are: " in done.stderr
