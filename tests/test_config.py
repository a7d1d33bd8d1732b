"""Settings: what wins, what is refused and in which words, and what is never shown."""

import os
from pathlib import Path

import pytest

from confd_worker.config import SettingsError, load, load_with_sources, masked_uri

MASTER = "2c34c282-433e-4bb8-8d56-fec14ff7e1e9"
CUSTOMER = "8a64ec31-7d26-4dab-a3c0-0b8a0a3c5f10"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("CONFD_")]:
        monkeypatch.delenv(name)


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "confd.yml"
    file.write_text("processes: 3\ncall_timeout: 5\n")
    monkeypatch.setenv("CONFD_CALL_TIMEOUT", "7")
    loaded = load_with_sources(file)
    assert (loaded.settings.processes, loaded.settings.call_timeout, loaded.settings.max_workers) == (3, 7, 10)
    assert loaded.sources["processes"] == str(file)
    assert loaded.sources["call_timeout"] == "environment"
    assert loaded.sources["max_workers"] == "default"


def test_the_file_may_be_named_in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "my settings.yml"
    file.write_text("log_level: debug\n")
    monkeypatch.setenv("CONFD_CONFIG", str(file))
    assert load().log_level == "debug"


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("http_listen", "[::1]:80", "[::1]:80"),
        ("auth_mode", "Static", "static"),
        ("services", "users, lines,", ["users", "lines"]),
        ("db_uri", "postgres://a@b/c", "postgresql://a@b/c"),
        ("db_uri", "postgresql:///c?host=/run/postgresql", "postgresql:///c?host=/run/postgresql"),
        ("amqp_uri", "amqps://a:b@c:5671/d", "amqps://a:b@c:5671/d"),
        ("drain_seconds", "0", 0),
        ("sysconfd_url", "", ""),
        ("master_tenant_uuid", "2C34C282-433E-4BB8-8D56-FEC14FF7E1E9", "2c34c282-433e-4bb8-8d56-fec14ff7e1e9"),
    ],
)
def test_good_values(monkeypatch: pytest.MonkeyPatch, name: str, given: str, value: object) -> None:
    monkeypatch.setenv(f"CONFD_{name.upper()}", given)
    assert getattr(load(), name) == value


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("processes", "zero", "'zero' is not allowed; allowed: a whole number from 1 to 64"),
        ("processes", "0", "'0' is not allowed; allowed: a whole number from 1 to 64"),
        ("http_listen", "9486", "'9486' is not allowed; allowed: host:port"),
        ("http_listen", "localhost:70000", "'localhost:70000' is not allowed; allowed: host:port"),
        ("auth_mode", "ldap", "'ldap' is not allowed; allowed: wazo, static, or"),
        ("auth_url", "auth.example", "'auth.example' is not allowed; allowed: http://host:port"),
        ("amqp_uri", "redis://x:secret@h", "'redis://x:***@h' is not allowed; allowed: amqp://"),
        ("db_uri", "postgres:se:cr@et@h", "'postgres:***@h' is not allowed; allowed: postgresql://"),
        ("db_uri", "postgresql://h:port/x", "is not allowed; allowed: postgresql://"),
        ("master_tenant_uuid", "main", "'main' is not allowed; allowed: a UUID"),
        ("log_format", "xml", "'xml' is not allowed; allowed: console or json"),
        ("call_timeout", "0", "'0' is not allowed; allowed: a number above 0, to 3600"),
    ],
)
def test_a_bad_value_is_told_with_its_name_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, given: str, told: str
) -> None:
    monkeypatch.setenv(f"CONFD_{name.upper()}", given)
    with pytest.raises(SettingsError) as raised:
        load()
    assert len(raised.value.problems) == 1
    assert raised.value.problems[0].startswith(f"CONFD_{name.upper()} (environment): ")
    assert told in raised.value.problems[0]


def test_all_bad_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFD_PROCESSES", "many")
    monkeypatch.setenv("CONFD_LOG_LEVEL", "loud")
    with pytest.raises(SettingsError) as raised:
        load()
    assert len(raised.value.problems) == 2


@pytest.mark.parametrize(
    ("listen", "allowed"),
    [("127.0.0.1:1", True), ("[::1]:1", True), ("localhost:1", True), ("0.0.0.0:1", False), ("confd.example:1", False)],
)
def test_no_authentication_only_on_a_loopback_address(
    monkeypatch: pytest.MonkeyPatch, listen: str, allowed: bool
) -> None:
    monkeypatch.setenv("CONFD_AUTH_MODE", "none")
    monkeypatch.setenv("CONFD_HTTP_LISTEN", listen)
    if allowed:
        assert load().auth_mode == "none"
    else:
        with pytest.raises(SettingsError, match=r"CONFD_AUTH_MODE .*loopback"):
            load()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("proceses: 2", "proceses (.*) is no setting; allowed: db_uri, "),
        ("- processes", "allowed are lines of `name: value`"),
        ("processes: [", "line 1: not YAML"),
        ("processes: many", "CONFD_PROCESSES .*: 'many' is not allowed"),
        (None, "cannot be read: No such file"),
    ],
)
def test_a_bad_file_is_told_with_its_path(tmp_path: Path, content: str | None, told: str) -> None:
    file = tmp_path / "confd.yml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsError, match=told) as raised:
        load(file)
    assert str(file) in raised.value.problems[0]


def test_a_setting_that_is_needed_and_not_set_is_named() -> None:
    with pytest.raises(SettingsError, match="CONFD_DB_URI is not set; allowed: postgresql://"):
        load().require("db_uri", "log_level")


def test_a_variable_that_is_no_setting_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFD_AMPQ_URI", "amqp://h/")
    assert load_with_sources().unknown == ["CONFD_AMPQ_URI"]


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFD_AUTH_PASSWORD", "sesame")
    monkeypatch.setenv("CONFD_DB_URI", "postgresql://a:sesame@b/c?sslpassword=sesame")
    assert "sesame" not in repr(load())
    assert masked_uri("amqp://a:b:c@d@host/") == "amqp://a:***@host/"


def test_the_master_tenant_is_the_one_without_a_parent_in_the_file_of_tokens(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "tokens.yml"
    monkeypatch.setenv("CONFD_AUTH_MODE", "static")
    monkeypatch.setenv("CONFD_AUTH_TOKENS", str(file))
    assert load().master_tenant_uuid == ""
    file.write_text(f"tenants: [{{uuid: {MASTER}}}, {{uuid: {CUSTOMER}, parent_uuid: {MASTER}}}]")
    loaded = load_with_sources()
    assert loaded.settings.master_tenant_uuid == MASTER
    assert loaded.sources["master_tenant_uuid"] == str(file)
    file.write_text(f"tenants: [{{uuid: {MASTER}}}, {{uuid: {CUSTOMER}}}]")
    assert load().master_tenant_uuid == ""
    monkeypatch.setenv("CONFD_MASTER_TENANT_UUID", CUSTOMER)
    assert load().master_tenant_uuid == CUSTOMER
