"""The command line: words into arguments, files into calls, and what goes wrong into one clear line."""

import importlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import amqp
import click
import pytest
from click.testing import CliRunner

from confd_worker.cli import main
from confd_worker.cli.calls import parse_arguments
from confd_worker.cli.users import read_rows
from confd_worker.client import EVENTS_EXCHANGE, RPC_EXCHANGE
from confd_worker.connection import connect
from confd_worker.embedded import Broker, free_port

GATEWAY = {"amqp_uri": "amqp://127.0.0.1:1/", "auth_mode": "static"}


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings, and no running system, of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("CONFD_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def run(*words: str, **settings: str) -> Any:
    """Run a command with settings in the environment."""
    environment = {f"CONFD_{name.upper()}": value for name, value in settings.items()}
    return CliRunner().invoke(main, words, env=environment)


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ([], {}),
        (["search=martin", "limit=5"], {"search": "martin", "limit": 5}),
        (["exten=0123", 'number="1000"'], {"exten": "0123", "number": "1000"}),
        (["recurse=true", "order=null", "x=NaN", "empty="], {"recurse": True, "order": None, "x": "NaN", "empty": ""}),
        (['body={"firstname": "Zoé"}', "ids=[1, 2]"], {"body": {"firstname": "Zoé"}, "ids": [1, 2]}),
        (["name=a=b", "half={"], {"name": "a=b", "half": "{"}),
        (['{"user_id": 1}', "line_id=2"], {"user_id": 1, "line_id": 2}),
    ],
)
def test_words_become_arguments(words: list[str], arguments: dict[str, Any]) -> None:
    assert parse_arguments(tuple(words)) == arguments


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["martin"], "'martin' is neither name=value nor a JSON object"),
        (["=1"], "neither"),
        (["{1}"], "not a JSON object"),
        (["id=1", '{"id": 2}'], "id is given twice"),
    ],
)
def test_words_that_are_no_arguments_are_told(words: list[str], told: str) -> None:
    with pytest.raises(click.UsageError, match=told):
        parse_arguments(tuple(words))


def test_a_csv_file_is_read_row_by_row() -> None:
    rows = read_rows('firstname,lastname\r\n\r\nAnn,"O, Neil"\nBob\nCid,"open\nDan,a,b\nEve,""\n')
    assert [(row.number, row.columns) for row in rows] == [
        (1, {"firstname": "Ann", "lastname": "O, Neil"}),
        (2, {"firstname": "Bob"}),
        (3, {}),
        (4, {}),
        (5, {"firstname": "Eve", "lastname": ""}),
    ]
    assert rows[2].fault == "cannot be read: unexpected end of data"
    assert rows[3].fault == "has 3 values for 2 columns"


def test_columns_of_a_csv_file_without_a_name_do_not_count() -> None:
    assert [row.columns for row in read_rows("firstname,,\nAnn,,note\n")] == [{"firstname": "Ann"}]


@pytest.mark.parametrize(("text", "told"), [("\n", "is empty"), ("a,b,a\n1,2,3", "names a twice"), ('"a\nb', "header")])
def test_a_csv_file_without_a_good_header_is_refused(text: str, told: str) -> None:
    with pytest.raises(click.ClickException, match=told):
        read_rows(text)


@pytest.mark.parametrize("command", ["", *main.commands])
def test_every_command_has_help(command: str) -> None:
    done = run(*([command] if command else []), "--help")
    assert done.exit_code == 0
    assert "Usage: " in done.stdout


