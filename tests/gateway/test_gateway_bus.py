"""What happens when the broker, the worker or the client goes away."""

import asyncio
import socket
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial

import httpx
import pytest
import uvloop
from confd_gateway.bus import Bus
from confd_gateway.errors import BusUnavailable, MessageTooLarge, NoAnswer, Overloaded
from gateway_fakes import wait_until

from confd_worker.connection import connect

uvloop_runner = partial(asyncio.Runner, loop_factory=uvloop.new_event_loop)


class Wire:
    """Stands between the gateway and the broker, and can be cut."""

    def __init__(self, uri: str) -> None:
        self._broker = httpx.URL(uri)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends: list[socket.socket] = []
        self.whole = True
        self.uri = str(self._broker.copy_with(host="127.0.0.1", port=self._listener.getsockname()[1]))
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self.whole = False
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._ends.clear()

    def mend(self) -> None:
        self.whole = True

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self.whole:
                near.close()
                continue
            far = socket.create_connection((self._broker.host, self._broker.port))
            self._ends += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


@contextmanager
def wire_to(uri):
    wire = Wire(uri)
    try:
        yield wire
    finally:
        wire.close()


@pytest.fixture
def wire(amqp_uri):
    with wire_to(amqp_uri) as wire:
        yield wire


def test_calls_fail_at_once_while_the_broker_is_away_and_work_when_it_is_back(start_gateway, worker, wire):
    client = start_gateway(amqp_uri=wire.uri)
    assert client.get("/things").status_code == 200
    wire.cut()
    wait_until(lambda: not client.app.bus.connected)
    begun = time.monotonic()
    answer = client.get("/things")
    assert (answer.status_code, answer.json()[0][:32]) == (503, "The message bus is not available")
    assert time.monotonic() - begun < 1
    status = client.get("/status").json()
    assert (status["bus_consumer"], status["ready"]) == ({"status": "fail"}, {"status": "fail"})
    assert client.get("/nothing").status_code == 404
    wire.mend()
    wait_until(lambda: client.get("/things").status_code == 200)


def test_a_gateway_starts_without_a_broker(start_gateway, worker, wire):
    wire.cut()
    client = start_gateway(amqp_uri=wire.uri)
    assert client.get("/things").status_code == 503
    wire.mend()
    wait_until(lambda: client.get("/things").status_code == 200)


def test_a_call_that_loses_its_connection_has_an_unknown_outcome(start_gateway, worker, wire):
    client = start_gateway(amqp_uri=wire.uri)
    worker.answers["things.get"] = None
    answers = []
    asking = threading.Thread(target=lambda: answers.append(client.get("/things/1")))
    asking.start()
    wait_until(lambda: worker.calls)
    wire.cut()
    asking.join(5)
    (answer,) = answers
    assert answer.status_code == 503
    assert answer.json() == ["things.get: the connection to the message bus was lost; the outcome is unknown"]


def test_a_client_that_leaves_is_forgotten(start_gateway, worker):
    client = start_gateway(timeout=60)
    worker.answers["things.get"] = None
    with pytest.raises(httpx.ReadTimeout):
        client.get("/things/1", timeout=0.2)
    assert client.app.bus.in_flight == 1
    wait_until(lambda: client.app.bus.in_flight == 0)


def test_many_calls_at_once_each_get_their_own_reply(amqp_uri, worker):
    worker.answers["things.get"] = b'{"id":1}'
    worker.answers["things.list"] = b"[]"

    async def run():
        bus = Bus(amqp_uri)
        await bus.start()
        try:
            methods = ["things.get", "things.list", "things.none"] * 200
            return await asyncio.gather(*(bus.send(method, {}, {}, 10) for method in methods)), bus.in_flight
        finally:
            await bus.stop()

    replies, in_flight = asyncio.run(run())
    expected = [b'{"result":%b,"error":null}' % result for result in (b'{"id":1}', b"[]", b"null")]
    assert (replies, in_flight) == (expected * 200, 0)


