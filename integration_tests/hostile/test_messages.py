"""Messages that no client of ours would send: none of them stops a worker, and none is lost without a trace."""

import re
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import orjson
import pytest

from confd_worker.client import Client, RemoteError
from confd_worker.conformance.system import PARENT, System, until
from confd_worker.core.entrypoints.events import EventHandler
from confd_worker.core.plugin.discovery import discover

from ..wire import EVENTS
from .caller import Caller, check
from .inputs import NASTY_TEXTS
from .tally import TALLY

GOOD: dict[str, Any] = {"args": [], "kwargs": {}}
LARGE = 10_000_000
HEADER = 100_000
"""Bytes; more than a frame holds is the broker's to refuse."""


@pytest.fixture(autouse=True)
def the_worker_answers(hostile: System) -> Iterator[None]:
    """Whatever a test sent, the same process answers the next call."""
    yield
    assert hostile.processes["worker"].poll() is None
    with hostile.client() as client:
        assert client.call("users.list", limit=1)


@pytest.fixture
def client(hostile: System) -> Iterator[Client]:
    with hostile.client(PARENT) as client:
        yield client


class _Aside:
    """Tells whether messages were set aside."""

    def __init__(self, system: System) -> None:
        self._system = system

    def reason(self, message_id: str) -> str:
        """Why the message was."""
        with self._system.database() as cursor:

            def found() -> str | None:
                cursor.execute("SELECT reason FROM dead_letters WHERE properties->>'message_id' = %s", [message_id])
                row = cursor.fetchone()
                return row and row[0]

            return str(until(found, "the message is set aside"))


@pytest.fixture
def aside(hostile: System) -> _Aside:
    return _Aside(hostile)


