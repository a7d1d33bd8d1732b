"""Tenants come and go with the events of the authentication daemon."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from confd_worker.client import Client, RemoteError

from .system import System, until
from .wire import Wire

Call = Callable[..., Any]


@pytest.fixture
def wire(system: System) -> Iterator[Wire]:
    with Wire(system.amqp_uri) as wire:
        yield wire


def _templates(client: Client) -> dict[str, Any]:
    return {each["label"]: each for each in client.call("endpoints_sip_templates.list")["items"]}


def _shown(client: Client, tenant: str) -> dict[str, Any] | None:
    try:
        shown: dict[str, Any] = client.call("tenants.get", uuid=tenant)
    except RemoteError:
        return None
    return shown if shown["sip_templates_generated"] else None


def test_a_tenant_that_is_added_gets_its_templates(wire: Wire, client: Client, tenant: str) -> None:
    for _ in range(2):
        wire.publish_event("auth_tenant_added", {"uuid": tenant, "slug": "acme", "name": "ACME"})
    shown = until(lambda: _shown(client, tenant), "the tenant is there")
    templates = _templates(client)
    assert set(templates) == {"global", "webrtc", "meeting_guest", "registration_trunk", "twilio_trunk"}
    parents = {label: [each["label"] for each in template["templates"]] for label, template in templates.items()}
    assert parents == {
        "global": [], "webrtc": ["global"], "meeting_guest": ["webrtc"], "registration_trunk": ["global"],
        "twilio_trunk": ["registration_trunk"],
    }  # fmt: skip
    for label in ("global", "webrtc", "meeting_guest", "registration_trunk"):
        assert shown[f"{label}_sip_template_uuid"] == templates[label]["uuid"]
    assert templates["global"]["endpoint_section_options"][0] == ["rtp_timeout", "7200"]
    assert templates["webrtc"]["endpoint_section_options"][0] == ["webrtc", "yes"]
    assert templates["twilio_trunk"]["identify_section_options"][-1] == ["match", "54.244.51.0"]
    assert len(templates["twilio_trunk"]["identify_section_options"]) == 32
    assert templates["meeting_guest"]["transport"] is None
    assert templates["global"]["transport"] is not None
    name = client.call("contexts.create", body={"label": "inside"})["name"]
    assert name.startswith("ctx-acme-internal-")


def test_templates_that_were_changed_stay_so(wire: Wire, client: Client, tenant: str) -> None:
    wire.publish_event("auth_tenant_added", {"uuid": tenant, "slug": "acme"})
    until(lambda: _shown(client, tenant), "the tenant is there")
    template = _templates(client)["global"]["uuid"]
    client.call("endpoints_sip_templates.update", uuid=template, body={"endpoint_section_options": []})
    wire.publish_event("auth_tenant_added", {"uuid": tenant, "slug": "other"})
    until(lambda: "ctx-other-" in client.call("contexts.create", body={"label": "x"})["name"], "the slug is new")
    assert _templates(client)["global"]["endpoint_section_options"] == []


def test_nothing_is_left_of_a_tenant_that_is_deleted(wire: Wire, client: Client, tenant: str, system: System) -> None:
    wire.publish_event("auth_tenant_added", {"uuid": tenant, "slug": "acme"})
    until(lambda: _shown(client, tenant), "the tenant is there")
    before = _rows(system)
    context = client.call("contexts.create", body={"label": "x", "user_ranges": [{"start": "1000"}]})
    user = client.call("users.create", body={"firstname": "Alice"})
    body = {"context": context["name"], "endpoint_sip": {}, "extensions": [{"exten": "1000"}]}
    line = client.call("lines.create", body=body)
    client.call("user_line.associate", user_id=user["id"], line_id=line["id"])
    voicemail = {"name": "x", "number": "1000", "context": context["name"]}
    client.call("user_voicemail.create", user_id=user["id"], body=voicemail)
    client.call("incalls.create", body={"destination": {"type": "user", "user_id": user["id"]}})
    assert _rows(system)["users"] > before["users"]

    wire.publish_event("auth_tenant_deleted", {"uuid": tenant})
    until(lambda: client.call("tenants.list")["total"] == 0, "the tenant is gone")
    after = _rows(system)
    left = {table for table in after if after[table] > before[table] - (table == "tenants")}
    assert left == set()
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
