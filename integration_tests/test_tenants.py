"""Tenants come and go with the events of the authentication daemon, and as it lists them."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from confd_worker.client import Client, RemoteError
from confd_worker.config import Settings
from confd_worker.conformance.items import ASSOCIATIONS, OWNED, make, pair_of
from confd_worker.conformance.system import MASTER_TENANT, System, until
from confd_worker.core import errors
from confd_worker.core.context import Context, Facts
from confd_worker.core.database.engine import Database
from confd_worker.core.work import Work
from confd_worker.services.system.tenants import Tenants

from .faults.fakes import Fake
from .wire import Wire

Call = Callable[..., Any]


TABLES = {service.dao.model.__tablename__ for service in OWNED.values()}


@pytest.fixture
def wire(system: System) -> Iterator[Wire]:
    with Wire(system.amqp_uri) as wire:
        yield wire


def _templates(client: Client) -> dict[str, Any]:
    return {each["label"]: each for each in client.call("endpoints_sip_templates.list")["items"]}


def _context_name(client: Client) -> str:
    """Name of a new context, in which the tenant's slug is."""
    return str(client.call("contexts.create", body={"label": "inside"})["name"])


def _shown(client: Client, tenant: str) -> dict[str, Any] | None:
    try:
        shown: dict[str, Any] = client.call("tenants.get", uuid=tenant)
    except RemoteError:
        return None
    return shown if shown["sip_templates_generated"] else None


MATCHES = (
    "54.172.60.0", "54.172.60.3", "54.172.60.2", "54.172.60.1", "177.71.206.195", "177.71.206.194",
    "177.71.206.193", "177.71.206.192", "54.252.254.67", "54.252.254.66", "54.252.254.65", "54.252.254.64",
    "54.169.127.131", "54.169.127.130", "54.169.127.129", "54.169.127.128", "54.65.63.195", "54.65.63.194",
    "54.65.63.193", "54.65.63.192", "35.156.191.131", "35.156.191.130", "35.156.191.129", "35.156.191.128",
    "54.171.127.195", "54.171.127.194", "54.171.127.193", "54.171.127.192", "54.244.51.3", "54.244.51.2",
    "54.244.51.1", "54.244.51.0",
)  # fmt: skip
TEMPLATES: dict[str, tuple[str | None, list[str], dict[str, str]]] = {
    "global": (
        "transport-udp",
        [],
        {
            "aor": "maximum_expiration=3600 default_expiration=120 minimum_expiration=60 qualify_frequency=60 "
            "remove_existing=true max_contacts=1",
            "endpoint": "rtp_timeout=7200 allow_transfer=yes use_ptime=yes callerid=wazo direct_media=no "
            "dtmf_mode=rfc4733 language=en_US inband_progress=no rtp_timeout_hold=0 timers_sess_expires=600 "
            "timers_min_se=90 trust_id_inbound=no allow_subscribe=yes allow=!all,ulaw "
            "set_var=TIMEOUT(absolute)=36000 set_var=DYNAMIC_FEATURES=togglerecord notify_early_inuse_ringing=yes",
        },
    ),
    "webrtc": (
        "transport-wss",
        ["global"],
        {
            "aor": "remove_existing=false max_contacts=10",
            "endpoint": "webrtc=yes dtls_auto_generate_cert=yes allow=!all,opus,g722,alaw,ulaw,vp9,vp8,h264 "
            "max_video_streams=25 max_audio_streams=1 timers=always timers_sess_expires=300 timers_min_se=90",
        },
    ),
    "meeting_guest": (None, ["webrtc"], {}),
    "registration_trunk": (
        None,
        ["global"],
        {
            "registration": "forbidden_retry_interval=30 retry_interval=20 max_retries=10000 "
            "auth_rejection_permanent=no fatal_retry_interval=30"
        },
    ),
    "twilio_trunk": (None, ["registration_trunk"], {"identify": " ".join(f"match={each}" for each in MATCHES)}),
}
"""Transport, parents and the options of each section that is not empty, by label."""


def _written(template: dict[str, Any], transports: dict[str, str]) -> tuple[str | None, list[str], dict[str, str]]:
    """A template as TEMPLATES has it."""
    transport = template["transport"] and transports[template["transport"]["uuid"]]
    sections = {
        field.removesuffix("_section_options"): " ".join("=".join(pair) for pair in pairs)
        for field, pairs in template.items()
        if field.endswith("_section_options") and pairs
    }
    return transport, [parent["label"] for parent in template["templates"]], sections


def test_a_tenant_that_is_added_gets_its_templates(wire: Wire, client: Client, tenant: str, system: System) -> None:
    for slug in ("old", "acme"):
        wire.publish_event("auth_tenant_added", {"uuid": tenant, "slug": slug, "name": "ACME"})
    until(lambda: _context_name(client).startswith("ctx-acme-internal-"), "both events are handled")
    shown = client.call("tenants.get", uuid=tenant)
    templates = _templates(client)
    with system.database() as cursor:
        cursor.execute("SELECT uuid::text, name FROM sip_transports")
        transports = dict(cursor.fetchall())
    assert {label: _written(template, transports) for label, template in templates.items()} == TEMPLATES
    assert {template["asterisk_id"] for template in templates.values()} == {None}
    for label in TEMPLATES.keys() - {"twilio_trunk"}:
        assert shown[f"{label}_sip_template_uuid"] == templates[label]["uuid"]
    assert client.call("endpoints_sip_templates.list")["total"] == len(TEMPLATES)
    assert client.call("endpoints_sip.list")["total"] == 0


