"""The compose files: nothing starts with a password or a token that everybody knows, unless one says so."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from confd_worker.config import Settings

PROJECT = Path(__file__).parent.parent
COMPOSE = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
KNOWN_TOKENS = PROJECT / "docker" / "tokens.yml"
OWN_TOKENS = "tokens: [{token: s3cret, tenant_uuid: 2c34c282-433e-4bb8-8d56-fec14ff7e1e9, acl: [confd.#]}]\n"
# Of the command line, of `up` alone, or for who looks into a process.
NOT_OF_CONTAINERS = {"log_bytes", "log_kept", "profile_dir", "pjsip_doc"}


def check(tokens: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the check of secrets as its container does."""
    environment = {"PATH": os.environ["PATH"], "CONFD_AUTH_TOKENS": str(tokens)}
    environment |= {f"CONFD_{name.upper()}": value for name, value in variables.items()}
    script = PROJECT / "docker" / "check-secrets"
    return subprocess.run(["sh", str(script)], env=environment, capture_output=True, text=True)


@pytest.fixture
def own_tokens(tmp_path: Path) -> Path:
    """A file of tokens of one's own."""
    file = tmp_path / "tokens.yml"
    file.write_text(OWN_TOKENS)
    return file


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "set CONFD_PASSWORD to a password of your own"),
        ({"password": "confd"}, "set CONFD_PASSWORD to a password of your own"),
        ({"password": "confd", "development": "0"}, "or CONFD_DEVELOPMENT=1 to try"),
        ({"password": "confd", "development": "true"}, "or CONFD_DEVELOPMENT=1 to try"),
        ({"password": "a/b@c"}, "letters, digits and"),
        ({"password": "a b", "development": "1"}, "letters, digits and"),
        ({"password": "pässword"}, "letters, digits and"),
    ],
)
def test_a_password_that_everybody_knows_is_refused(own_tokens: Path, variables: dict[str, str], told: str) -> None:
    done = check(own_tokens, **variables)
    assert done.returncode == 2
    assert told in done.stderr


@pytest.mark.parametrize(
    "line",
    [
        "- token: development",
        "- {token: development, acl: []}",
        '- {"token": "development"}',
        "- token : 'development'",
    ],
)
def test_the_token_that_everybody_knows_is_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "tokens.yml"
    file.write_text(f"tokens:\n  {line}\n")
    for tokens in (file, KNOWN_TOKENS):
        for mode in ({}, {"auth_mode": "static"}, {"auth_mode": "Static"}):
            done = check(tokens, password="mine", **mode)
            assert done.returncode == 2
            assert "set CONFD_TOKENS_FILE to a file with tokens of your own" in done.stderr


def test_all_that_is_wrong_is_told_at_once() -> None:
    told = check(KNOWN_TOKENS).stderr
    assert [line.split()[2] for line in told.splitlines()] == ["CONFD_PASSWORD", "CONFD_TOKENS_FILE"]


def test_a_file_of_tokens_that_is_none_is_told(tmp_path: Path) -> None:
    # As which docker makes what is not there.
    assert "CONFD_TOKENS_FILE: there is no such file" in check(tmp_path, password="mine").stderr


def test_secrets_of_ones_own_and_an_authentication_server_and_development_are_accepted(own_tokens: Path) -> None:
    assert check(own_tokens, password="mine").returncode == 0
    own_tokens.write_text(OWN_TOKENS.replace("s3cret", "developments-own"))
    assert check(own_tokens, password="mine").returncode == 0
    assert check(KNOWN_TOKENS, password="mine", auth_mode="wazo").returncode == 0
    assert check(KNOWN_TOKENS, password="confd", development="1").returncode == 0


def test_nothing_starts_before_the_secrets_are_checked() -> None:
    assert SERVICES["secrets"]["entrypoint"] == ["check-secrets"]
    assert "COPY docker/check-secrets /usr/local/bin/" in (PROJECT / "docker" / "Dockerfile").read_text()
    for name in SERVICES.keys() - {"secrets"}:
        assert "secrets" in needed(name), name
    for name in ("postgres", "rabbitmq"):
        assert SERVICES[name]["depends_on"]["secrets"] == {"condition": "service_completed_successfully"}


def needed(name: str) -> set[str]:
    """What must be there before a service starts."""
    first = SERVICES[name].get("depends_on", {}).keys()
    return set(first).union(*map(needed, first))


def test_only_the_gateway_can_be_reached_and_from_this_machine_alone() -> None:
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "gateway": ["127.0.0.1:${CONFD_PORT:-9486}:9486"]
    }


def test_the_database_writes_nothing_of_what_statements_say_to_its_log() -> None:
    words = SERVICES["postgres"]["command"]
    assert {"log_min_error_statement=panic", "log_error_verbosity=terse"} < set(words)


def test_every_setting_can_be_made() -> None:
    made = {name.removeprefix("CONFD_").lower() for name in SERVICES["worker"]["environment"]}
    assert Settings.model_fields.keys() - NOT_OF_CONTAINERS - made == set()


@pytest.mark.skipif(not shutil.which("docker-compose"), reason="docker-compose is not installed")
@pytest.mark.parametrize("more", [[], ["compose.provd.yml"], ["compose.local-repos.yml"]])
def test_compose_understands_the_files(more: list[str]) -> None:
    files = [PROJECT / "docker-compose.yml", *(PROJECT / "docker" / name for name in more)]
    command = ["docker-compose", *(word for file in files for word in ("-f", str(file))), "config"]
    environment = {"PATH": os.environ["PATH"], "PROVD_DIR": ".", "LOCAL_GIT_REPOS": ".", "CONFD_PASSWORD": "mine"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=PROJECT)
    assert done.returncode == 0, done.stderr
    assert "postgresql://confd:mine@postgres:5432/confd" in done.stdout