SET_ASIDE: dict[str, dict[str, Any]] = {
    "no reply_to": {"reply_to": None},
    "no content type": {"content_type": None},
    "an empty content type": {"content_type": ""},
    "another content type": {"content_type": "application/x-python-serialize"},
    "a long content type": {"content_type": "x" * 255},
    "no property at all": {"reply_to": None, "content_type": None, "content_encoding": None, "correlation_id": None},
    "a call stack that is no list": {"headers": {"nameko.call_id_stack": "a.b.c"}},
    "a call stack that is a table": {"headers": {"nameko.call_id_stack": {"a": 1}}},
    "no JSON": {"body": b"{"},
    "nothing": {"body": b""},
    "pickled": {"body": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R."},
    "no object": {"body": [1, 2]},
    "null": {"body": b"null"},
    "no list of arguments": {"body": {"args": 5, "kwargs": {}}},
    "no arguments by name": {"body": {"args": [], "kwargs": [1]}},
    "bytes that are no text": {"body": b'{"args": [], "kwargs": {"a": "\xff\xfe"}}'},
    "another encoding": {"body": '{"args": [], "kwargs": {}}'.encode("utf-16")},
    "another encoding that is named": {"body": '{"args": []}'.encode("utf-32"), "content_encoding": "utf-32"},
    "compressed": {"body": b"\x1f\x8b\x08\x00", "content_encoding": "gzip"},
    "a NUL byte": {"body": b'{"args": [], "kwargs": {"a": "\0"}}'},
    "a byte order mark": {"body": b'\xef\xbb\xbf{"args": [], "kwargs": {}}'},
    "a lone surrogate": {"body": b'{"args": [], "kwargs": {"a": "\\ud800"}}'},
    "deep nesting": {"body": b"[" * 100_000},
    "deep nesting that ends": {"body": b'{"args": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"},
    "NaN": {"body": b'{"args": [], "kwargs": {"a": NaN}}'},
    "a number beyond all": {"body": b'{"args": [], "kwargs": {"a": 1e400}}'},
    "two documents": {"body": b'{"args": [], "kwargs": {}}{"args": [], "kwargs": {}}'},
    "10 MB of nothing": {"body": b" " * LARGE},
    "10 MB of no JSON": {"body": b"\xff" * LARGE},
}


@pytest.mark.parametrize("case", SET_ASIDE)
def test_a_message_that_is_no_call_is_refused_or_else_set_aside(case: str, caller: Caller, aside: _Aside) -> None:
    given, message_id = dict(SET_ASIDE[case]), str(uuid.uuid4())
    body, headers = given.pop("body", GOOD), given.pop("headers", None)
    key = caller.send("users.list", body, headers, message_id=message_id, **given)
    if "reply_to" not in given:
        assert caller.answer(key, case)["error"]["type"] == "bad-request"
    else:
        assert aside.reason(message_id)
    TALLY.count("users.list")


ANSWERED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "a tenant that is no uuid": (GOOD, {"nameko.tenant_uuid": "x"}, "wrong-type"),
    "a tenant that is a number": (GOOD, {"nameko.tenant_uuid": 5}, "wrong-type"),
    "tenants that are no list": (GOOD, {"nameko.visible_tenants": "x"}, "wrong-type"),
    "an empty key": (GOOD, {"nameko.idempotency_key": ""}, "wrong-type"),
    "a long key": (GOOD, {"nameko.idempotency_key": "k" * 256}, "wrong-type"),
    "a key with NUL": (GOOD, {"nameko.idempotency_key": "a\0b"}, "wrong-type"),
    "a key that is a table": (GOOD, {"nameko.idempotency_key": {"a": 1}}, "wrong-type"),
    "tenants that are no uuids": (GOOD, {"nameko.visible_tenants": [1, {"a": 1}, None]}, "wrong-type"),
    "a request id that is a list": (GOOD, {"nameko.request_id": ["x"]}, "wrong-type"),
    "a deadline that is no time": (GOOD, {"nameko.deadline": "soon"}, "wrong-type"),
    "a deadline that never comes": (GOOD, {"nameko.deadline": "inf"}, "wrong-type"),
    "a deadline that is no number": (GOOD, {"nameko.deadline": "nan"}, "wrong-type"),
    "a deadline long ago": (GOOD, {"nameko.deadline": 1}, "deadline-exceeded"),
    "an argument that is not known": ({"args": [], "kwargs": {"self": 2}}, {}, "bad-request"),
    "a view that is no word": ({"args": [], "kwargs": {"view": 1}}, {}, "invalid-view"),
    "too many arguments": ({"args": [1, 2, 3], "kwargs": {}}, {}, "bad-request"),
    "a filter that is an object": ({"args": [], "kwargs": {"limit": {"a": 1}}}, {}, "schema"),
    "a giant number": ({"args": [], "kwargs": {"offset": "9" * 400}}, {}, "schema"),
    "a giant integer": (b'{"args": [], "kwargs": {"limit": 1%s}}' % (b"0" * 300), {}, "schema"),
}


@pytest.mark.parametrize("case", ANSWERED)
def test_a_call_with_bad_context_or_arguments_is_answered(case: str, caller: Caller) -> None:
    body, headers, expected = ANSWERED[case]
    error = caller.answer(caller.send("users.list", body, headers), case)["error"]
    assert error["type"] == expected
    assert error["status"] == (503 if expected == "deadline-exceeded" else 400)
    TALLY.count("users.list")


CONTEXT = (
    "tenant_uuid", "visible_tenants", "user_uuid", "request_id", "deadline", "idempotency_key", "if_revision",
    "call_id_stack", "call_id", "language",
)  # fmt: skip
NAMES = [f"nameko.{name}" for name in CONTEXT] + ["x-death", "x-first-death-reason", "nameko.", "\u00e9"]
VALUES: dict[str, Any] = {
    "none": None,
    "true": True,
    "minus one": -1,
    "a large number": 2**62,
    "a fraction": 0.5,
    "no text": b"\xff\xfe",
    "a time": datetime(2000, 1, 1),
    "a list": [1, "x", None, [], {}],
    "a table": {"a": {"b": [{}]}},
    "a long text": "x" * HEADER,
    "a long list": ["00000000-0000-4000-8000-000000000001"] * 2000,
    **{repr(text)[:20]: text for text in NASTY_TEXTS if len(text) < HEADER},
}


@pytest.mark.parametrize("name", NAMES)
def test_a_header_may_hold_anything(name: str, caller: Caller) -> None:
    for value in VALUES.values():
        what = f"{name}: {value!r:.60}"
        check(caller.answer(caller.send("users.list", GOOD, {name: value}), what)["error"], what)
        TALLY.count(name)


PROPERTIES: dict[str, dict[str, Any]] = {
    "a correlation id of 255 letters": {"correlation_id": "k" * 255},
    "a correlation id with NUL and quotes": {"correlation_id": "a'\"\0\nforged_line"},
    "another encoding": {"content_encoding": "x"},
    "no encoding": {"content_encoding": None},
    "a priority": {"priority": 255},
    "a type and an application": {"type": "x" * 255, "app_id": "\0"},
    "a time that never comes": {"timestamp": 2**63},
    "many headers": {"headers": {f"x{n}": n for n in range(5000)}},
}


@pytest.mark.parametrize("case", PROPERTIES)
def test_what_a_call_says_beside_its_arguments_does_not_matter(case: str, caller: Caller) -> None:
    given = dict(PROPERTIES[case])
    key = caller.send("users.list", GOOD, given.pop("headers", None), **given)
    assert caller.answer(key, case)["error"] is None
    TALLY.count("users.list")


@pytest.mark.parametrize("reply_to", ["nowhere", "x" * 255, "users.delete", "#", "a\0b"], ids=repr)
def test_a_reply_that_leads_nowhere_harms_nobody(reply_to: str, caller: Caller) -> None:
    caller.send("users.list", GOOD, reply_to=reply_to)
    TALLY.count("reply_to")


def test_a_method_that_does_not_exist_is_answered(caller: Caller) -> None:
    words = ("nonsense", "__init__", "__class__", "work", "add", "_import", "beside", "spec", "dao", "x" * 200, "*")
    for word in words:
        error = caller.answer(caller.send(f"users.{word}", GOOD), word)["error"]
        assert error["type"] == "unknown-method"
        TALLY.count("users")


def test_a_giant_term_is_refused_and_a_giant_filter_finds_nothing(client: Client) -> None:
    with pytest.raises(RemoteError, match=re.escape("search: ['Longer than maximum length 1000.']")):
        client.call("users.list", search="x" * LARGE)
    assert client.call("users.list", firstname="x" * LARGE)["total"] == 0


@pytest.mark.parametrize("text", filter(None, NASTY_TEXTS), ids=lambda text: repr(text)[:40])
def test_any_text_is_data(text: str, client: Client) -> None:
    assert client.call("users.list", search=text[:1000], firstname=text)["total"] == 0 or "%" in text or text in " _*"
    if "\0" not in text and len(text) < 128:
        user = client.call("users.create", body={"firstname": text})
        assert client.call("users.get", id=user["id"])["firstname"] == text
        assert client.call("users.list", firstname=text)["total"] == 1
        client.call("users.delete", id=user["id"])
    TALLY.count("users")


def _handled() -> list[tuple[str, str]]:
    """The events that services handle, with the names of their queues."""
    return [
        (entrypoint.event, f"confd.{name}.{entrypoint.event}")
        for name, service in discover().items()
        for method in vars(service).values()
        for entrypoint in getattr(method, "nameko_entrypoints", ())
        if isinstance(entrypoint, EventHandler)
    ]


TENANT = b'{"data": {"uuid": "00000000-0000-4000-8000-00000000000f", "slug": %s}}'
NO_EVENTS = {
    "nothing": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "a number": b"5",
    "deep nesting": b"[" * 100_000,
    "NaN": b'{"data": NaN}',
    "a number as data": b'{"data": 5}',
    "a list as data": b'{"data": [1]}',
    "null as data": b'{"data": null}',
    "no data": b'{"data": {}}',
    "no envelope": b'{"uuid": "x"}',
    "another encoding": '{"data": {}}'.encode("utf-16"),
    "a uuid that is a number": b'{"data": {"uuid": 5}}',
    "a uuid that is a text": b'{"data": {"uuid": "x"}}',
    "a uuid that is null": b'{"data": {"uuid": null}}',
    "a uuid that is a list": b'{"data": {"uuid": ["00000000-0000-4000-8000-00000000000f"]}}',
    "a uuid that is no text": b'{"data": {"uuid": "\xff"}}',
    "a lone surrogate": b'{"data": {"uuid": "\\ud800"}}',
    "an injection": b'{"data": {"uuid": "\'; DROP TABLE tenants; --"}}',
    "10 MB": b'{"data": {"uuid": "%s"}}' % (b"x" * LARGE),
}
NO_SLUGS = {"a slug that is a number": TENANT % b"5", "a slug with NUL": TENANT % b'"a\\u0000b"'}
EVENT_CASES = [(event, queue, case) for event, queue in _handled() for case in NO_EVENTS] + [
    ("auth_tenant_added", "confd.tenants.auth_tenant_added", case) for case in NO_SLUGS
]


@pytest.mark.parametrize(("event", "queue", "case"), EVENT_CASES)
def test_an_event_that_makes_no_sense_is_set_aside(
    event: str, queue: str, case: str, caller: Caller, aside: _Aside, hostile: System
) -> None:
    message_id = str(uuid.uuid4())
    payload = (NO_EVENTS | NO_SLUGS)[case]
    caller.publish(EVENTS, "", payload, application_headers={"name": event}, message_id=message_id)
    assert aside.reason(message_id)
    with hostile.database() as cursor:
        cursor.execute("SELECT queue, body FROM dead_letters WHERE properties->>'message_id' = %s", [message_id])
        ((from_queue, body),) = cursor.fetchall()
    assert (from_queue, bytes(body)) == (queue, payload)
    TALLY.count(event)


class _NoTime(datetime):
    """A time that no datetime can be."""

    def utctimetuple(self) -> Any:
        return (2000, 1, 10**12, 0, 0, 0, 0, 0, 0)


def _deep(levels: int) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for _ in range(levels):
        table = {"a": table}
    return table


@contextmanager
def _deep_recursion() -> Iterator[None]:
    """As py-amqp writes tables in tables by recursion."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    yield
    sys.setrecursionlimit(limit)


UNREADABLE: dict[str, dict[str, Any]] = {
    "a time beyond all": {"headers": {"x": _NoTime(2000, 1, 1)}},
    "tables in tables": {"headers": {"x": _deep(3000)}},
    "a correlation id that is no text": {"correlation_id": b"\xff\xfe"},
    "a reply_to that is no text": {"reply_to": b"\xff\xfe"},
    "a content type that is no text": {"content_type": b"\xff\xfe"},
    "a message type that is no text": {"type": b"\xff\xfe"},
}


def test_a_header_whose_name_is_no_text_is_told_to_the_caller(caller: Caller) -> None:
    body = orjson.dumps({"args": [], "kwargs": {}})
    answer = caller.answer(caller.send("users.list", body, {b"\xff\xfe": 1}), "users.list")  # type: ignore[dict-item]
    assert (answer["error"]["status"], answer["error"]["type"]) == (400, "bad-request")
    TALLY.count("users.list")


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_message_that_cannot_be_decoded_is_set_aside(case: str, caller: Caller, hostile: System) -> None:
    given, body = dict(UNREADABLE[case]), orjson.dumps({"args": [], "kwargs": {"search": str(uuid.uuid4())}})
    with _deep_recursion():
        caller.send("users.list", body, given.pop("headers", None), **given)
    with hostile.database() as cursor:

        def found() -> bool:
            cursor.execute("SELECT FROM dead_letters WHERE queue = 'rpc-users' AND body = %s", [body])
            return cursor.rowcount == 1

        until(found, "the message is set aside")
    TALLY.count("users.list")
