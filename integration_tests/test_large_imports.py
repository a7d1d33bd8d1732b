"""Large imports: what is too large is refused unread, and what is not takes neither memory nor turns from others."""

import csv
import io
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from confd_worker.client import Client, Context, RemoteError, Reply, Timeout
from confd_worker.conformance.system import System, until

from .test_import_cli import CommandLine
from .wire import Wire

MB = 1024
LARGE = 64 * 1024 * 1024


@pytest.fixture(scope="module")
def importing(own_system: System) -> System:
    """A system with a worker that nobody else uses, to which messages may be larger than an import."""
    own_system.start_worker(CONFD_MESSAGE_LIMIT=str(LARGE))
    return own_system


@pytest.fixture
def patient(importing: System, tenant: str) -> Iterator[Client]:
    with Client(importing.amqp_uri, 120, Context(tenant_uuid=tenant), message_limit=LARGE) as client:
        yield client


@pytest.fixture
def with_lines(patient: Client) -> Callable[[int], str]:
    """A CSV of so many users, each with a line and an extension."""
    ranges = [{"start": "100000", "end": "999999"}]
    context = patient.call("contexts.create", body={"label": "x", "user_ranges": ranges})["name"]
    start = 100_000

    def csv(number: int) -> str:
        nonlocal start
        start += number
        rows = (f"User,{context},sccp,{exten}\n" for exten in range(start - number, start))
        return "firstname,context,line_protocol,exten\n" + "".join(rows)

    return csv