def test_the_templates_are_told_to_nobody(wire: Wire, client: Client, tenant: str) -> None:
    queue = wire.follow(tenant_uuid=tenant)
    wire.publish_event("auth_tenant_added", {"uuid": tenant, "slug": "a slug that is too long"})
    until(lambda: _shown(client, tenant), "the tenant is there")
    assert _context_name(client).startswith("ctx-a slug tha-")
    assert wire.get(queue).headers["name"] == "context_created"


def test_templates_that_were_changed_stay_so(wire: Wire, client: Client, tenant: str) -> None:
    wire.publish_event("auth_tenant_added", {"uuid": tenant, "slug": "acme"})
    until(lambda: _shown(client, tenant), "the tenant is there")
    template = _templates(client)["global"]["uuid"]
    client.call("endpoints_sip_templates.update", uuid=template, body={"endpoint_section_options": []})
    wire.publish_event("auth_tenant_added", {"uuid": tenant, "slug": "other"})
    until(lambda: _context_name(client).startswith("ctx-other-"), "the slug is new")
    assert _templates(client)["global"]["endpoint_section_options"] == []


def _fill(call: Call) -> None:
    """Make one of everything in the tenant, and join what can be joined."""
    for name in OWNED:
        make(call, name)
    for name in ASSOCIATIONS:
        call(f"{name}.associate", **pair_of(call, name))
    user = call("users.create", body={"firstname": "Alice"})
    context = call("contexts.create", body={"label": "x"})
    voicemail = {"name": "x", "number": "2000", "context": context["name"]}
    call("user_voicemails.create", user_id=user["id"], body=voicemail)
    call("incalls.create", body={"destination": {"type": "user", "user_id": user["id"]}})
    call("context_contexts.replace", context_id=context["id"], body={"contexts": [{"id": _a_context(call)}]})


def _a_context(call: Call) -> int:
    return int(call("contexts.create", body={"label": "y"})["id"])


def test_nothing_is_left_of_a_tenant_that_is_deleted(wire: Wire, client: Client, tenant: str, system: System) -> None:
    with system.client(str(uuid.uuid4())) as neighbour:
        _fill(neighbour.call)
        before, theirs = _rows(system), neighbour.call("users.list")
        wire.publish_event("auth_tenant_added", {"uuid": tenant, "slug": "acme"})
        until(lambda: _shown(client, tenant), "the tenant is there")
        _fill(client.call)
        filled = _rows(system)
        assert {"tenants", *TABLES} <= {table for table in filled if filled[table] > before[table]}

        for _ in range(2):
            wire.publish_event("auth_tenant_deleted", {"uuid": tenant})
        until(lambda: client.call("tenants.list")["total"] == 0, "the tenant is gone")
        assert _rows(system) == before
        assert neighbour.call("users.list") == theirs
    # A tenant is made on the fly by whoever writes in it.
    assert client.call("users.create", body={"firstname": "Bob"})["tenant_uuid"] == tenant


def test_a_tenant_is_made_by_the_first_write_in_it(call: Call, tenant: str) -> None:
    assert call("tenants.list")["total"] == 0
    call("contexts.create", body={"label": "inside"})
    [shown] = call("tenants.list")["items"]
    assert (shown["uuid"], shown["sip_templates_generated"]) == (tenant, False)


def test_a_tenant_that_is_not_visible_is_not_found(call: Call) -> None:
    unknown = str(uuid.uuid4())
    with pytest.raises(RemoteError) as refusal:
        call("tenants.get", uuid=unknown)
    assert refusal.value.message == f"Resource Not Found - Tenant was not found ('uuid': '{unknown}')"


def test_files_of_music_go_with_their_tenant(wire: Wire, client: Client, tenant: str, system: System) -> None:
    music = Path(system.environment()["CONFD_MOH_DIRECTORY"])
    own = client.call("moh.create", body={"label": "music", "mode": "files"})["name"]
    with system.client(str(uuid.uuid4())) as neighbour:
        theirs = neighbour.call("moh.create", body={"label": "music", "mode": "files"})["name"]
    (music / own / "song.wav").write_text("a song")
    assert (music / theirs).is_dir()
    wire.publish_event("auth_tenant_deleted", {"uuid": tenant})
    until(lambda: client.call("tenants.list")["total"] == 0, "the tenant is gone")
    until(lambda: not (music / own).exists(), "its music is gone")
    assert (music / theirs).is_dir()


def test_the_master_tenant_is_not_removed_by_an_event(wire: Wire, system: System) -> None:
    with system.client() as master:
        master.call("dead_letters.drop", ids="all")
        master.call("contexts.create", body={"label": "inside"})
        wire.publish_event("auth_tenant_deleted", {"uuid": MASTER_TENANT})
        [letter] = until(lambda: master.call("dead_letters.list")["items"], "the event is set aside")
        assert "the master tenant stays" in letter["reason"]
        assert master.call("tenants.get", uuid=MASTER_TENANT)
        master.call("dead_letters.drop", ids="all")


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


def _rows(system: System) -> dict[str, int]:
    """How many rows each table has that holds something of tenants."""
    with system.database() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        tables = {row[0] for row in cursor.fetchall()} - {"calls", "outbox", "sysconfd_requests", "alembic_version"}
        counts = {}
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {table}")
            counts[table] = cursor.fetchone()[0]
        return counts
