"""Settings: one flat tree, defaults < YAML file < environment, all checked when a process starts.

    settings = load(Path("confd.yml"))
    settings.require("db_uri", "amqp_uri")

In the environment a setting is called `CONFD_` and its name in capitals; in the file, its name as it is.
"""

import dataclasses
import ipaddress
import os
import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

__all__ = ["PREFIX", "Loaded", "Settings", "SettingsError", "load", "load_with_sources", "masked", "masked_uri"]

PREFIX = "CONFD_"
# Variables of the command line itself.
OTHER_VARIABLES = {"CONFD_CONFIG", "CONFD_STATE"}

PASSWORD_IN_URI = re.compile(r"^((?:[\w+.-]+://)?[^:/@]*):.*@", re.DOTALL)
PASSWORD_IN_QUERY = re.compile(r"(password=)[^&\s]*", re.IGNORECASE)


class SettingsError(Exception):
    """Some settings are not allowed, or one that is needed is not set.

    Attributes:
        problems: one line each, which name the setting, what was given and what is allowed.
    """

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


def _option(default: Any, help: str, allowed: str, *, secret: bool = False, **limits: Any) -> Any:
    """A setting: its default, what it does, and what may be given for it, in words."""
    return Field(default, description=help, json_schema_extra={"allowed": allowed, "secret": secret}, **limits)


def _whole(default: int, help: str, least: int, most: int) -> Any:
    """A setting that is a whole number within limits."""
    return _option(default, help, f"a whole number from {least} to {most}", ge=least, le=most)


def _number(default: float, help: str, least: int, most: int, *, above: bool = False) -> Any:
    """A setting that is a number within limits; `above` leaves the least one out."""
    if above:
        return _option(default, help, f"a number above {least}, to {most}", gt=least, le=most)
    return _option(default, help, f"a number from {least} to {most}", ge=least, le=most)


def _comma_separated(value: object) -> object:
    """Text with commas as a list; anything else as it is."""
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


Names = Annotated[list[str], NoDecode, BeforeValidator(_comma_separated)]