@pytest.mark.parametrize(
    ("words", "settings", "status", "told"),
    [
        (["config"], {"processes": "x"}, 2, "Error: CONFD_PROCESSES (environment): 'x' is not allowed"),
        (["call", "users.list"], {}, 2, "Error: CONFD_AMQP_URI is not set"),
        (["call", "users.list"], {}, 2, "start one with `confd-worker up`"),
        (["call", "users"], {"amqp_uri": "amqp://h/"}, 2, "'users' is no method"),
        (["call", "users.list"], {"amqp_uri": "amqp://a:sesame@127.0.0.1:1/"}, 1, "Error: No broker at 127.0.0.1:1"),
        (["events"], {"amqp_uri": "amqp://127.0.0.1:1/"}, 1, "Error: No broker at 127.0.0.1:1"),
        (["run", "--processes", "0"], {}, 2, "0 is not in the range 1<=x<=64"),
        (["gateway"], {"amqp_uri": "amqp://h/"}, 2, "Error: CONFD_AUTH_URL is not set"),
        (["migrate"], {"db_uri": "nonsense"}, 2, "Error: CONFD_DB_URI (environment): 'nonsense' is not allowed"),
        (["import", "none.csv"], {}, 2, "none.csv"),
        (["up"], {"http_listen": "192.0.2.1:80"}, 1, "CONFD_HTTP_LISTEN: 192.0.2.1:80 cannot be used"),
        (["up"], {"http_listen": "127.0.0.1:0", "auth_mode": "static"}, 2, "Error: CONFD_AUTH_TOKENS is not set"),
        (["up"], {"http_listen": "127.0.0.1:0", "profile_dir": "/proc/no"}, 2, "CONFD_PROFILE_DIR: /proc/no cannot be"),
        (["gateway"], GATEWAY | {"auth_tokens": "/no"}, 2, "Error: CONFD_AUTH_TOKENS: /no: cannot be read"),
    ],
)
def test_what_goes_wrong_is_one_clear_line(words: list[str], settings: dict[str, str], status: int, told: str) -> None:
    done = run(*words, **settings)
    assert done.exit_code == status, done.output
    assert told in done.stderr
    assert "Traceback" not in done.output
    assert "sesame" not in done.output


def test_config_shows_settings_with_their_source_and_without_secrets() -> None:
    Path("confd.yml").write_text("processes: 3\nauth_password: sesame\n")
    done = run("config", "--config", "confd.yml", db_uri="postgresql://me:sesame@h/x", ampq_uri="amqp://typo/")
    shown = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    assert shown["processes"] == ["3", "confd.yml"]
    assert shown["db_uri"] == ["postgresql://me:***@h/x", "environment"]
    assert shown["log_level"] == ["info", "default"]
    assert "sesame" not in done.output
    assert "CONFD_AMPQ_URI is no setting" in done.stderr


def test_the_readme_has_the_table_of_settings() -> None:
    readme = Path(__file__).parent.with_name("README.md").read_text()
    assert f"\n\n{run('config', '--markdown').stdout}\n" in readme


