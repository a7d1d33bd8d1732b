"""The way of an event: from the commit to a subscriber, and how many a second the relay sends."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from confd_worker.client import Events, Timeout

from .calls import Call, create
from .figures import percentile
from .run import Run

__all__ = ["events"]

_IDLE_CALLS, _PAUSE = 100, 0.03
_LOAD_SECONDS = 6
_STORED = 20_000
_PATIENCE = 120

_STORE = """
INSERT INTO outbox (event_id, name, routing_key, headers, payload)
SELECT gen_random_uuid(), 'user_created', 'config.user.created',
       jsonb_build_object('name', 'user_created', 'event_id', number, 'origin_uuid', %(tenant)s, 'timestamp', %(now)s,
                          'required_access', 'event.user_created', 'required_acl', 'events.config.user.created',
                          'tenant_uuid', %(tenant)s, 'user_uuid:*', true),
       '{"id": 1, "uuid": "' || gen_random_uuid() || '", "subscription_type": 0, "created_at": "' || now() || '"}'
FROM generate_series(1, %(number)s) AS number;
NOTIFY confd_outbox
"""


def events(run: Run) -> None:
    """Lag while idle, lag under load, and the rate of the relay."""
    call = create(run.written)
    run.say("events: idle")
    with _lags(run) as lags:
        for _ in range(_IDLE_CALLS):
            run.system.rpc_load(call, 1, 60, calls=1).result()
            time.sleep(_PAUSE)
    _keep(run, "idle", lags)
    run.say("events: under load")
    with _lags(run) as lags:
        load = run.system.measured(lambda: run.system.rpc_load(call, 32, _LOAD_SECONDS).result())
    _keep(run, "under load", lags)
    run.figures.single["creates a second while events are followed"] = load.rate
    _relay(run, call)


def _keep(run: Run, when: str, lags: list[float]) -> None:
    run.figures.single[f"event lag p50, {when}, ms"] = percentile(lags, 50) * 1000
    run.figures.single[f"event lag p99, {when}, ms"] = percentile(lags, 99) * 1000


@contextmanager
def _lags(run: Run) -> Iterator[list[float]]:
    """Seconds from just before the commit to a subscriber, of each event meanwhile.

    The time in an event is taken right before the statement that writes it, so that this includes the commit.
    """
    lags: list[float] = []
    _settle(run)
    with Events(run.system.broker.uri, names=["user_created"]) as subscriber:
        stopped = threading.Event()
        reader = threading.Thread(target=_follow, args=(subscriber, stopped, lags))
        reader.start()
        try:
            yield lags
        finally:
            stopped.set()
            reader.join()


def _follow(subscriber: Events, stopped: threading.Event, lags: list[float]) -> None:
    while True:
        try:
            headers, _ = subscriber.get(timeout=0.5)
        except Timeout:
            if stopped.is_set():
                return
            continue
        lags.append((datetime.now() - datetime.fromisoformat(headers["timestamp"])).total_seconds())


def _relay(run: Run, call: Call) -> None:
    """How many events that wait in the outbox the relay sends, beside how many users are created, each a second."""
    run.say("events: the relay")
    given: dict[str, Any] = {"tenant": run.written.uuid, "number": _STORED, "now": datetime.now().isoformat()}
    creates = [run.system.rpc(call, 32, 2).rate]
    with Events(run.system.broker.uri, names=["user_created"]) as subscriber:
        _settle(run)
        run.system.cursor.execute(_STORE, given)
        subscriber.get(timeout=60)
        begun = time.perf_counter()
        _settle(run)
        took = time.perf_counter() - begun
    creates.append(run.system.rpc(call, 32, 2).rate)
    run.figures.single["relay, events a second"] = _STORED / took
    run.figures.single["creates a second around the relay"] = sum(creates) / len(creates)


def _settle(run: Run) -> None:
    """Wait until all events are sent."""
    until = time.monotonic() + _PATIENCE
    while True:
        run.system.cursor.execute("SELECT EXISTS (SELECT FROM outbox)")
        if not run.system.cursor.fetchone()[0]:
            return
        if time.monotonic() > until:
            raise TimeoutError("the events of the outbox are not sent")
        time.sleep(0.02)