class Memory:
    """What a process needs of memory at the most, from now on, in KB."""

    def __init__(self, system: System) -> None:
        self._folder = Path("/proc") / str(system.processes["worker"].pid)
        self._before = self._read("VmRSS")
        (self._folder / "clear_refs").write_text("5")

    @property
    def more(self) -> int:
        """How much more than before it needed."""
        return self._read("VmHWM") - self._before

    def _read(self, name: str) -> int:
        lines = (self._folder / "status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(name)).split()[1])


def _refused(client: Client, method: str, **arguments: Any) -> RemoteError:
    with pytest.raises(RemoteError) as refusal:
        client.call(method, **arguments)
    return refusal.value


def _users(system: System, tenant: str) -> int:
    with system.database() as cursor:
        cursor.execute("SELECT count(*) FROM users WHERE tenant_uuid = %s", (tenant,))
        return int(cursor.fetchone()[0])


def test_a_csv_with_too_many_bytes_or_rows_is_refused_before_it_is_read(importing: System, patient: Client) -> None:
    memory = Memory(importing)
    for rows, told in ((9_000_000, "larger than 16777216 bytes (CONFD_IMPORT_BYTES)"),
                       (7_000_000, "more than 50000 rows (CONFD_IMPORT_ROWS)")):  # fmt: skip
        begun = time.monotonic()
        refusal = _refused(patient, "users.import", body="firstname\n" + "a\n" * rows)
        assert time.monotonic() - begun < 5
        assert (refusal.status, refusal.type) == (413, "too-large")
        assert told in refusal.message
    assert memory.more < 150 * MB


def test_bytes_are_counted_as_they_are_sent(importing: System, patient: Client) -> None:
    body = "firstname\n" + "é" * (8 * 1024 * 1024)
    assert "CONFD_IMPORT_BYTES" in _refused(patient, "users.import", body=body).message


def test_rows_of_a_batch_have_the_same_limit(patient: Client) -> None:
    refusal = _refused(patient, "users.import_rows", rows=[{}] * 50_001)
    assert (refusal.status, refusal.message) == (
        413, "Input Error - rows: more than 50000 rows (CONFD_IMPORT_ROWS); import them in parts",
    )  # fmt: skip


def test_an_import_takes_the_memory_of_its_report_alone(
    importing: System, patient: Client, with_lines: Callable[[int], str]
) -> None:
    patient.call("users.import", body=with_lines(300))
    memory = Memory(importing)
    assert len(patient.call("users.import", body=with_lines(4000))["created"]) == 4000
    assert memory.more < 25 * MB


def test_calls_beside_an_import_of_5000_users_are_answered_in_time(
    importing: System, tenant: str, patient: Client, with_lines: Callable[[int], str]
) -> None:
    user = patient.call("users.create", body={"firstname": "Zoë"})["id"]
    imported = patient.call_async("users.import", body=with_lines(5000))
    took = []
    with importing.client(tenant, timeout=2) as client:
        while not _has_come(imported):
            begun = time.monotonic()
            client.call("users.get", id=user)
            took.append(time.monotonic() - begun)
    assert len(imported.result()["created"]) == 5000
    assert len(took) > 50
    assert sorted(took)[int(len(took) * 0.99)] < 1


def _has_come(reply: Reply) -> bool:
    try:
        reply.result(timeout=0.01)
    except Timeout:
        return False
    return True


def test_an_import_that_nobody_waits_for_any_more_ends(importing: System, tenant: str) -> None:
    with importing.client(tenant, timeout=1.5) as client, pytest.raises((Timeout, RemoteError)):
        client.call("users.import", body="firstname\n" + "a\n" * 30_000)
    with importing.database() as cursor:

        def over() -> bool:
            cursor.execute("""
                SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
            """)
            return not cursor.fetchone()[0]

        until(over, "its transaction is over", 3)
    assert _users(importing, tenant) == 0


def test_a_thousand_refused_rows_are_told_and_no_more(importing: System, tenant: str, patient: Client) -> None:
    refusal = _refused(patient, "users.import", body="firstname,enabled\nA,1\n" + "A,x\n" * 3000)
    told = [each["details"]["row_number"] for each in refusal.details["body"]["errors"]]
    assert told == list(range(2, 1002))
    assert _users(importing, tenant) == 0


def test_an_import_in_chunks_tells_every_event_in_the_order_of_the_rows(importing: System, tenant: str) -> None:
    with importing.client(tenant) as client, Wire(importing.amqp_uri) as wire:
        events = wire.follow("user_created", tenant_uuid=tenant)
        created = client.call("users.import", body="firstname\n" + "a\n" * 250)["created"]
        assert [each["row_number"] for each in created] == list(range(1, 251))
        told = [orjson.loads(wire.get(events).body)["data"]["uuid"] for _ in created]
    assert told == [each["user_uuid"] for each in created]


def test_a_refusal_in_a_later_chunk_undoes_what_was_written_before(
    importing: System, tenant: str, patient: Client
) -> None:
    with Wire(importing.amqp_uri) as wire:
        events = wire.follow("user_created", tenant_uuid=tenant)
        rows = "".join(f"{number}-{tenant}@acme.example\n" for number in range(220))
        body = "email,firstname\n" + rows.replace("\n", ",A\n") + f"7-{tenant}@acme.example,A\n"
        [error] = _refused(patient, "users.import", body=body).details["body"]["errors"]
        assert error["details"]["row_number"] == 221
        user = patient.call("users.create", body={"firstname": "Zoë"})["uuid"]
        assert orjson.loads(wire.get(events).body)["data"]["uuid"] == user
    assert _users(importing, tenant) == 1


def test_an_import_whose_worker_dies_is_done_once_by_the_next(importing: System, tenant: str, patient: Client) -> None:
    with Wire(importing.amqp_uri) as wire:
        events = wire.follow("user_created", tenant_uuid=tenant)
        imported = patient.call_async("users.import", body="firstname\n" + "a\n" * 4000)
        with importing.database() as cursor:

            def begun() -> bool:
                cursor.execute("SELECT last_value FROM outbox_id_seq")
                return int(cursor.fetchone()[0]) > before + 500

            cursor.execute("SELECT last_value FROM outbox_id_seq")
            before = int(cursor.fetchone()[0])
            until(begun, "some chunks are written")
        importing.kill("worker")
        importing.start_worker()
        uuids = {each["user_uuid"] for each in imported.result()["created"]}
        assert _users(importing, tenant) == len(uuids) == 4000
        told = [orjson.loads(wire.get(events).body)["data"]["uuid"] for _ in uuids]
        assert set(told) == uuids
        assert not wire.all(events)


def test_the_command_line_imports_40_mb_in_batches_of_as_many_bytes_as_may_be(
    importing: System, tenant: str, tmp_path: Path
) -> None:
    shell = CommandLine(importing, tenant, tmp_path)
    columns = [f"note{number}" for number in range(2)]
    shell.write([{"firstname": "A", **dict.fromkeys(columns, "x" * 100_000)} for _ in range(200)])
    assert shell.file.stat().st_size > 40_000_000
    importing.stop("worker")
    importing.start_worker(CONFD_MESSAGE_LIMIT=str(1024 * 1024))
    status, lines = shell.run("import")
    assert (status, lines[-1]) == (0, "200 imported, 0 refused, of 200")
    assert _users(importing, tenant) == 200


def test_the_command_line_refuses_a_row_that_is_too_large_for_a_batch_alone(
    importing: System, tenant: str, tmp_path: Path
) -> None:
    shell = CommandLine(importing, tenant, tmp_path)
    columns = [f"note{number}" for number in range(3)]
    shell.write([{"firstname": "A", **dict.fromkeys(columns, text * 100_000)} for text in ("", "x", "")])
    status, lines = shell.run("import")
    assert (status, lines[0]) == (1, "Row 2: has more than 262144 bytes")
    assert _users(importing, tenant) == 2


def test_an_export_has_every_user_once_and_takes_the_memory_of_its_text_alone(
    importing: System, patient: Client
) -> None:
    for _ in range(2):
        patient.call("users.import", body="firstname\n" + "a\n" * 3000)
    patient.using(tenant_uuid=str(uuid.uuid4())).call("users.export")
    memory = Memory(importing)
    exported = list(csv.DictReader(io.StringIO(patient.call("users.export"))))
    assert memory.more < 12 * MB
    assert len({row["uuid"] for row in exported}) == len(exported) == 6000
