"""What belongs to an item raises its revision; of those who change one revision at once, one wins."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from confd_worker.client import Client, RemoteError
from confd_worker.conformance.system import PARENT, System

Call = Callable[..., Any]
Change = tuple[str, dict[str, Any]]

HANGUP = {"type": "hangup", "cause": "busy"}


def _context(call: Call) -> str:
    ranges = [{"start": "1000", "end": "1999"}]
    return call("contexts.create", body={"label": "inside", "user_ranges": ranges, "group_ranges": ranges})["name"]


def _user(call: Call, **more: Any) -> dict[str, Any]:
    return call("users.create", body={"firstname": "Alice", **more})


def _user_with_line(call: Call) -> dict[str, Any]:
    user = _user(call)
    line = call("lines.create", body={"context": _context(call), "endpoint_sip": {}})
    call("user_lines.associate", user_id=user["id"], line_id=line["id"])
    return user


def _group(call: Call) -> dict[str, Any]:
    return call("groups.create", body={"label": "sales"})


def _of_user(method: str, **arguments: Any) -> Callable[[Call], tuple[Change, Change]]:
    """A change of a user, and how it is seen."""

    def make(call: Call) -> tuple[Change, Change]:
        user = _user(call)["id"]
        return ("users.get", {"id": user}), (method, {"user_id": user, **arguments})

    return make


def _of_group(method: str, body: Callable[[Call], dict[str, Any]]) -> Callable[[Call], tuple[Change, Change]]:
    def make(call: Call) -> tuple[Change, Change]:
        group = _group(call)["uuid"]
        return ("groups.get", {"uuid": group}), (method, {"group_uuid": group, "body": body(call)})

    return make


def _user_lines(call: Call) -> tuple[Change, Change]:
    user = _user(call)["id"]
    line = call("lines.create", body={"context": _context(call), "endpoint_sip": {}})["id"]
    return ("users.get", {"id": user}), ("user_lines.replace", {"user_id": user, "body": {"lines": [{"id": line}]}})


def _user_groups(call: Call) -> tuple[Change, Change]:
    user, group = _user_with_line(call)["id"], _group(call)["id"]
    return ("users.get", {"id": user}), ("user_groups.replace", {"user_id": user, "body": {"groups": [{"id": group}]}})


def _ivr_choices(call: Call) -> tuple[Change, Change]:
    choice = {"exten": "1", "destination": HANGUP}
    ivr = call("ivr.create", body={"name": "menu", "menu_sound": "menu", "choices": [choice]})
    # Only a choice is changed, no column of the IVR.
    body = {"choices": [choice, {"exten": "2", "destination": HANGUP}]}
    return ("ivr.get", {"id": ivr["id"]}), ("ivr.update", {"id": ivr["id"], "body": body})


def _included_contexts(call: Call) -> tuple[Change, Change]:
    outer, inner = (call("contexts.create", body={"label": label})["id"] for label in ("outer", "inner"))
    body = {"contexts": [{"id": inner}]}
    return ("contexts.get", {"id": outer}), ("context_contexts.replace", {"context_id": outer, "body": body})


def _templates(call: Call) -> tuple[Change, Change]:
    template = call("endpoints_sip_templates.create", body={"label": "template"})["uuid"]
    endpoint = call("endpoints_sip.create", body={"label": "endpoint"})["uuid"]
    body = {"templates": [{"uuid": template}]}
    return ("endpoints_sip.get", {"uuid": endpoint}), ("endpoints_sip.update", {"uuid": endpoint, "body": body})


BELONGING: dict[str, Callable[[Call], tuple[Change, Change]]] = {
    "forwards of a user": _of_user("user_forwards.update", body={"busy": {"enabled": True, "destination": "1000"}}),
    "one forward of a user": _of_user("user_forwards.update_one", name="busy", body={"destination": "1000"}),
    "services of a user": _of_user("user_services.update", body={"dnd": {"enabled": True}}),
    "fallbacks of a user": _of_user("user_fallbacks.update", body={"busy_destination": HANGUP}),
    "all lines of a user": _user_lines,
    "all groups of a user": _user_groups,
    "users in a group": _of_group(
        "group_members_users.replace", lambda call: {"users": [{"uuid": _user_with_line(call)["uuid"]}]}
    ),
    "numbers in a group": _of_group(
        "group_members_extensions.replace", lambda call: {"extensions": [{"exten": "123", "context": "default"}]}
    ),
    "fallbacks of a group": _of_group("group_fallbacks.update", lambda call: {"noanswer_destination": HANGUP}),
    "choices of an IVR": _ivr_choices,
    "contexts in a context": _included_contexts,
    "templates of an endpoint": _templates,
}


@pytest.mark.parametrize("what", BELONGING)
def test_what_belongs_to_an_item_raises_its_revision(what: str, client: Client) -> None:
    (get, key), (method, arguments) = BELONGING[what](client.call)
    before = client.call(get, **key)["revision"]
    client.using(if_revision=before).call(method, **arguments)
    assert client.call(get, **key)["revision"] == before + 1
    with pytest.raises(RemoteError) as refusal:
        client.using(if_revision=before).call(method, **arguments)
    assert (refusal.value.status, refusal.value.details) == (412, {"revision": before + 1})
    client.using(if_revision=before + 1).call(method, **arguments)
    assert client.call(get, **key)["revision"] == before + 1, "nothing was changed"


def test_what_goes_with_another_item_raises_the_revision_too(call: Call) -> None:
    group, user = _group(call), _user_with_line(call)
    call("group_members_users.replace", group_uuid=group["uuid"], body={"users": [{"uuid": user["uuid"]}]})
    call("users.delete", id=user["id"], recursive=True)
    assert call("groups.get", uuid=group["uuid"])["revision"] == 3


def test_of_twenty_who_change_the_same_revision_one_wins(system: System, tenant: str, call: Call) -> None:
    user = _user(call)["id"]

    def change(number: int) -> Any:
        with system.client(tenant, timeout=30, if_revision=1) as client:
            try:
                client.call("users.update", id=user, body={"description": f"caller {number}"})
            except RemoteError as refusal:
                return refusal.type, refusal.details
        return number

    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(change, range(20)))
    (winner,) = (outcome for outcome in outcomes if isinstance(outcome, int))
    assert outcomes.count(("revision-mismatch", {"revision": 2})) == 19
    shown = call("users.get", id=user)
    assert (shown["description"], shown["revision"]) == (f"caller {winner}", 2)


def test_a_change_that_is_repeated_by_its_key_gets_its_reply_though_the_revision_went_on(client: Client) -> None:
    user = _user(client.call)["id"]
    keyed = client.using(if_revision=1, idempotency_key=f"change-{user}")
    for _ in range(2):
        keyed.call("users.update", id=user, body={"description": "once"})
    assert client.call("users.get", id=user)["revision"] == 2


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("asterisk_rtp_general", {"options": {"rtpstart": "10000"}}, {"options": {"rtpstart": "20000"}}),
        ("localization", {"country": "FR"}, {"country": "CA"}),
    ],
)
def test_the_one_row_of_a_resource_has_a_revision(
    name: str, first: dict[str, Any], second: dict[str, Any], client: Client
) -> None:
    client.call(f"{name}.update", body=first)
    before = client.call(f"{name}.get")["revision"]
    with pytest.raises(RemoteError) as refusal:
        client.using(if_revision=before + 1).call(f"{name}.update", body=second)
    assert refusal.value.details == {"revision": before}
    client.using(if_revision=before).call(f"{name}.update", body=second)
    assert client.call(f"{name}.get")["revision"] == before + 1


def test_over_http_the_revision_is_the_entity_tag(http: Callable[..., httpx.Response], system: System) -> None:
    made = http("POST", "/users", json={"firstname": "Alice"})
    path = f"/users/{made.json()['id']}"
    assert (made.headers["etag"], http("GET", path).headers["etag"]) == ('"1"', '"1"')

    body, first = {"description": "changed"}, {"If-Match": '"1"'}
    assert http("PUT", path, json=body, headers=first).status_code == 204
    for answer in (http("PUT", path, json=body, headers=first), http("DELETE", path, headers=first)):
        assert (answer.status_code, answer.headers["etag"]) == (412, '"2"')
        assert answer.json() == ["Resource Error - The item has another revision ('revision': 2)"]
    assert http("POST", "/users", json={"firstname": "x"}, headers={"If-Match": "*"}).status_code == 400

    # What is embedded may have changed without a new revision.
    assert http("GET", path, headers={"If-None-Match": '"2"'}).status_code == 200
    with system.client(PARENT) as client:
        assert client.call("users.get", id=made.json()["id"])["revision"] == 2
    assert http("DELETE", path, headers={"If-Match": '"2", "1"'}).status_code == 204
    assert http("DELETE", path, headers={"If-Match": "*"}).status_code == 404
