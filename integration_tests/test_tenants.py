"""Tenants come and go with the events of the authentication daemon."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from confd_worker.client import Client, RemoteError
from confd_worker.conformance.items import ASSOCIATIONS, OWNED, make, pair_of
from confd_worker.conformance.system import MASTER_TENANT, System, until

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
