"""Users come from a CSV file by the command line, each row for itself and once, whatever ends in between."""

import csv
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from confd_worker.conformance.system import System, until

from .wire import Wire

Call = Callable[..., Any]
Row = dict[str, Any]

SECONDS = 120


class CommandLine:
    """The command `confd-worker` against a system, in one tenant."""

    def __init__(self, system: System, tenant: str, folder: Path) -> None:
        self._system, self._tenant = system, tenant
        self.file = folder / "users.csv"

    def start(self, command: str, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command on the file."""
        words = [sys.executable, "-W", "ignore", "-m", "confd_worker", command, str(self.file), *arguments]
        return subprocess.Popen(
            [*words, "--tenant", self._tenant],
            env=self._system.environment() | {"COLUMNS": "300"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str, *arguments: str) -> tuple[int, list[str]]:
        """The exit status of a command on the file, and the lines that it wrote."""
        process = self.start(command, *arguments)
        try:
            output, _ = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
        return process.returncode, [line for line in output.splitlines() if line]

    def write(self, rows: list[Row], encoding: str = "utf-8") -> None:
        """Write the rows into the file."""
        with self.file.open("w", encoding=encoding, newline="") as stream:
            writer = csv.DictWriter(stream, list(dict.fromkeys(name for row in rows for name in row)))
            writer.writeheader()
            writer.writerows(rows)

    def read(self) -> list[Row]:
        """The rows of the file."""
        with self.file.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))


@pytest.fixture
def shell(system: System, tenant: str, tmp_path: Path) -> CommandLine:
    return CommandLine(system, tenant, tmp_path)


@pytest.fixture
def templates(system: System, tenant: str, call: Call) -> None:
    """The tenant has its SIP templates, which imported lines need."""
    with Wire(system.amqp_uri) as wire:
        wire.publish_event("auth_tenant_added", {"uuid": tenant, "slug": "acme"})
    until(lambda: call("endpoints_sip_templates.list")["total"] == 5, "the templates are made")


def _names(call: Call) -> list[str]:
    return [user["firstname"] for user in call("users.list", order="firstname")["items"]]


def test_bad_rows_are_told_and_the_others_are_imported(shell: CommandLine, call: Call) -> None:
    taken = f"{uuid.uuid4()}@acme.example"
    rows = [
        {"firstname": "Ann", "email": taken},
        {"firstname": "Bob", "email": taken},
        {"firstname": "", "email": ""},
        {"firstname": "Dan", "email": "no address"},
        {"firstname": "Eve", "email": "", "enabled": "0"},
        {"firstname": "Fay", "email": "", "enabled": "perhaps"},
    ]
    shell.write(rows)
    status, lines = shell.run("import")
    assert (status, lines[-1]) == (1, "2 imported, 4 refused, of 6")
    assert lines[:-1] == [
        f"Row 2: Resource Error - User already exists ('email': '{taken}')",
        "Row 3: {'firstname': ['Field may not be null.']}",
        "Row 4: {'email': ['Not a valid email address.']}",
        "Row 6: Input Error - 'enabled' must be one of (0, 1)",
    ]
    assert _names(call) == ["Ann", "Eve"]


def test_a_row_that_fails_late_leaves_nothing_behind(shell: CommandLine, call: Call, templates: None) -> None:
    context = call("contexts.create", body={"label": "internal", "user_ranges": [{"start": "1000", "end": "1099"}]})
    line = {"context": context["name"], "line_protocol": "sip", "voicemail_name": "x", "voicemail_number": "100"}
    shell.write([{"firstname": "Ann", "exten": "5000", "voicemail_context": context["name"], **line}])
    status, lines = shell.run("import")
    assert status == 1
    assert f"Extension '5000' is outside of range for context '{context['name']}'" in lines[0]
    for name in ("users", "lines", "extensions", "voicemails", "endpoints_sip"):
        assert call(f"{name}.list")["total"] == 0, name


def test_rows_of_any_charset_make_whole_users_and_come_back(shell: CommandLine, call: Call, templates: None) -> None:
    rows = [
        {"firstname": f"Zoë {n}", "lastname": 'O"Neil, Jr', "exten": f"10{n:02}", "line_protocol": "sip"}
        for n in range(45)
    ]
    shell.write(rows, "latin-1")
    status, lines = shell.run("import", "--charset", "latin-1")
    assert (status, lines[-1]) == (0, "45 imported, 0 refused, of 45")
    users = call("users.list", search="zoë")["items"]
    assert sorted(user["lines"][0]["extensions"][0]["exten"] for user in users) == [f"10{n:02}" for n in range(45)]

    shell.file = shell.file.with_name("exported.csv")
    assert shell.run("export") == (0, [])
    exported = {(row["firstname"], row["lastname"], row["exten"], row["line_protocol"]) for row in shell.read()}
    assert exported == {(row["firstname"], row["lastname"], row["exten"], row["line_protocol"]) for row in rows}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "Error: The file is empty; its first line must name the columns"),
        (b"firstname,firstname\nAnn,Bob\n", "Error: The header names firstname twice"),
        (b"firstname\n\xff\n", "Error: The file is not utf-8: invalid start byte at byte 10"),
        (b'firstname\n"Ann\nBob,Carol\n', "0 imported, 2 refused, of 2"),
    ],
)
def test_a_file_that_is_none_is_told(content: bytes, told: str, shell: CommandLine, call: Call) -> None:
    shell.file.write_bytes(content)
    status, lines = shell.run("import")
    assert (status, lines[-1]) == (1, told)
    assert call("users.list")["total"] == 0


@pytest.fixture(scope="module")
def mortal(own_system: System) -> System:
    """A system whose worker may be killed."""
    own_system.start_worker()
    return own_system


@pytest.fixture
def users(mortal: System, tenant: str) -> Iterator[Callable[[], int]]:
    """How many users there are."""
    with mortal.database() as cursor:

        def count() -> int:
            cursor.execute("SELECT count(*) FROM users WHERE tenant_uuid = %s", (tenant,))
            return int(cursor.fetchone()[0])

        yield count


def test_an_import_goes_on_over_the_death_of_its_worker(
    mortal: System, tenant: str, tmp_path: Path, users: Callable[[], int]
) -> None:
    shell = CommandLine(mortal, tenant, tmp_path)
    rows = [{"firstname": f"User {n}", "email": f"{n}-{tenant}@acme.example"} for n in range(400)]
    shell.write(rows)
    with Wire(mortal.amqp_uri) as wire:
        events = wire.follow("user_created", tenant_uuid=tenant)
        process = shell.start("import")
        try:
            for _ in range(3):
                have = users()
                until(lambda have=have: users() > have + 40, "more rows are imported", 60)  # type: ignore[misc]
                mortal.kill("worker")
                mortal.start_worker()
            output, _ = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
        assert output.splitlines()[-1] == "400 imported, 0 refused, of 400"
        assert process.returncode == 0
        assert users() == len(rows)
        told: set[tuple[str, str]] = set()

        def all_told() -> bool:
            told.update((orjson.loads(each.body)["data"]["uuid"], each.message_id) for each in wire.all(events))
            return len(told) >= len(rows)

        until(all_told, "every user has its event")
        assert len({user for user, _ in told}) == len(told) == len(rows)