def test_commands_use_the_settings_of_the_running_system_unless_a_file_is_named() -> None:
    Path(".confd").mkdir()
    Path(".confd", "confd.yml").write_text("processes: 4\n")
    Path("other.yml").write_text("processes: 5\n")
    assert "processes               4  " in run("config").stdout
    assert "processes               5  " in run("config", config="other.yml").stdout


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a broker that runs for these tests."""
    server = Broker(tmp_path_factory.mktemp("state"))
    server.start()
    yield server.uri
    server.stop()


@pytest.fixture
def service(broker: str) -> Iterator[Callable[[dict[str, Any]], list[Any]]]:
    """Answers calls of `users` and `tenants` with what a table says; tells of the calls that came."""
    ended = threading.Event()
    threads: list[threading.Thread] = []

    def answer(replies: dict[str, Any]) -> list[Any]:
        calls: list[Any] = []
        ready = threading.Event()
        thread = threading.Thread(target=_answer, args=(broker, replies, calls, ready, ended))
        thread.start()
        threads.append(thread)
        assert ready.wait(10)
        return calls

    yield answer
    ended.set()
    for thread in threads:
        thread.join()


def _answer(
    uri: str, replies: dict[str, Any], calls: list[Any], ready: threading.Event, ended: threading.Event
) -> None:
    with connect(uri, 5) as connection:
        channel = connection.channel()
        channel.exchange_declare(RPC_EXCHANGE, "topic", durable=True, auto_delete=False)
        queue = channel.queue_declare(exclusive=True).queue
        for name in ("users", "tenants"):
            channel.queue_bind(queue, RPC_EXCHANGE, f"{name}.*")

        def on_call(message: amqp.Message) -> None:
            method = message.delivery_info["routing_key"]
            arguments = json.loads(message.body)["kwargs"]
            calls.append((method, arguments, message.headers))
            reply = replies[method](arguments) if callable(replies[method]) else replies[method]
            properties = {"correlation_id": message.properties["correlation_id"], "content_type": "application/json"}
            channel.basic_publish(
                amqp.Message(json.dumps(reply), **properties), RPC_EXCHANGE, message.properties["reply_to"]
            )

        channel.basic_consume(queue, no_ack=True, callback=on_call)
        ready.set()
        while not ended.is_set():
            try:
                connection.drain_events(timeout=0.1)
            except TimeoutError:
                continue


def test_call_prints_the_result_as_json(broker: str, service: Any) -> None:
    calls = service({"users.list": {"result": {"total": 0, "items": ["Zoé"]}, "error": None}})
    tenant = "2c34c282-433e-4bb8-8d56-fec14ff7e1e9"
    done = run("call", "users.list", "limit=5", "--tenant", tenant, "--key", "k1", amqp_uri=broker)
    assert json.loads(done.stdout) == {"total": 0, "items": ["Zoé"]}
    method, arguments, headers = calls[0]
    assert (method, arguments) == ("users.list", {"limit": 5})
    assert (headers["nameko.tenant_uuid"], headers["nameko.idempotency_key"]) == (tenant, "k1")


def test_call_tells_the_error_of_the_service(broker: str, service: Any) -> None:
    error = {"status": 404, "type": "not-found", "message": "Resource Not Found - User", "details": {}}
    service({"users.get": {"result": None, "error": error}})
    done = run("call", "users.get", "id=1", amqp_uri=broker)
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "Error: Resource Not Found - User\n")


def test_import_tells_which_rows_were_refused_and_why(broker: str, service: Any) -> None:
    def import_rows(arguments: dict[str, Any]) -> dict[str, Any]:
        numbered = list(enumerate(arguments["rows"], arguments["first"]))
        errors = [
            {"message": "firstname: too short", "details": {"row_number": number, "row": row}}
            for number, row in numbered
            if not row["firstname"]
        ]
        return {"result": {"created": [{}] * (len(numbered) - len(errors)), "errors": errors}, "error": None}

    calls = service({"users.import_rows": import_rows})
    lines = ["firstname,lastname", *(f"User{number},x" for number in range(1, 48)), ",x", 'y,"z', "Last,x"]
    Path("users.csv").write_text("\n".join(lines))
    done = run("import", "users.csv", amqp_uri=broker)
    assert done.exit_code == 1
    assert "Row 48: firstname: too short" in done.stderr
    assert "Row 49: cannot be read: unexpected end of data" in done.stderr
    assert done.stderr.endswith("48 imported, 2 refused, of 50\n")
    assert sorted((arguments["first"], len(arguments["rows"])) for _, arguments, _ in calls) == [
        (1, 20),
        (21, 20),
        (41, 8),
        (50, 1),
    ]
    assert len({headers["nameko.idempotency_key"] for _, _, headers in calls}) == len(calls)


def test_sync_tenants_tells_how_to_go_on_where_a_list_is_refused_and_goes_on_by_force(
    broker: str, service: Any
) -> None:
    def synchronize(arguments: dict[str, Any]) -> dict[str, Any]:
        if arguments.get("force"):
            return {"result": {"added": [], "removed": ["a", "b"]}, "error": None}
        return {"result": None, "error": {"status": 400, "message": "2 of 3 … (confd-worker sync-tenants --force)"}}

    calls = service({"tenants.synchronize": synchronize})
    refused = run("sync-tenants", amqp_uri=broker)
    assert (refused.exit_code, refused.stderr) == (1, "Error: 2 of 3 … (confd-worker sync-tenants --force)\n")
    forced = run("sync-tenants", "--force", amqp_uri=broker)
    assert (forced.exit_code, forced.stdout) == (0, "removed: a\nremoved: b\n")
    assert [arguments for _, arguments, _ in calls] == [{}, {"force": True}]


def test_export_writes_the_text_as_it_came(broker: str, service: Any) -> None:
    service({"users.export": {"result": "uuid,firstname\r\n1,Zoé\r\n", "error": None}})
    assert run("export", "out.csv", amqp_uri=broker).exit_code == 0
    assert Path("out.csv").read_bytes() == "uuid,firstname\r\n1,Zoé\r\n".encode()
    # There are passwords in it.
    assert Path("out.csv").stat().st_mode & 0o777 == 0o600
    assert run("export", "-", amqp_uri=broker).stdout_bytes == Path("out.csv").read_bytes()


def test_events_follows_until_its_reader_has_enough(broker: str) -> None:
    command = [sys.executable, "-m", "confd_worker", "events", "--name", "user_created", "--json"]
    environment = {**os.environ, "CONFD_AMQP_URI": broker}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
    ) as follower:
        assert follower.stderr
        assert follower.stdout
        assert "Following events" in follower.stderr.readline()
        with connect(broker, 5) as connection:
            channel = connection.channel()
            for name in ("user_edited", "user_created"):
                message = amqp.Message(
                    json.dumps({"name": name, "data": {"id": 1}}),
                    content_type="application/json",
                    application_headers={"name": name},
                )
                channel.basic_publish(message, EVENTS_EXCHANGE)
        event = json.loads(follower.stdout.readline())
        follower.send_signal(2)
        assert follower.wait(10) == 0
    assert (event["headers"]["name"], event["payload"]["data"]) == ("user_created", {"id": 1})


@pytest.mark.parametrize("command", ["up", "gateway"])
def test_a_port_in_use_is_refused(command: str) -> None:
    tenant = "2c34c282-433e-4bb8-8d56-fec14ff7e1e9"
    Path("tokens.yml").write_text(
        f"tenants: [{{uuid: {tenant}}}]\ntokens: [{{token: secret, tenant_uuid: {tenant}, acl: [confd.#]}}]\n"
    )
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run(command, http_listen=address, auth_tokens="tokens.yml", **GATEWAY)
    assert done.exit_code == 1
    assert f"Error: CONFD_HTTP_LISTEN: {address} cannot be used: Address already in use; name" in done.stderr


def test_up_names_the_setting_of_a_server_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("confd_worker.cli.up"), "PATIENCE", 0.1)
    for name, uri in {
        "db_uri": "postgresql://a:sesame@127.0.0.1:1/x",
        "amqp_uri": "amqp://a:sesame@127.0.0.1:1/",
    }.items():
        done = run("up", http_listen="127.0.0.1:0", **{name: uri})
        assert done.exit_code == 1
        assert f"Error: CONFD_{name.upper()}: " in done.stderr
        assert "refused" in done.stderr
        assert "sesame" not in done.output


@pytest.mark.parametrize(
    ("words", "settings", "told"),
    [
        (["up"], {"SERVICES": "users,uesrs"}, "Error: CONFD_SERVICES: Unknown service: uesrs. There are: access_f"),
        (
            ["run", "uesrs"],
            {"DB_URI": "postgresql://127.0.0.1:1/x", "AMQP_URI": "amqp://127.0.0.1:1/"},
            "Error: Unknown service: uesrs. There are: access_features, ",
        ),
    ],
)
def test_a_service_that_is_not_installed_is_told(words: list[str], settings: dict[str, str], told: str) -> None:
    # In a process of its own, as it imports all services, and eventlet with them.
    environment = {f"CONFD_{name}": value for name, value in settings.items()} | {"CONFD_HTTP_LISTEN": "127.0.0.1:0"}
    command = [sys.executable, "-m", "confd_worker", *words]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith(told)


def test_a_variable_that_is_no_setting_is_told_at_the_start() -> None:
    done = run("up", http_listen="192.0.2.1:80", ampq_uri="amqp://typo/")
    assert "CONFD_AMPQ_URI is no setting" in done.stderr
