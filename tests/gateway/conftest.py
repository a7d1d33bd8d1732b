"""A broker, a worker that answers what the test tells it to, and a gateway on a real port."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from confd_gateway import GatewaySettings, create_app
from gateway_fakes import RESOURCES, TOKENS, FakeWorker, serving

from confd_worker.embedded import Broker


@pytest.fixture(scope="session")
def amqp_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker: the one that CONFD_TEST_AMQP_URI names, else a private one."""
    given = os.environ.get("CONFD_TEST_AMQP_URI")
    if given:
        yield given
        return
    broker = Broker(tmp_path_factory.mktemp("broker"))
    broker.start()
    try:
        yield broker.uri
    finally:
        broker.stop()


@pytest.fixture
def worker(amqp_uri: str) -> Iterator[FakeWorker]:
    fake = FakeWorker(amqp_uri)
    yield fake
    fake.stop()


@pytest.fixture
def tokens_file(tmp_path: Any) -> str:
    path = tmp_path / "tokens.yml"
    path.write_text(TOKENS)
    return str(path)


@pytest.fixture
def start_gateway(amqp_uri: str, tokens_file: str) -> Iterator[Callable[..., httpx.Client]]:
    """Starts a gateway with static tokens, or other settings; a client that has the token `all`."""
    with ExitStack() as started:

        def start(**changed: Any) -> httpx.Client:
            usual: dict[str, Any] = {
                "amqp_uri": amqp_uri,
                "auth_mode": "static",
                "auth_tokens": tokens_file,
                "timeout": 5,
                "drain": 5,
            }
            settings = GatewaySettings(**(usual | changed))
            app = create_app(settings, RESOURCES)
            url = started.enter_context(serving(app, settings))
            client = httpx.Client(base_url=f"{url}/1.1", headers={"X-Auth-Token": "all"}, timeout=20)
            client.app = app  # type: ignore[attr-defined]
            return started.enter_context(client)

        yield start


@pytest.fixture
def client(start_gateway: Callable[..., httpx.Client], worker: FakeWorker) -> httpx.Client:
    """A client of a gateway behind which the fake worker runs."""
    return start_gateway()
