"""What items refer to lives in their own tenant, whatever tenants the caller sees."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from confd_worker.client import Client
from confd_worker.conformance.system import System

from ..world import Call, World, refusal

HANGUP = {"type": "hangup", "cause": "normal"}


def _choice(destination: dict[str, Any]) -> dict[str, Any]:
    return {"exten": "1", "destination": destination}


@pytest.fixture
def above(system: System, tenant: str) -> Iterator[Client]:
    """A parent tenant that sees the test's tenant as well."""
    parent = str(uuid.uuid4())
    with system.client(parent, visible_tenants=[parent, tenant]) as client:
        yield client


def test_a_destination_leads_to_what_is_in_the_tenant_of_its_holder(above: Client, call: Call, world: World) -> None:
    theirs, own = world.user(), World(above.call).user()
    to_theirs, to_own = ({"type": "user", "user_id": user["id"]} for user in (theirs, own))
    refused = "Input Error - field 'actionarg1': User was not found ('actionarg1': {})"
    incall = above.call("incalls.create", body={"destination": to_own})
    group = above.call("groups.create", body={"label": "sales"})
    for method, arguments in (
        ("incalls.create", {"body": {"destination": to_theirs}}),
        ("incalls.update", {"id": incall["id"], "body": {"destination": to_theirs}}),
        ("ivr.create", {"body": {"name": "x", "menu_sound": "x", "abort_destination": to_theirs}}),
        (
            "ivr.create",
            {"body": {"name": "x", "menu_sound": "x", "choices": [{"exten": "1", "destination": to_theirs}]}},
        ),
        ("user_fallbacks.update", {"user_id": own["id"], "body": {"busy_destination": to_theirs}}),
        ("group_fallbacks.update", {"group_uuid": group["uuid"], "body": {"noanswer_destination": to_theirs}}),
    ):
        assert refusal(above.call, method, **arguments) == refused.format(theirs["id"]), method
    assert refusal(above.call, "schedules.create", body={"closed_destination": to_theirs}).endswith(
        f"User was not found ('fallback_actionid': '{theirs['id']}')"
    )
    # The parent may well see to it that an item of the tenant leads to what is there.
    below = call("incalls.create", body={"destination": HANGUP})
    above.call("incalls.update", id=below["id"], body={"destination": to_theirs})
    message = refusal(above.call, "incalls.update", id=below["id"], body={"destination": to_own})
    assert message == refused.format(own["id"])


def test_music_of_a_destination_is_that_of_the_tenant(above: Client, call: Call) -> None:
    music = call("moh.create", body={"label": "theirs", "mode": "files"})["uuid"]
    own = World(above.call).user()["id"]
    destination = {"type": "user", "user_id": own, "moh_uuid": music}
    message = refusal(above.call, "incalls.create", body={"destination": destination})
    assert message == f"Input Error - field 'moh_uuid': MOH was not found ('moh_uuid': '{music}')"
    assert "MOH was not found" in refusal(above.call, "schedules.create", body={"closed_destination": destination})


def test_a_context_includes_contexts_of_its_tenant(above: Client, call: Call) -> None:
    theirs, own = (each("contexts.create", body={"label": "x"}) for each in (call, above.call))
    body = {"contexts": [{"id": theirs["id"]}]}
    assert refusal(above.call, "context_contexts.replace", context_id=own["id"], body=body) == (
        f"Resource Error - different tenants ('context_tenant_uuid': '{own['tenant_uuid']}', "
        f"'included_context_tenant_uuid': '{theirs['tenant_uuid']}')"
    )


def test_what_a_parent_nests_into_a_user_is_of_the_users_tenant(above: Client, call: Call, world: World) -> None:
    user = world.user()
    context = call("contexts.create", body={"label": "from outside", "type": "incall"})["name"]
    shown = {name: value for name, value in call("users.get", id=user["id"]).items() if name != "call_record_enabled"}
    incalls = [{"extensions": [{"exten": "5145551234", "context": context}]}]
    above.call("users.update", id=user["id"], recursive="true", body=shown | {"incalls": incalls})
    [incall] = call("incalls.list")["items"]
    assert (incall["tenant_uuid"], incall["destination"]["user_id"]) == (user["tenant_uuid"], user["id"])
