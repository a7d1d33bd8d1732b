"""Messages that were set aside: looked at, sent again, dropped; none is lost while the database is away."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from confd_worker.cli import main
from confd_worker.client import Client, RemoteError
from confd_worker.conformance.system import MASTER_TENANT, System, until

from .conftest import OwnServers
from .wire import DEAD_LETTERS, Wire, delete_queues

QUEUE = "confd.tenants.auth_tenant_added"


@pytest.fixture
def wire(system: System) -> Iterator[Wire]:
    """A connection; no dead letter is there."""
    with system.client() as client:
        client.call("dead_letters.drop", ids="all")
    with Wire(system.amqp_uri) as wire:
        yield wire


@pytest.fixture
def master(system: System) -> Iterator[Client]:
    """A client that acts in the master tenant."""
    with system.client() as client:
        yield client


def _letters(client: Client, number: int = 1, **wanted: Any) -> list[dict[str, Any]]:
    """So many dead letters, as soon as they are there."""

    def found() -> Any:
        items = client.call("dead_letters.list", **wanted)["items"]
        return items if len(items) == number else None

    return until(found, f"{number} dead letters") if number else client.call("dead_letters.list", **wanted)["items"]


def _spoil(wire: Wire, method: str, body: bytes, headers: dict[str, Any] | None = None, **properties: Any) -> str:
    """Send what is no call, and what nobody could be told of; its correlation id."""
    return wire.send(method, body, headers, reply_to=None, **properties)


@pytest.mark.parametrize(
    ("body", "properties"), [(b"{", {}), (b"[1]", {}), (b"{}", {"content_type": None}), (b"{", {"correlation_id": ""})]
)
def test_a_call_whose_caller_is_told_what_was_wrong_is_no_dead_letter(
    body: bytes, properties: dict[str, Any], wire: Wire, master: Client
) -> None:
    key = wire.send("users.create", body, **properties)
    assert wire.reply(key)["error"]["type"] == "bad-request"
    marker = _spoil(wire, "users.create", b"{")
    until(lambda: _letters(master, 1, queue="rpc-users"), "what came later is set aside")
    (letter,) = _letters(master)
    assert master.call("dead_letters.show", id=letter["id"])["properties"]["correlation_id"] == marker
    assert wire.channel.queue_declare("rpc-users", passive=True).message_count == 0


def test_a_call_that_names_nobody_to_answer_is_set_aside(wire: Wire, master: Client) -> None:
    wire.send("users.create", {"args": [], "kwargs": {}}, reply_to="")
    assert _letters(master)[0]["reason"].startswith("reply_to:")


def test_a_call_that_is_none_is_kept_with_where_it_came_from_and_why(wire: Wire, master: Client) -> None:
    headers = {"nameko.tenant_uuid": MASTER_TENANT, "odd": [1, {"a": None}, True]}
    key = _spoil(wire, "users.create", b'{"secret": "sesame"', headers)
    (letter,) = _letters(master)
    assert (
        letter
        | {
            "queue": "rpc-users",
            "routing_key": "users.create",
            "attempts": 1,
            "size": 19,
        }
        == letter
    )
    assert letter["reason"].startswith("reply_to: must be")
    assert "sesame" not in json.dumps(master.call("dead_letters.list"))
    shown = master.call("dead_letters.show", id=letter["id"])
    assert (shown["encoding"], shown["body"]) == ("utf-8", '{"secret": "sesame"')
    assert (shown["exchange"], shown["headers"]) == ("nameko-rpc", headers)
    assert shown["properties"]["correlation_id"] == key


@pytest.mark.parametrize(
    ("body", "headers", "encoding"),
    [
        (b"\xff\xfe", {}, "base64"),
        (b"", {}, "utf-8"),
        (b"\0", {"a\0b": "c\0d"}, "utf-8"),
        (b"x", {"n": 2**62, "f": 1.5, "t": "\u2028\U0001f600"}, "utf-8"),
    ],
)
def test_whatever_a_message_holds_can_be_kept_and_shown(
    body: bytes, headers: dict[str, Any], encoding: str, wire: Wire, master: Client
) -> None:
    _spoil(wire, "users.create", body, headers, correlation_id=None)
    (letter,) = _letters(master)
    shown = master.call("dead_letters.show", id=letter["id"])
    assert (shown["encoding"], shown["size"]) == (encoding, len(body))


def test_the_same_message_is_one_letter_however_often_it_comes(wire: Wire, master: Client) -> None:
    for _ in range(3):
        _spoil(wire, "users.create", b"{", correlation_id="the-same")
    until(lambda: [each["attempts"] for each in _letters(master)] == [3], "three attempts")


def test_letters_are_listed_in_pages(wire: Wire, master: Client) -> None:
    for number in range(5):
        _spoil(wire, "users.create" if number % 2 else "lines.create", b"%d" % number)
    ids = [each["id"] for each in _letters(master, 5)]
    assert ids == sorted(ids)
    page = master.call("dead_letters.list", limit=2, offset=2)
    assert (page["total"], [each["id"] for each in page["items"]]) == (5, ids[2:4])
    assert master.call("dead_letters.list", queue="rpc-users")["total"] == 2
    assert master.call("dead_letters.list", order="id", direction="desc", limit=1)["items"][0]["id"] == ids[-1]


def test_an_event_that_is_sent_again_goes_to_its_handler_alone(wire: Wire, master: Client, system: System) -> None:
    tenant = str(uuid.uuid4())
    others = wire.follow("auth_tenant_added")
    # As when the handler refused it before it was mended.
    _put_aside(system, QUEUE, {"data": {"uuid": tenant, "slug": "acme"}})
    (letter,) = _letters(master)
    assert master.call("dead_letters.replay", ids=[letter["id"]]) == {"replayed": [letter["id"]], "refused": []}
    with system.client(tenant) as client:
        until(lambda: client.call("tenants.list")["total"] == 1, "the tenant is there")
    assert _letters(master, 0) == []
    assert wire.all(others) == []


def test_a_call_that_is_sent_again_is_run_though_its_time_is_over(wire: Wire, master: Client, system: System) -> None:
    tenant = str(uuid.uuid4())
    body = {"args": [], "kwargs": {"body": {"firstname": "Alice"}}}
    headers = {"nameko.tenant_uuid": tenant, "nameko.deadline": "1"}
    properties = {"content_type": "application/json", "reply_to": "nobody", "correlation_id": str(uuid.uuid4())}
    _put_aside(system, "rpc-users", body, "nameko-rpc", "users.create", headers, properties)
    _letters(master)
    assert len(master.call("dead_letters.replay", ids="all")["replayed"]) == 1
    with system.client(tenant) as client:
        until(lambda: client.call("users.list")["total"] == 1, "the user is made")


def test_what_is_sent_again_and_fails_again_comes_back(wire: Wire, master: Client) -> None:
    _spoil(wire, "users.create", b"{")
    (letter,) = _letters(master)
    master.call("dead_letters.replay", ids="all")
    (back,) = _letters(master)
    assert (back["queue"], back["routing_key"], back["reason"]) == (
        letter["queue"], letter["routing_key"], letter["reason"],
    )  # fmt: skip


def test_a_letter_whose_queue_is_gone_stays(wire: Wire, master: Client, system: System) -> None:
    _put_aside(system, "no-such-queue", {})
    wire.publish_event("auth_tenant_added", b"{")
    gone, other = (each["id"] for each in _letters(master, 2))
    done = master.call("dead_letters.replay", ids=[other, gone])
    assert done["replayed"] == [other]
    assert done["refused"] == [{"id": gone, "reason": "there is no queue no-such-queue"}]
    assert gone in [each["id"] for each in master.call("dead_letters.list")["items"]]


def test_letters_are_dropped_by_id_or_all(wire: Wire, master: Client) -> None:
    for number in range(4):
        _spoil(wire, "users.create", b"%d" % number)
    ids = [each["id"] for each in _letters(master, 4)]
    assert master.call("dead_letters.drop", ids=ids[:2]) == {"dropped": ids[:2]}
    assert master.call("dead_letters.drop", ids="all") == {"dropped": ids[2:]}
    assert master.call("dead_letters.drop", ids="all") == {"dropped": []}


@pytest.mark.parametrize(
    ("method", "arguments", "status"),
    [
        ("show", {"id": 2_000_000_000}, 404),
        ("show", {"id": "x"}, 404),
        ("drop", {"ids": [2_000_000_000]}, 404),
        ("replay", {"ids": [2**63 - 1]}, 404),
        ("replay", {"ids": "everything"}, 400),
        ("drop", {"ids": [True]}, 400),
        ("drop", {"ids": None}, 400),
        ("list", {"limit": -1}, 400),
    ],
)
def test_what_makes_no_sense_is_refused(method: str, arguments: dict[str, Any], status: int, master: Client) -> None:
    with pytest.raises(RemoteError) as refusal:
        master.call(f"dead_letters.{method}", **arguments)
    assert refusal.value.status == status


@pytest.mark.parametrize(
    ("method", "arguments"), [("list", {}), ("show", {"id": 1}), ("replay", {"ids": "all"}), ("drop", {"ids": "all"})]
)
def test_who_sees_only_another_tenant_is_refused(
    method: str, arguments: dict[str, Any], call: Callable[..., Any], system: System, tenant: str
) -> None:
    with pytest.raises(RemoteError) as refusal:
        call(f"dead_letters.{method}", **arguments)
    assert refusal.value.type == "not-permitted"
    with system.client(tenant, visible_tenants=[tenant, MASTER_TENANT]) as client:
        assert client.call("dead_letters.list")


def test_the_command_line_lists_shows_sends_again_and_drops(wire: Wire, master: Client, system: System) -> None:
    def run(*words: str, status: int = 0) -> str:
        done = CliRunner().invoke(main, ["dead", *words], env=system.environment())
        assert done.exit_code == status, done.output
        return done.output

    assert "There are no dead letters." in run("list")
    wire.publish_event("auth_tenant_added", b'{"data": {"uuid": "sesame"}}')
    (letter,) = _letters(master)
    line = run("list")
    assert line.startswith(f"{letter['id']}  {letter['received_at'][:19]}  {QUEUE}")
    assert "sesame" not in line
    assert json.loads(run("list", "--json"))["items"] == [letter]
    assert json.loads(run("show", str(letter["id"])))["body"] == '{"data": {"uuid": "sesame"}}'
    assert run("replay", str(letter["id"])) == "1 sent again.\n"
    _letters(master)
    assert run("drop", "--all") == "1 dropped.\n"
    assert "was not found" in run("show", "2000000000", status=1)
    assert "--all" in run("drop", status=2)
    assert "--all" in run("replay", "1", "--all", status=2)


def test_letters_wait_in_the_broker_while_the_database_is_away(own_system: System, own_servers: OwnServers) -> None:
    own_system.start_worker()
    with own_system.client() as client, Wire(own_system.amqp_uri) as wire:
        own_servers.postgres.stop()
        try:
            keys = {_spoil(wire, "users.create", b"{") for _ in range(30)}
            log = lambda: own_system.log_of("worker")  # noqa: E731
            until(lambda: log().count("dead_letter_left_to_the_broker") == 30, "the broker has them", 60)
        finally:
            own_servers.postgres.start()
        letters = until(lambda: _stored(own_system, 30), "all are in the table", 60)
        assert {letter["correlation_id"] for letter in letters} == keys
        assert wire.channel.queue_declare(DEAD_LETTERS, passive=True).message_count == 0
        assert {each["queue"] for each in client.call("dead_letters.list")["items"]} == {"rpc-users"}
    own_system.stop("worker")


def test_letters_are_neither_lost_nor_doubled_while_the_worker_is_killed(own_system: System) -> None:
    with own_system.database() as cursor:
        cursor.execute("DELETE FROM dead_letters")
    own_system.start_worker()
    with Wire(own_system.amqp_uri) as wire:
        keys = set()
        for _ in range(3):
            keys |= {_spoil(wire, "users.create", b"{", delivery_mode=2) for _ in range(300)}
            own_system.kill("worker")
            own_system.start_worker()
    letters = until(lambda: _stored(own_system, len(keys)), "all are in the table", 60)
    assert sorted(letter["correlation_id"] for letter in letters) == sorted(keys)
    own_system.stop("worker")


def test_a_message_that_ends_whoever_takes_it_is_kept_after_some_deliveries(own_system: System) -> None:
    with own_system.database() as cursor:
        cursor.execute("DELETE FROM dead_letters")
    delete_queues(own_system.amqp_uri)
    settings = {"CONFD_QUEUE_TYPE": "quorum", "CONFD_SERVICES": "dead_letters,status,users"}
    own_system.start_worker(**settings)
    own_system.stop("worker")
    with Wire(own_system.amqp_uri) as wire:
        key = wire.send("users.list", {"args": [], "kwargs": {}})
        for _ in range(21):
            message = until(lambda: wire.channel.basic_get("rpc-users"), "the call is delivered")
            wire.channel.basic_reject(message.delivery_tag, requeue=True)
    own_system.start_worker(**settings)
    with own_system.client() as client:
        (letter,) = _letters(client)
        assert (letter["queue"], letter["routing_key"]) == ("rpc-users", "users.list")
        assert letter["reason"] == "delivered too often: workers died of it"
        assert client.call("dead_letters.show", id=letter["id"])["properties"]["correlation_id"] == key
        assert client.call("users.list", limit=1)
    own_system.stop("worker")
    delete_queues(own_system.amqp_uri)


def _stored(system: System, number: int) -> Any:
    """The properties of all letters once there are so many."""
    with system.database() as cursor:
        cursor.execute("SELECT properties FROM dead_letters")
        rows = cursor.fetchall()
    return [row[0] for row in rows] if len(rows) >= number else None


def _put_aside(
    system: System,
    queue: str,
    body: Any,
    exchange: str = "",
    key: str = "",
    headers: Any = None,
    properties: Any = None,
) -> None:
    """Make a dead letter, as if the consumer of that queue had set it aside."""
    with system.database() as cursor:
        cursor.execute(
            "INSERT INTO dead_letters (fingerprint, queue, exchange, routing_key, headers, properties, body, reason)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, 'test')",
            (str(uuid.uuid4()), queue, exchange, key, json.dumps(headers or {}), json.dumps(properties or {}),
             json.dumps(body).encode()),
        )  # fmt: skip
