"""Calls and replies as bytes on the wire, without a broker."""

import asyncio
import itertools
from types import SimpleNamespace

import pamqp.frame
import pytest
from confd_gateway.frames import CALLS, Wire, call_frames, call_properties
from pamqp import commands
from pamqp.body import ContentBody
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat


class Seen:
    """Keeps what a connection tells of calls."""

    def __init__(self):
        self.told = []

    def replied(self, key, body):
        self.told.append((key, body))

    def returned(self, key, method):
        self.told.append((key, method))

    def confirmed(self, number, *, multiple, taken):
        self.told.append((number, multiple, taken))


def message(start, key, *pieces, channel=CALLS):
    properties = commands.Basic.Properties(content_type="application/json", headers={"a": "b"}, correlation_id=key)
    header = ContentHeader(body_size=sum(map(len, pieces)), properties=properties)
    return b"".join(pamqp.frame.marshal(one, channel) for one in (start, header, *map(ContentBody, pieces)))


DELIVER = commands.Basic.Deliver("tag", 1, False, "nameko-rpc", "reply-to")
OTHER = pamqp.frame.marshal(commands.Queue.DeclareOk("q", 0, 0), CALLS)
BLOCKED = pamqp.frame.marshal(commands.Connection.Blocked("full"), 0)
EVENT = message(DELIVER, "e", b"{}", channel=2)
HEARTBEAT = Heartbeat().marshal()


async def received(data, size, seconds=0.0):
    """What calls, and what others, see of data that comes in pieces of `size` while the clock goes on."""
    times = itertools.chain([100.0], itertools.repeat(100.0 + seconds))
    loop = SimpleNamespace(time=times.__next__, create_future=asyncio.get_running_loop().create_future)
    reader = asyncio.StreamReader()
    wire = Wire(reader, loop)
    wire.calls = seen = Seen()
    for start in range(0, len(data), size):
        wire.data_received(data[start : start + size])
    reader.feed_eof()
    return seen.told, await reader.read()


@pytest.mark.parametrize("size", [1, 7, 100, 100_000])
@pytest.mark.parametrize(
    ("data", "told", "others"),
    [
        (message(DELIVER, "k", b"[1,", b"2]"), [("k", b"[1,2]")], b""),
        (message(DELIVER, "k") + message(DELIVER, "l", b"1"), [("k", b""), ("l", b"1")], b""),
        (message(commands.Basic.Return(312, "NO_ROUTE", "", "users.get"), "k", b"{}"), [("k", "users.get")], b""),
        (pamqp.frame.marshal(commands.Basic.Ack(3, True), CALLS), [(3, True, True)], b""),
        (pamqp.frame.marshal(commands.Basic.Nack(4, False), CALLS), [(4, False, False)], b""),
        (OTHER + message(DELIVER, "k", b"1") + BLOCKED + EVENT + HEARTBEAT, [("k", b"1")],
         OTHER + BLOCKED + EVENT + HEARTBEAT),
    ],
    ids=["in pieces", "two", "returned", "taken", "not taken", "among others"],
)  # fmt: skip
def test_replies_are_taken_and_other_frames_passed_on(data, told, others, size):
    assert asyncio.run(received(data, size)) == (told, others)


@pytest.mark.parametrize(
    "data",
    [b"HTTP/1.1 400 Bad Request\r\n", b"AMQP\x00\x00\x09\x01", OTHER[:-1] + b"\x00"],
    ids=["HTTP", "version", "end"],
)
def test_what_is_no_frame_is_passed_on(data):
    assert asyncio.run(received(data, 100)) == ([], data)


def test_a_connection_that_only_carries_replies_is_seen_to_be_alive():
    assert asyncio.run(received(message(DELIVER, "k", b"1"), 100_000, seconds=2)) == ([("k", b"1")], HEARTBEAT)


@pytest.mark.parametrize("body", [b"{}", b"x" * 25])
def test_a_call_is_written_as_any_amqp_library_writes_it(body):
    headers = {"nameko.visible_tenants": ["a", "b"], "nameko.request_id": "é"}
    told = call_properties("key", len(body), "reply", "5000", headers)
    frames = call_frames("users.get", told, body, 10)
    properties = commands.Basic.Properties(
        content_type="application/json", content_encoding="utf-8", headers=headers, delivery_mode=1,
        correlation_id="key", reply_to="reply", expiration="5000",
    )  # fmt: skip
    expected = [
        commands.Basic.Publish(exchange="nameko-rpc", routing_key="users.get", mandatory=True),
        ContentHeader(body_size=len(body), properties=properties),
        *(ContentBody(body[start : start + 10]) for start in range(0, len(body), 10)),
    ]
    assert frames == b"".join(pamqp.frame.marshal(frame, CALLS) for frame in expected)
