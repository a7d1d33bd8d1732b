"""Fixtures of the contract's tests."""

from collections.abc import Callable, Iterator

import pytest

from confd_worker.conformance.system import System

from .world import Call, Heard, World, listening


@pytest.fixture
def world(call: Call) -> World:
    """Makes things in the test's tenant."""
    return World(call)


@pytest.fixture
def told(system: System, tenant: str, call: Call) -> Iterator[Callable[..., list[Heard]]]:
    """Call a method and get the events that the call sends: `told("users.delete", id=1)`."""
    with system.events(tenant=tenant) as events:
        yield listening(events, call)