def test_calls_beyond_the_length_of_their_queue_are_refused_and_the_others_answered(amqp_uri, worker):
    with connect(amqp_uri, 5) as connection:
        channel = connection.channel()
        limits = {"x-max-length": 50, "x-overflow": "reject-publish"}
        queue = channel.queue_declare(exclusive=True, arguments=limits).queue
        channel.queue_bind(queue, "nameko-rpc", "full.*")

        async def run():
            bus = Bus(amqp_uri)
            await bus.start()
            try:
                calls = [bus.send("full.get" if number % 2 else "things.get", {}, {}, 2) for number in range(200)]
                return await asyncio.gather(*calls, return_exceptions=True), bus.in_flight
            finally:
                await bus.stop()

        replies, in_flight = asyncio.run(run())
    kinds = Counter(type(reply).__name__ for reply in replies)
    assert kinds == {"bytes": 100, "Overloaded": 50, "NoAnswer": 50}
    assert in_flight == 0


def test_a_broker_that_takes_nothing_does_not_fill_the_memory(amqp_uri, worker, monkeypatch):
    monkeypatch.setattr("confd_gateway.bus.MAX_IN_FLIGHT", 100)
    worker.answers["things.get"] = None

    async def run():
        bus = Bus(amqp_uri)
        await bus.start()
        try:
            waiting = [bus.send("things.get", {}, {}, 0.2) for _ in range(100)]
            with pytest.raises(Overloaded):
                bus.send("things.get", {}, {}, 1)
            await asyncio.gather(*waiting, return_exceptions=True)
            return await bus.send("things.list", {}, {}, 5)
        finally:
            await bus.stop()

    assert asyncio.run(run())


def test_a_large_reply_arrives_whole(amqp_uri, worker):
    worker.answers["things.get"] = b'"' + b"x" * 3_000_000 + b'"'

    async def run():
        bus = Bus(amqp_uri)
        await bus.start()
        try:
            return await bus.send("things.get", {}, {}, 10)
        finally:
            await bus.stop()

    assert len(asyncio.run(run())) > 3_000_000


def test_a_stopped_bus_ends_its_calls_and_takes_none(amqp_uri, worker):
    worker.answers["things.get"] = None

    async def run():
        bus = Bus(amqp_uri)
        await bus.start()
        reply = bus.send("things.get", {}, {}, 60)
        late = bus.send("things.get", {}, {}, 0.05)
        with pytest.raises(NoAnswer):
            await late
        await bus.stop()
        with pytest.raises(Exception, match="outcome is unknown"):
            await reply
        with pytest.raises(BusUnavailable):
            bus.send("things.get", {}, {}, 1)

    asyncio.run(run())


def test_a_wrong_password_is_told_without_showing_it(amqp_uri):
    uri = str(httpx.URL(amqp_uri).copy_with(username="guest", password="s3cret"))

    async def run():
        bus = Bus(uri)
        await bus.start()
        try:
            bus.send("things.get", {}, {}, 1)
        finally:
            await bus.stop()

    with pytest.raises(BusUnavailable) as refused:
        asyncio.run(run())
    assert "s3cret" not in refused.value.content[0]


def test_an_events_exchange_of_another_type_does_not_end_the_calls(amqp_uri, worker):
    async def run():
        bus = Bus(amqp_uri, events_exchange="nameko-rpc", events=["auth_session_deleted"])
        await bus.start()
        try:
            return await bus.send("things.get", {}, {}, 5)
        finally:
            await bus.stop()

    assert asyncio.run(run()) == b'{"result":null,"error":null}'


def lost(bus):
    """The end of the connection that calls are written to."""
    return bus._link.calls._transport


