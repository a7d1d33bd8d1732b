"""Tenants are made those that the authentication daemon lists, where its list is to be believed."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from confd_worker.client import Client
from confd_worker.config import Settings
from confd_worker.conformance.system import MASTER_TENANT, System
from confd_worker.core import errors
from confd_worker.core.context import Context, Facts
from confd_worker.core.database.engine import Database
from confd_worker.core.work import Work
from confd_worker.services.system.tenants import Tenants

from .faults.fakes import Fake


class Lister(Fake):
    """An authentication server that knows all tenants of a database but some, and lists them but others.

    Attributes:
        gone: it knows nothing of these.
        unlisted: it knows these, but does not list them.
        asked: those it was asked for by themselves.
        refusal: status of its answer to who asks for one.
        meanwhile: called while it is asked for the list.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        self.gone: set[str] = set()
        self.unlisted: set[str] = set()
        self.asked: list[str] = []
        self.refusal: int | None = None
        self.meanwhile: Callable[[], Any] = lambda: None
        super().__init__()

    def answer(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        """As a wazo-auth server does."""
        if path == "/0.1/token":
            return 200, {"data": {"token": "token", "metadata": {"tenant_uuid": MASTER_TENANT}}}
        known = {*_tenants(self.system), MASTER_TENANT} - self.gone
        if path == "/0.1/tenants":
            listed = [{"uuid": each, "slug": None, "name": each} for each in sorted(known - self.unlisted)]
            self.meanwhile()
            return 200, {"items": listed, "total": len(listed), "filtered": len(listed)}
        wanted = path.rpartition("/")[2]
        self.asked.append(wanted)
        if self.refusal:
            return self.refusal, {"reason": "no"}
        return (200, {"uuid": wanted}) if wanted in known else (404, {"reason": "there is none"})


def _tenants(system: System) -> set[str]:
    with system.database() as cursor:
        cursor.execute("SELECT uuid::text FROM tenants")
        return {row[0] for row in cursor.fetchall()}


@pytest.fixture
def lister(system: System) -> Iterator[Lister]:
    lister = Lister(system)
    yield lister
    lister.close()


@pytest.fixture
def synchronizing(lister: Lister, system: System, database: Database) -> Callable[..., Tenants]:
    """Makes the service in this process, with an authentication server; the settings may differ."""

    def make(visible: tuple[str, ...] | None = None, **more: Any) -> Tenants:
        settings = Settings(
            db_uri=system.db_uri, amqp_uri=system.amqp_uri, auth_mode="wazo", auth_url=lister.url,
            auth_username="confd", auth_password="secret", moh_directory=system.environment()["CONFD_MOH_DIRECTORY"],
            **more,
        )  # fmt: skip
        tenants = Tenants()
        facts = Facts(settings, "", lambda: None, MASTER_TENANT)
        tenants.work = Work(database, Context(visible=visible, key=str(uuid.uuid4())), facts)
        return tenants

    return make


def _made(system: System, number: int = 1) -> list[str]:
    """So many new tenants."""
    tenants = [str(uuid.uuid4()) for _ in range(number)]
    with system.database() as cursor:
        for tenant in tenants:
            cursor.execute(
                "INSERT INTO tenants (uuid, slug, sip_templates_generated) VALUES (%s, 'x', true)", (tenant,)
            )
    return tenants


def _result(reply: Any) -> dict[str, list[str]]:
    return dict(orjson.loads(orjson.dumps(reply)))


def test_a_tenant_that_the_server_no_longer_has_is_removed_with_its_music(
    synchronizing: Callable[..., Tenants], lister: Lister, client: Client, tenant: str, system: System
) -> None:
    music = Path(system.environment()["CONFD_MOH_DIRECTORY"])
    folder = music / client.call("moh.create", body={"label": "music", "mode": "files"})["name"]
    assert folder.is_dir()
    lister.gone = {tenant}
    assert _result(synchronizing(sync_remove_share=0.000001).synchronize())["removed"] == [tenant]
    assert tenant not in _tenants(system)
    assert not folder.exists()


def test_a_tenant_that_is_made_while_the_server_is_asked_stays(
    synchronizing: Callable[..., Tenants], lister: Lister, system: System
) -> None:
    made: list[str] = []
    lister.meanwhile = lambda: made.extend(_made(system))
    assert _result(synchronizing().synchronize(force=True))["removed"] == []
    assert set(made) <= _tenants(system)


def test_a_tenant_that_is_removed_while_the_server_is_asked_is_not_made_again(
    synchronizing: Callable[..., Tenants], lister: Lister, system: System
) -> None:
    (tenant,) = _made(system)

    def remove() -> None:
        with system.database() as cursor:
            cursor.execute("DELETE FROM tenants WHERE uuid = %s", (tenant,))

    lister.meanwhile = remove
    assert tenant not in _result(synchronizing().synchronize())["added"]
    assert tenant not in _tenants(system)


@pytest.mark.parametrize("lost", ["everything", "the master tenant"])
def test_a_list_without_the_master_tenant_is_refused(
    lost: str, synchronizing: Callable[..., Tenants], lister: Lister, system: System
) -> None:
    (tenant,) = _made(system)
    with system.client() as master:
        master.call("contexts.create", body={"label": "inside"})
    before = _tenants(system)
    lister.unlisted = before if lost == "everything" else {MASTER_TENANT, tenant}
    with pytest.raises(errors.ServiceError, match=rf"does not list the master tenant {MASTER_TENANT}.*--force"):
        synchronizing(sync_remove_share=1).synchronize()
    assert lister.asked == []
    # Even then nothing goes that the server has when it is asked for it.
    assert _result(synchronizing().synchronize(force=True))["removed"] == []
    assert _tenants(system) == before


def test_the_master_tenant_is_never_removed(
    synchronizing: Callable[..., Tenants], lister: Lister, system: System
) -> None:
    with system.client() as master:
        master.call("contexts.create", body={"label": "inside"})
    lister.gone = {MASTER_TENANT}
    assert _result(synchronizing().synchronize(force=True))["removed"] == []
    assert MASTER_TENANT in _tenants(system)


@pytest.mark.parametrize(("share", "beyond"), [(0, 1), (0.000001, 2), (0.5, None)])
def test_more_than_the_share_that_may_go_at_once_is_refused_unless_forced(
    share: float, beyond: int | None, synchronizing: Callable[..., Tenants], lister: Lister, system: System
) -> None:
    number = beyond or len(_tenants(system)) + 1
    lister.gone = set(_made(system, number))
    before = _tenants(system)
    with pytest.raises(errors.ServiceError) as refusal:
        synchronizing(sync_remove_share=share).synchronize()
    told = refusal.value.message
    assert f"{number} of {len(before)} tenants would be removed" in told
    assert "--force" in told
    assert set(refusal.value.details["tenants"]) <= lister.gone
    assert _tenants(system) == before
    done = _result(synchronizing(sync_remove_share=share).synchronize(force=True))
    assert set(done["removed"]) == lister.gone
    assert _tenants(system) == before - lister.gone


def test_a_tenant_that_the_list_has_not_and_the_server_has_stays(
    synchronizing: Callable[..., Tenants], lister: Lister, system: System
) -> None:
    forgotten, gone = _made(system, 2)
    lister.unlisted, lister.gone = {forgotten}, {gone}
    assert _result(synchronizing().synchronize(force=True))["removed"] == [gone]
    assert sorted(lister.asked) == sorted([forgotten, gone])
    assert forgotten in _tenants(system)


@pytest.mark.parametrize("status", [401, 403, 400, 500, 503])
def test_nothing_is_removed_while_the_server_does_not_tell_of_each(
    status: int, synchronizing: Callable[..., Tenants], lister: Lister, system: System
) -> None:
    (tenant,) = _made(system)
    lister.gone, lister.refusal = {tenant}, status
    with pytest.raises(errors.Unavailable):
        synchronizing().synchronize()
    assert tenant in _tenants(system)


@pytest.mark.parametrize("answer", [{}, [], {"items": None}, {"items": [{"name": "x"}]}, {"items": [{"uuid": "x"}]}])
def test_a_list_that_makes_no_sense_is_refused(
    answer: Any, synchronizing: Callable[..., Tenants], lister: Lister, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _tenants(system)
    granted = lister.answer("POST", "/0.1/token", b"", {})
    monkeypatch.setattr(lister, "answer", lambda method, path, *_: granted if "token" in path else (200, answer))
    with pytest.raises(errors.Unavailable):
        synchronizing().synchronize(force=True)
    assert _tenants(system) == before


def test_no_transaction_waits_for_the_server(
    synchronizing: Callable[..., Tenants], lister: Lister, system: System
) -> None:
    tenants = synchronizing()
    running: list[bool] = []
    lister.meanwhile = lambda: running.append(tenants.work.running)
    (tenant,) = _made(system)
    lister.gone = {tenant}
    tenants.synchronize()
    assert running == [False]


def test_who_sees_only_another_tenant_is_refused(synchronizing: Callable[..., Tenants], tenant: str) -> None:
    with pytest.raises(errors.NotPermitted):
        synchronizing(visible=(tenant,)).synchronize()
    assert synchronizing(visible=(tenant, MASTER_TENANT)).synchronize()


@pytest.mark.parametrize("force", [None, 1, "yes"])
def test_to_force_is_a_yes_or_a_no(force: Any, synchronizing: Callable[..., Tenants]) -> None:
    with pytest.raises(errors.WrongType):
        synchronizing().synchronize(force=force)
