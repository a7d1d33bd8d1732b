"""What becomes of an event whose handler works, fails or refuses it."""

from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from nameko.exceptions import ContainerBeingKilled

from confd_worker.bus_names import BusNames
from confd_worker.core import errors
from confd_worker.core.entrypoints import events
from confd_worker.core.entrypoints.events import EventHandler
from confd_worker.core.runtime import RUNTIME


class Message:
    """A message that tells what was answered to the broker."""

    delivery_tag = 1
    delivery_info: dict[str, Any] = {}

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.answers: list[str] = []
        self.channel = SimpleNamespace(
            basic_ack=lambda tag: self.answers.append("done"),
        )


class Container:
    """Runs the method at once; each run has the next of the outcomes, the last one for ever."""

    service_name = "tenants"

    def __init__(self, *outcomes: Exception | None) -> None:
        self.outcomes = list(outcomes)
        self.given: list[Any] = []
        self.reasons: list[str] = []
        dead_letters = SimpleNamespace(set_aside=self._set_aside)
        self.config = {RUNTIME: SimpleNamespace(dead_letters=dead_letters, bus=SimpleNamespace(names=BusNames()))}
        self._worker_pool = SimpleNamespace(free=lambda: 1)

    def _set_aside(self, message: Any, queue: str, reason: str) -> None:
        assert queue == "confd.tenants.auth_tenant_added"
        message.answers.append("set aside")
        self.reasons.append(reason)

    def spawn_worker(self, entrypoint: Any, args: Any, kwargs: Any, context_data: Any, handle_result: Any) -> None:
        if isinstance(self.outcomes[0], ContainerBeingKilled):
            raise self.outcomes[0]
        self.given.append(args)
        error = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        handle_result(None, None, (type(error), error, None) if error else None)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited between the tries; nothing waits."""
    pauses: list[float] = []

    def spawn_after(seconds: float, run: Any, *args: Any) -> None:
        pauses.append(seconds)
        run(*args)

    monkeypatch.setattr(events, "spawn_after", spawn_after)
    return pauses


def _handled(container: Container, body: bytes = b'{"name": "x", "data": {"uuid": "1"}}') -> Message:
    handler = EventHandler("auth_tenant_added")
    handler.container = container
    message = Message(body)
    handler.handle_message(message)
    return message


def test_an_event_that_was_handled_is_done(pauses: list[float]) -> None:
    container = Container(None)
    assert _handled(container).answers == ["done"]
    assert container.given == [({"uuid": "1"},)]


def test_a_handler_that_fails_is_tried_again_later_and_later(pauses: list[float]) -> None:
    container = Container(RuntimeError("no database"), errors.Conflict("try again"), None)
    assert _handled(container).answers == ["done"]
    assert len(container.given) == 3
    assert pauses == sorted(pauses)


def test_an_event_whose_handler_never_works_is_set_aside_after_some_tries(pauses: list[float]) -> None:
    container = Container(errors.Unavailable("the database"))
    assert _handled(container).answers == ["set aside"]
    assert 3 < len(container.given) == len(pauses) + 1 < 20
    assert container.reasons == ["the handler of auth_tenant_added failed 7 times: Not available: the database"]


def test_what_nobody_foresaw_is_set_aside_without_its_text(pauses: list[float]) -> None:
    container = Container(RuntimeError("password=sesame"))
    assert _handled(container).answers == ["set aside"]
    assert container.reasons == ["the handler of auth_tenant_added failed 7 times: RuntimeError"]


def test_an_event_that_is_refused_is_set_aside_at_once(pauses: list[float]) -> None:
    container = Container(errors.BadFields({"uuid": ["Not a valid UUID."]}))
    assert _handled(container).answers == ["set aside"]
    assert (len(container.given), pauses) == (1, [])


@pytest.mark.parametrize("body", [b"", b"{", b"5", b"[]", b"{}", b"[" * 100_000, orjson.dumps({"name": "x"})])
def test_what_is_no_event_is_set_aside_unseen(body: bytes, pauses: list[float]) -> None:
    container = Container(None)
    assert _handled(container, body).answers == ["set aside"]
    assert container.given == []


def test_a_worker_that_is_killed_leaves_the_event_to_another(pauses: list[float]) -> None:
    assert _handled(Container(ContainerBeingKilled())).answers == []