@pytest.mark.parametrize("runner", [asyncio.Runner, uvloop_runner], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("end", ["close", "abort"])
def test_a_call_that_meets_a_connection_whose_end_was_not_noticed_yet_was_not_sent(amqp_uri, worker, runner, end):
    async def run():
        bus = Bus(amqp_uri)
        await bus.start()
        try:
            getattr(lost(bus), end)()
            outcomes = []
            while bus.connected:
                try:
                    outcomes.append(await asyncio.wait_for(bus.send("things.get", {}, {}, 5), 1))
                except Exception as error:
                    outcomes.append(error)
                await asyncio.sleep(0)
            return outcomes
        finally:
            await bus.stop()

    with runner() as runs:
        outcomes = runs.run(run())
    assert {type(each) for each in outcomes} == {BusUnavailable}
    assert worker.calls == []


def test_nothing_is_written_to_a_connection_that_ends(amqp_uri):
    class Ending:
        def is_closing(self):
            return True

        def get_write_buffer_size(self):
            return 1

        def write(self, frames):
            written.append(frames)

    async def run():
        bus = Bus(amqp_uri)
        await bus.start()
        try:
            bus._link.calls._transport = Ending()
            with pytest.raises(BusUnavailable, match="the connection was lost"):
                bus.send("things.get", {}, {}, 5)
        finally:
            await bus.stop()

    written = []
    asyncio.run(run())
    assert written == []


@pytest.mark.parametrize(
    "error", [RuntimeError("the handler is closed"), OSError(9, "EBADF"), AttributeError("fileno")]
)
@pytest.mark.parametrize("method", ["is_closing", "get_write_buffer_size", "write"])
def test_whatever_a_transport_raises_is_a_lost_bus(amqp_uri, worker, method, error):
    class Raising:
        def __getattr__(self, name):
            if name == method:
                raise error
            return getattr(real, name)

    async def run():
        nonlocal real
        bus = Bus(amqp_uri)
        await bus.start()
        try:
            real, bus._link.calls._transport = lost(bus), Raising()
            with pytest.raises(BusUnavailable) as refused:
                bus.send("things.get", {}, {}, 5)
            first = bus.in_flight
            while bus.connected:
                await asyncio.sleep(0)
            while not bus.connected:
                await asyncio.sleep(0.01)
            return refused.value, first, await bus.send("things.get", {}, {}, 5)
        finally:
            await bus.stop()

    real = None
    refused, in_flight, reply = asyncio.run(run())
    assert (refused.status, refused.content) == (503, [f"The message bus is not available: {error}"])
    assert (in_flight, reply) == (0, b'{"result":null,"error":null}')
    assert len(worker.calls) == 1


def test_a_call_larger_than_the_broker_takes_is_not_sent_and_does_no_harm(start_gateway, worker):
    client = start_gateway(message_limit=100_000)
    worker.answers["things.get"] = None
    with ThreadPoolExecutor() as pool:
        asking = pool.submit(client.get, "/things/1")
        wait_until(lambda: worker.calls)
        answer = client.post("/rows", content=b"x" * 100_000)
        assert answer.status_code == 413
        told = "rows.load: a call of 100032 bytes is larger than the 100000 that the message bus takes"
        assert answer.json() == [told]
        assert client.post("/rows", content=b"x" * 99_968).status_code == 201
        worker.reply_late(b'{"id":1}')
        assert asking.result().json() == {"id": 1}


def test_the_limit_of_a_message_is_what_rabbitmq_takes_by_default(start_gateway, worker):
    client = start_gateway()
    assert client.post("/rows", content=b"x" * (16 * 1024 * 1024)).status_code == 413
    assert client.post("/rows", content=b"x" * (16 * 1024 * 1024 - 100)).status_code == 201


def test_a_call_for_more_tenants_than_fit_a_frame_is_not_sent_and_does_no_harm(amqp_uri, worker):
    worker.answers["things.get"] = None
    tenants = [str(uuid.uuid4()) for _ in range(4000)]

    async def run():
        bus = Bus(amqp_uri)
        await bus.start()
        try:
            waits = bus.send("things.get", {}, {}, 10)
            with pytest.raises(
                MessageTooLarge, match=r"things.list: a list of tenants of 16\d{4} bytes is larger than"
            ):
                bus.send("things.list", {}, {"nameko.visible_tenants": tenants}, 10)
            assert await bus.send("things.list", {}, {"nameko.visible_tenants": tenants[:3000]}, 10)
            worker.reply_late(b"1")
            return await waits
        finally:
            await bus.stop()

    assert asyncio.run(run()) == b'{"result":1,"error":null}'