class Settings(BaseSettings):
    """All settings of the worker, the gateway and the command line. A text that is not set is empty."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True, coerce_numbers_to_str=True
    )

    db_uri: str = _option("", "The PostgreSQL database.", "postgresql://user:password@host:port/database")
    amqp_uri: str = _option("", "The RabbitMQ broker.", "amqp://user:password@host:port/vhost, or amqps://")
    http_listen: str = _option(
        "127.0.0.1:9486", "Where the gateway listens.", "host:port, with a port from 0 (any free one) to 65535"
    )
    http_connections: int = _whole(
        0,
        "Clients of the gateway at once; 0 for as many as its limit of open files allows, less 128, and 10000 at most.",
        0,
        1_000_000,
    )
    http_headers_seconds: float = _number(
        10, "How long the headers of a request may take to come, in seconds.", 0, 3600, above=True
    )
    http_idle_seconds: float = _number(
        75,
        "How long a connection may stay open without a request, in seconds; longer than that of a proxy in front.",
        0,
        3600,
        above=True,
    )
    http_stall_seconds: float = _number(
        30,
        "How long a client may send nothing of a body, or take nothing of an answer, in seconds.",
        0,
        3600,
        above=True,
    )
    auth_mode: Annotated[Literal["wazo", "static", "none"], BeforeValidator(_lower)] = _option(
        "wazo",
        "Who knows the tokens of the gateway's callers: an authentication server, a file, or nobody (all is allowed).",
        "wazo, static, or (only while the gateway listens on a loopback address) none",
    )
    auth_url: str = _option("", "The authentication server, for `wazo`.", "http://host:port or https://host:port")
    auth_username: str = _option("", "The worker's own account on it.", "a name")
    auth_password: str = _option("", "The password of that account.", "a text", secret=True)
    auth_tokens: str = _option("", "The file of tokens and tenants, for `static`.", "the path of a YAML file")
    master_tenant_uuid: str = _option(
        "",
        "The master tenant; when empty it is that of the worker's own account, or the one without a parent in the file "
        "of tokens.",
        "a UUID",
    )
    sysconfd_url: str = _option(
        "", "The system daemon that reloads Asterisk; without it nothing is reloaded.", "http://host:port or https://…"
    )
    provd_url: str = _option(
        "", "The provisioning server; without it there are no devices.", "http://host:port or https://…"
    )
    ari_url: str = _option(
        "",
        "Asterisk's REST interface; without it the languages of sounds are not known.",
        "http://host:port or https://…",
    )
    ari_username: str = _option("", "The worker's own account on it.", "a name")
    ari_password: str = _option("", "The password of that account.", "a text", secret=True)
    events_exchange: str = _option("wazo-headers", "The headers exchange of events.", "a name", min_length=1)
    rpc_exchange: str = _option("nameko-rpc", "The topic exchange of calls.", "a name", min_length=1, max_length=127)
    service_prefix: str = _option(
        "",
        "What the names of services and queues begin with on the broker.",
        "up to 40 letters, digits and _",
        pattern="^[A-Za-z0-9_]{0,40}$",
    )
    processes: int = _whole(1, "Worker processes.", 1, 64)
    profile_dir: str = _option("", "Where to write a profile of each process.", "the path of a folder")
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = _option(
        "info", "What is logged at least.", "debug, info, warning or error"
    )
    log_format: Annotated[Literal["console", "json"], BeforeValidator(_lower)] = _option(
        "console", "How log lines look.", "console or json"
    )
    log_bytes: int = _whole(
        10_000_000, "How long a log file of `up` may get, in bytes; then it is put aside.", 100_000, 1_000_000_000
    )
    log_kept: int = _whole(2, "Files of each log of `up` that were put aside and stay.", 0, 1000)
    queue_type: Annotated[Literal["classic", "quorum"], BeforeValidator(_lower)] = _option(
        "classic",
        "How RabbitMQ keeps the queues of calls: on one node, or on several of a cluster.",
        "classic or quorum",
    )
    queue_length: int = _whole(
        10000, "Calls that may wait for one service; more are refused as overloaded.", 1, 1_000_000
    )
    message_limit: int = _whole(
        16_777_216,
        "Bytes of a message that RabbitMQ takes (its `max_message_size`); a call or reply of more is refused.",
        1_048_576,
        536_870_912,
    )
    import_rows: int = _whole(
        50_000,
        "Lines of a CSV that one import may have below its header; the report of more may not fit into a message.",
        1,
        1_000_000,
    )
    import_bytes: int = _whole(16_777_216, "Bytes of a CSV that one import may have.", 1000, 536_870_912)
    services: Names = _option([], "The services to host; all when empty.", "names, separated by commas")
    pjsip_doc: str = _option(
        "/usr/share/doc/asterisk-doc/json/pjsip.json.gz",
        "Asterisk's own list of PJSIP options; when absent, a built-in list is used.",
        "the path of a file",
    )
    moh_directory: str = _option(
        "/var/lib/asterisk/moh",
        "Where the files of music on hold are; all workers must see the same.",
        "the path of a folder",
        min_length=1,
    )
    drain_seconds: float = _number(20, "How long a process that stops may finish its calls, in seconds.", 0, 3600)
    max_workers: int = _whole(10, "Calls at once, per process and service.", 1, 1000)
    db_connections: int = _whole(16, "Database connections at most, per process.", 1, 1000)
    call_record_seconds: int = _whole(
        86_400,
        "How long a call with an idempotency key may be repeated, in seconds; its reply is kept as long.",
        60,
        31_536_000,
    )
    redelivery_seconds: int = _whole(
        3600,
        "How long after a call the broker may deliver it again, in seconds; its reply is kept as long.",
        60,
        86_400,
    )
    dead_letters_kept: int = _whole(10_000, "Dead letters that are kept, the newest.", 1, 1_000_000)
    dead_letters_bytes: int = _whole(
        256 * 1024 * 1024, "How much of them is kept, in bytes.", 1_000_000, 100_000_000_000
    )
    dead_letters_days: float = _number(30, "How long they are kept, in days.", 0, 3650, above=True)
    call_timeout: float = _number(10, "How long a call may take, in seconds.", 0, 3600, above=True)
    sync_remove_share: float = _number(
        0.1, "The share of the tenants that `sync-tenants` removes without `--force`; one always, unless it is 0.", 0, 1
    )
    sysconfd_merge_seconds: float = _number(
        1, "How long reload requests are gathered before being sent, in seconds.", 0, 60
    )

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` gathered: it must know where each value comes from."""
        return (init_settings,)

    @field_validator("db_uri", "amqp_uri", "auth_url", "sysconfd_url", "provd_url", "ari_url")
    @classmethod
    def _uri(cls, value: str, info: Any) -> str:
        schemes = {
            "db_uri": ("postgresql", "postgresql+psycopg2", "postgres"),
            "amqp_uri": ("amqp", "amqps"),
        }.get(info.field_name, ("http", "https"))
        if value and not _is_uri(value, schemes, needs_host=info.field_name != "db_uri"):
            raise PydanticCustomError("uri", "not such a URI")
        return re.sub(r"^postgres(ql\+psycopg2)?:", "postgresql:", value)

    @field_validator("http_listen")
    @classmethod
    def _address(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise PydanticCustomError("address", "not such an address")
        return value

    @field_validator("master_tenant_uuid")
    @classmethod
    def _uuid(cls, value: str) -> str:
        return str(uuid.UUID(value)) if value else value

    @model_validator(mode="after")
    def _open_only_on_loopback(self) -> "Settings":
        if self.auth_mode == "none" and not _is_loopback(self.http_host):
            raise PydanticCustomError("open", "auth_mode")
        return self

    def __repr_args__(self) -> Any:
        """The settings as they may be shown."""
        return [(name, masked(name, value)) for name, value in self]

    @property
    def http_host(self) -> str:
        """The host of `http_listen`, an IPv6 address without brackets."""
        return self.http_listen.rpartition(":")[0].strip("[]")

    @property
    def http_port(self) -> int:
        """The port of `http_listen`."""
        return int(self.http_listen.rpartition(":")[2])

    def require(self, *names: str) -> None:
        """Check that these settings are set.

        Raises:
            SettingsError: with a line for each that is not.
        """
        missing = [name for name in names if getattr(self, name) in ("", None)]
        if missing:
            raise SettingsError([f"{PREFIX}{name.upper()} is not set; allowed: {_allowed(name)}" for name in missing])


@dataclasses.dataclass(frozen=True)
class Loaded:
    """Settings with where each value comes from.

    Attributes:
        sources: by name of the setting, "default", "environment" or the path of the file.
        unknown: variables of the environment that look like settings and are none.
    """

    settings: Settings
    sources: Mapping[str, str]
    unknown: list[str]


def load(file: Path | None = None) -> Settings:
    """The settings of this process: those of `file` (or of the file that CONFD_CONFIG names) and of the environment.

    Raises:
        SettingsError: for a value that is not allowed, an unknown key in the file, or a file that cannot be read.
    """
    return load_with_sources(file).settings


def load_with_sources(file: Path | None = None) -> Loaded:
    """As `load`, and where each setting comes from."""
    if file is None and os.environ.get("CONFD_CONFIG"):
        file = Path(os.environ["CONFD_CONFIG"])
    in_file = _read(file) if file else {}
    in_environment = EnvSettingsSource(Settings)()
    given = in_file | in_environment
    sources = (
        dict.fromkeys(Settings.model_fields, "default")
        | dict.fromkeys(in_file, str(file))
        | dict.fromkeys(in_environment, "environment")
    )
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise SettingsError(_problems(error, given, sources)) from None
    if settings.auth_mode == "static" and not settings.master_tenant_uuid:
        root = _root_tenant(settings.auth_tokens)
        if root:
            settings = settings.model_copy(update={"master_tenant_uuid": root})
            sources["master_tenant_uuid"] = settings.auth_tokens
    return Loaded(settings, sources, _unknown_variables())


def masked(name: str, value: Any) -> Any:
    """The value of a setting as it may be shown."""
    extra = Settings.model_fields[name].json_schema_extra if name in Settings.model_fields else None
    if isinstance(extra, dict) and extra["secret"] and value:
        return "***"
    return masked_uri(value) if isinstance(value, str) else value


def masked_uri(text: str) -> str:
    """`text` with the passwords of URIs in it replaced by asterisks."""
    return PASSWORD_IN_QUERY.sub(r"\1***", PASSWORD_IN_URI.sub(r"\1:***@", text))


def _read(file: Path) -> dict[str, Any]:
    """The settings in a YAML file."""
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise SettingsError([f"{file}: cannot be read: {reason}"]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise SettingsError([f"{file}{where}: not YAML: {getattr(error, 'problem', None) or 'malformed'}"]) from None
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise SettingsError([f"{file}: allowed are lines of `name: value` with the names of settings"])
    return {name: value for name, value in content.items() if value is not None}


def _root_tenant(tokens: str) -> str:
    """The only tenant without a parent in a file of tokens; empty when there is none, or the file cannot be used.

    What is wrong with the file is told by those who look up tokens in it.
    """
    try:
        tenants = [(str(each["uuid"]), each.get("parent_uuid")) for each in _read(Path(tokens))["tenants"]]
        [root] = [uuid.UUID(own) for own, parent in tenants if parent in (None, own)]
    except (SettingsError, LookupError, TypeError, ValueError, AttributeError):
        return ""
    return str(root)


def _problems(error: ValidationError, given: Mapping[str, Any], sources: Mapping[str, str]) -> list[str]:
    """One line a setting that is wrong."""
    problems = {}
    for one in error.errors(include_url=False, include_context=False):
        name = str(one["loc"][0]) if one["loc"] else one["msg"]
        value = given.get(name)
        if one["type"] == "extra_forbidden":
            problems[name] = f"{name} ({sources[name]}) is no setting; allowed: {', '.join(Settings.model_fields)}"
            continue
        shown = masked(name, value)
        problems[name] = (
            f"{PREFIX}{name.upper()} ({sources[name]}): {shown!r} is not allowed; allowed: {_allowed(name)}"
        )
    return list(problems.values())


def _allowed(name: str) -> str:
    extra = Settings.model_fields[name].json_schema_extra
    assert isinstance(extra, dict)
    return str(extra["allowed"])


def _unknown_variables() -> list[str]:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | OTHER_VARIABLES
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def _is_uri(value: str, schemes: tuple[str, ...], needs_host: bool) -> bool:
    try:
        parts = urlsplit(value)
        port_is_right = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return parts.scheme in schemes and "://" in value and port_is_right and bool(parts.hostname or not needs_host)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
