"""Messages that no client of ours would send: none of them stops a worker, and none is lost without a trace."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from confd_worker.client import Client

from .system import System
from .wire import DEAD_LETTERS, Wire

GOOD: dict[str, Any] = {"args": [], "kwargs": {}}


@pytest.fixture
def wire(system: System) -> Iterator[Wire]:
    with Wire(system.amqp_uri) as wire:
        wire.channel.queue_purge(DEAD_LETTERS)
        yield wire


@pytest.fixture(autouse=True)
def the_worker_lives(system: System) -> Iterator[None]:
    """Whatever a test sent, the same process answers the next call."""
    process = system.processes["worker"]
    yield
    with system.client() as client:
        assert client.call("status.get")["database"] == {"status": "ok"}
    assert process.poll() is None


SET_ASIDE: dict[str, dict[str, Any]] = {
    "no reply_to": {"reply_to": None},
    "no content type": {"content_type": None},
    "another content type": {"content_type": "application/x-python-serialize"},
    "a call stack that is no list": {"headers": {"nameko.call_id_stack": "a.b.c"}},
    "no JSON": {"body": b"{"},
    "nothing": {"body": b""},
    "no object": {"body": [1, 2]},
    "no list of arguments": {"body": {"args": 5, "kwargs": {}}},
    "no arguments by name": {"body": {"args": [], "kwargs": [1]}},
    "bytes that are no text": {"body": b'{"args": [], "kwargs": {"a": "\xff\xfe"}}'},
    "a lone surrogate": {"body": b'{"args": [], "kwargs": {"a": "\\ud800"}}'},
    "deep nesting": {"body": b"[" * 100_000},
    "NaN": {"body": b'{"args": [], "kwargs": {"a": NaN}}'},
}


@pytest.mark.parametrize("case", SET_ASIDE)
def test_a_message_that_is_no_call_is_set_aside(case: str, wire: Wire) -> None:
    given = dict(SET_ASIDE[case])
    key = wire.send("users.list", given.pop("body", GOOD), given.pop("headers", None), **given)
    assert wire.get(DEAD_LETTERS).properties["correlation_id"] == key
    if "reply_to" not in given:
        assert wire.reply(key)["error"]["type"] == "bad-request"


ANSWERED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "a tenant that is no uuid": (GOOD, {"nameko.tenant_uuid": "x"}, "wrong-type"),
    "a tenant that is a number": (GOOD, {"nameko.tenant_uuid": 5}, "wrong-type"),
    "tenants that are no list": (GOOD, {"nameko.visible_tenants": "x"}, "wrong-type"),
    "an empty key": (GOOD, {"nameko.idempotency_key": ""}, "wrong-type"),
    "a long key": (GOOD, {"nameko.idempotency_key": "k" * 256}, "wrong-type"),
    "a key with NUL": (GOOD, {"nameko.idempotency_key": "a\0b"}, "wrong-type"),
    "a key that is a table": (GOOD, {"nameko.idempotency_key": {"a": 1}}, "wrong-type"),
    "a tenant that is a table": (GOOD, {"nameko.tenant_uuid": {"a": 1}}, "wrong-type"),
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
}


@pytest.mark.parametrize("case", ANSWERED)
def test_a_call_with_bad_context_or_arguments_is_answered(case: str, wire: Wire) -> None:
    body, headers, expected = ANSWERED[case]
    error = wire.reply(wire.send("users.list", body, headers))["error"]
    assert error["type"] == expected
    assert error["status"] == (503 if expected == "deadline-exceeded" else 400)


def test_a_method_that_does_not_exist_is_answered(wire: Wire) -> None:
    for method in ("users.nonsense", "users.__init__", "users.work", "users.add", "users._import"):
        assert wire.reply(wire.send(method, GOOD))["error"]["type"] == "unknown-method"


@pytest.mark.parametrize(
    "text", ["x" * 5_000_000, "'; DROP TABLE users; --", "%s%s%s", "\u2028\u0000", "${jndi:x}", "\\", "$1", "{0}"]
)
def test_any_text_is_data(text: str, client: Client, system: System) -> None:
    assert client.call("users.list", search=text, firstname=text)["total"] == 0
    if "\0" not in text and len(text) < 128:
        user = client.call("users.create", body={"firstname": text})
        assert client.call("users.get", id=user["id"])["firstname"] == text
        assert client.call("users.list", firstname=text)["total"] == 1


@pytest.mark.parametrize("key", [None, True, "x", "", "1; --", -1, 2**70, 1.5, [], {}, "\0", "é" * 300], ids=repr)
@pytest.mark.parametrize("method", ["users.get", "users.delete", "lines.get", "endpoints_sip.get"])
def test_any_id_is_not_found_or_refused(method: str, key: Any, wire: Wire) -> None:
    name = "uuid" if method.startswith("endpoints") else "id"
    body = json.dumps({"args": [], "kwargs": {name: key}}).encode()
    error = wire.reply(wire.send(method, body))["error"]
    assert error["status"] in (400, 404), error


NO_TENANTS = [
    b"", b"{", b"[]", b"5", b"[" * 100_000, b'{"data": 5}', b'{"data": [1]}', b'{"data": null}', b'{"data": {}}',
    b'{"uuid": "x"}', b'{"data": {"uuid": 5}}', b'{"data": {"uuid": "x"}}', b'{"data": {"uuid": null}}',
    b'{"data": {"uuid": "\xff"}}',
]  # fmt: skip
NO_SLUGS = [
    b'{"data": {"uuid": "00000000-0000-4000-8000-00000000000f", "slug": 5}}',
    b'{"data": {"uuid": "00000000-0000-4000-8000-00000000000f", "slug": "a\\u0000b"}}',
]


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        *(("auth_tenant_deleted", payload) for payload in NO_TENANTS),
        *(("auth_tenant_added", payload) for payload in NO_TENANTS + NO_SLUGS),
    ],
)
def test_an_event_of_another_daemon_that_makes_no_sense_is_set_aside(name: str, payload: bytes, wire: Wire) -> None:
    wire.publish_event(name, payload)
    assert (wire.get(DEAD_LETTERS).body or b"") == payload
