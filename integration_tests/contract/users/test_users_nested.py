"""Users made, changed and deleted with all that belongs to them, by one call each."""

from collections.abc import Callable
from typing import Any

import pytest

from confd_worker.client import RemoteError

from ..world import Call, Heard, World, names, refusal

Told = Callable[..., list[Heard]]
NOBODY = "00000000-0000-4000-8000-0000000000ff"
COUNTED = (
    "users", "lines", "endpoints_sip", "endpoints_sccp", "endpoints_custom", "extensions", "incalls", "groups",
    "voicemails",
)  # fmt: skip


@pytest.fixture
def outside(world: World) -> dict[str, Any]:
    """A context for calls from outside, that has no ranges yet."""
    return world.call("contexts.create", body={"label": "outside", "type": "incall"})


@pytest.fixture
def group(world: World) -> dict[str, Any]:
    """A group without members."""
    return world.call("groups.create", body={"label": "sales"})


@pytest.fixture
def whole(world: World, outside: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
    """A body with everything that this server provides."""
    context = world.context["name"]
    return {
        "firstname": "Alice",
        "lastname": "Martin",
        "voicemail": {"number": "1000", "context": context},
        "lines": [
            {"context": context, "endpoint_sip": {"label": "desk"}, "extensions": [{"exten": "1000"}]},
            {"context": context, "endpoint_sccp": {"options": [["allow", "alaw"]]}},
        ],
        "incalls": [{"extensions": [{"exten": "5551000", "context": outside["name"]}], "description": "DID"}],
        "groups": [{"uuid": group["uuid"]}],
        "forwards": {"busy": {"enabled": True, "destination": "123"}},
        "fallbacks": {"busy_destination": {"type": "group", "group_id": group["id"]}},
    }


def _counts(call: Call) -> dict[str, int]:
    return {name: call(f"{name}.list")["total"] for name in COUNTED}


def test_a_user_is_made_with_all_that_the_body_nests_and_the_reply_shows_it(
    world: World, whole: dict[str, Any], outside: dict[str, Any], group: dict[str, Any]
) -> None:
    made = world.call("users.create", body=whole)
    shown = world.call("users.get", id=made["id"])
    assert list(made) == list(shown)
    assert {name: value for name, value in made.items() if shown[name] != value}.keys() <= {
        "lines", "incalls", "groups", "voicemail",
    }  # fmt: skip
    desk, second = made["lines"]
    assert (desk["endpoint_sip"]["label"], desk["name"]) == ("desk", desk["endpoint_sip"]["name"])
    assert desk["endpoint_sip"] == world.call("endpoints_sip.get", uuid=desk["endpoint_sip"]["uuid"])
    assert ["context", world.context["name"]] in desk["endpoint_sip"]["endpoint_section_options"]
    assert desk["extensions"] == [world.call("extensions.get", id=desk["extensions"][0]["id"])]
    assert (desk["caller_id_name"], desk["caller_id_num"]) == ("Alice Martin", "1000")
    assert second["endpoint_sccp"] == world.call("endpoints_sccp.get", id=second["endpoint_sccp"]["id"])
    assert made["voicemail"] == world.call("voicemails.get", id=made["voicemail"]["id"])
    assert made["voicemail"]["name"] == "Alice Martin"
    assert made["groups"] == [{"uuid": group["uuid"]}]
    (incall,) = made["incalls"]
    (extension,) = incall["extensions"]
    assert (incall["description"], extension["exten"]) == ("DID", "5551000")
    assert shown["incalls"][0]["id"] == incall["id"]
    assert shown["incalls"][0]["extensions"][0]["id"] == extension["id"]
    stored = world.call("incalls.get", id=incall["id"])
    assert stored["description"] is None
    assert (stored["destination"]["type"], stored["destination"]["user_id"]) == ("user", made["id"])
    ranges = world.call("contexts.get", id=outside["id"])["incall_ranges"]
    assert ranges == [{"start": "5551000", "end": "5551000", "did_length": 7}]
    assert made["forwards"]["busy"] == {"enabled": True, "destination": "123"}
    assert made["fallbacks"]["busy_destination"]["group_id"] == group["id"]
    members = world.call("groups.get", uuid=group["uuid"])["members"]["users"]
    assert [each["uuid"] for each in members] == [made["uuid"]]


def test_every_step_sends_its_event_in_its_order(told: Told, whole: dict[str, Any]) -> None:
    assert names(told("users.create", body=whole)) == [
        "user_created",
        "voicemail_created", "user_voicemail_associated",
        "line_created", "sip_endpoint_created", "line_endpoint_sip_associated",
        "extension_created", "line_extension_associated", "user_line_associated",
        "line_created", "sccp_endpoint_created", "line_endpoint_sccp_associated", "user_line_associated",
        "extension_created", "context_edited", "incall_created", "incall_extension_associated",
        "user_groups_associated",
        "users_forwards_busy_updated", "users_forwards_noanswer_updated", "users_forwards_unconditional_updated",
        "user_fallback_edited",
    ]  # fmt: skip


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "voicemail": ({"voicemail": {"number": "1000", "context": "nowhere"}}, "Context was not found"),
    "voicemail that is not there": ({"voicemail": {"id": 2_000_000_000}}, "Voicemail was not found"),
    "line without endpoint": ({"lines": [{}]}, "Line must be associated with a Endpoint"),
    "second line": (
        {"lines": [{"endpoint_sip": {}}, {"endpoint_sip": {}, "extensions": [{"exten": "7000"}]}]},
        "outside of range",
    ),
    "two extensions of a line": (
        {"lines": [{"endpoint_sip": {}, "extensions": [{"exten": "1001"}, {"exten": "1002"}]}]},
        "Line is associated with a Extension",
    ),
    "device": ({"lines": [{"endpoint_sip": {}, "device_id": "abc"}]}, "Device was not found ('id': 'abc')"),
    "incall in a context for users": (
        {"incalls": [{"extensions": [{"exten": "1500", "context": "inside"}]}]},
        "Context associated to the extension is not of type 'incall'",
    ),
    "extension that is not there": (
        {"incalls": [{"extensions": [{"id": 2_000_000_000}]}]},
        "Extension was not found ('id': 2000000000)",
    ),
    "group": (
        {"groups": [{"uuid": NOBODY}]},
        f"Input Error - field 'groups': Group was not found ('uuid': UUID('{NOBODY}'))",
    ),
    "group and no line": ({"lines": []}, "User must be associated with a Line"),
    "switchboard": ({"switchboards": [{"uuid": NOBODY}]}, "Switchboard was not found"),
    "agent": ({"agent": {}}, "Agents are not provided by this server"),
    "forward": ({"forwards": {"busy": {"enabled": True, "destination": None}}}, ""),
    "forward of a wrong type": ({"forwards": {"busy": {"enabled": "x"}}}, "Not a valid boolean."),
    "fallback": ({"fallbacks": {"fail_destination": {"type": "user", "user_id": 2_000_000_000}}}, "was not found"),
    "account": ({"auth": {}}, "Accounts are not provided by this server"),
}


@pytest.mark.parametrize(("change", "message"), BROKEN.values(), ids=BROKEN)
def test_a_step_that_fails_leaves_nothing_of_the_steps_before_it(
    change: dict[str, Any], message: str, world: World, told: Told, whole: dict[str, Any]
) -> None:
    body = whole | change
    for line in body["lines"]:
        line.setdefault("context", world.context["name"])
    for incall in body["incalls"]:
        for extension in incall["extensions"]:
            if extension.get("context") == "inside":
                extension["context"] = world.context["name"]
    before, contexts = _counts(world.call), world.call("contexts.list")

    def refused(method: str, **arguments: Any) -> None:
        with pytest.raises(RemoteError) as error:
            world.call(method, **arguments)
        assert error.value.status in (400, 404)
        assert message in error.value.message

    told("users.list")
    refused("users.create", body=body)
    assert told("users.list") == []
    assert _counts(world.call) == before
    assert world.call("contexts.list", label="outside") == {
        "total": 1, "items": [each for each in contexts["items"] if each["label"] == "outside"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"lines": None}, "Input Error - lines: ['Field may not be null.']"),
        ({"lines": [{}]}, "Input Error - lines: {0: {'context': ['Missing data for required field.']}}"),
        ({"incalls": [{}]}, "Input Error - incalls: {0: {'extensions': ['Missing data for required field.']}}"),
        ({"incalls": [{"extensions": []}]}, "Input Error - incalls: {0: {'extensions': ['Shorter than"),
        ({"groups": [{"id": 1}]}, "Input Error - groups: {0: {'uuid': ['Missing data for required field.']}}"),
        (
            {"voicemail": {"email": "a@b.example"}},
            "Input Error - voicemail: {'_schema': ['name, number and context must be provided if no id provided']}",
        ),
        ({"auth": None}, "Input Error - auth: ['Field may not be null.']"),
        ({"auth": {"purpose": "x"}}, "Input Error - auth: {'purpose': ['Must be one of: user, internal,"),
        ({"agent": {"number": "a"}}, "Input Error - agent: {'number': ['String does not match expected pattern.']}"),
        ({"forwards": "x"}, "Input Error - forwards: ["),
        ({"device_id": "x" * 256}, "Input Error - device_id: ['Longer than maximum length 255.']"),
    ],
)
def test_a_nested_body_that_its_schema_refuses_makes_no_user(body: dict[str, Any], message: str, call: Call) -> None:
    assert refusal(call, "users.create", body={"firstname": "Alice", **body}).startswith(message)
    assert call("users.list")["total"] == 0


def test_what_is_there_is_joined_instead_of_made(world: World, outside: dict[str, Any]) -> None:
    voicemail, extension = world.voicemail(), world.extension()
    number = world.call("extensions.create", body={"exten": "5551000", "context": outside["name"]})
    incall = world.call("incalls.create", body={"destination": {"type": "none"}})
    world.call("incall_extensions.associate", incall_id=incall["id"], extension_id=number["id"])
    line = {"context": world.context["name"], "endpoint_sip": {}, "extensions": [{"exten": extension["exten"]}]}
    body = {
        "firstname": "Alice",
        "voicemail": {"id": voicemail["id"]},
        "lines": [line, line],
        "incalls": [{"extensions": [{"id": number["id"]}]}],
    }
    made = world.call("users.create", body=body)
    assert made["voicemail"]["id"] == voicemail["id"]
    assert [each["extensions"][0]["id"] for each in made["lines"]] == [extension["id"]] * 2
    assert made["incalls"][0]["id"] == incall["id"]
    other = {"firstname": "Bob", "incalls": [{"extensions": [{"exten": "5551000", "context": outside["name"]}]}]}
    refused = refusal(world.call, "users.create", body=other)
    assert refused == "Existing incall does not have the new user as a destination"


def test_what_a_read_shows_can_be_sent_back_and_changes_nothing(world: World, whole: dict[str, Any]) -> None:
    auth = [["username", "alice"], ["password", "secret"]]
    whole["lines"][0]["endpoint_sip"] = {"label": "desk", "auth_section_options": auth}
    made = world.call("users.create", body=whole)
    before = world.call("users.get", id=made["id"])
    sip = world.call("endpoints_sip.get", uuid=made["lines"][0]["endpoint_sip"]["uuid"])
    absent = ("caller_id_name", "caller_id_num", "device_id")
    body = {name: value for name, value in before.items() if name != "call_record_enabled"}
    body["lines"] = [
        {name: value for name, value in line.items() if value is not None or name not in absent}
        for line in before["lines"]
    ]
    world.call("users.update", id=made["uuid"], recursive="true", body=body)
    after = world.call("users.get", id=made["id"])
    assert _steady(after) == _steady(before)
    assert _steady(world.call("endpoints_sip.get", uuid=sip["uuid"])) == _steady(sip)


def _steady(item: Any) -> Any:
    """The item without the numbers of its changes."""
    if isinstance(item, list):
        return [_steady(each) for each in item]
    if isinstance(item, dict):
        return {name: _steady(value) for name, value in item.items() if name != "revision"}
    return item


def test_a_recursive_update_replaces_what_belongs_to_the_user_and_nothing_else(
    world: World, told: Told, whole: dict[str, Any], outside: dict[str, Any], group: dict[str, Any]
) -> None:
    made = world.call("users.create", body=whole)
    desk, second = made["lines"]
    context = world.context["name"]
    body = {
        "firstname": "Other",
        "groups": [{"uuid": group["uuid"]}],
        "lines": [
            {
                "id": desk["id"], "context": context, "position": 2,
                "endpoint_sip": {"uuid": desk["endpoint_sip"]["uuid"], "label": "changed"},
                "extensions": [{"exten": "1005"}],
            },
            {"context": context, "endpoint_custom": {"interface": f"local/{made['uuid']}"}},
        ],
        "voicemail": {"number": "1009", "context": context, "name": "new"},
        "incalls": [
            {
                "id": made["incalls"][0]["id"], "description": "changed",
                "extensions": [{"id": made["incalls"][0]["extensions"][0]["id"], "exten": "5552000"}],
            }
        ],
    }  # fmt: skip
    heard = names(told("users.update", id=made["id"], recursive="True", body=body))
    assert "user_edited" not in heard
    shown = world.call("users.get", id=made["id"])
    assert shown["firstname"] == "Alice"
    assert (shown["forwards"], shown["fallbacks"]) == (made["forwards"], made["fallbacks"])
    kept, new = shown["lines"]
    assert (kept["id"], kept["position"], kept["endpoint_sip"]["label"]) == (desk["id"], 2, "changed")
    assert [each["exten"] for each in kept["extensions"]] == ["1005"]
    assert new["protocol"] == "custom"
    refusal(world.call, "lines.get", id=second["id"])
    refusal(world.call, "extensions.get", id=desk["extensions"][0]["id"])
    assert (shown["voicemail"]["name"], world.call("voicemails.list")["total"]) == ("new", 1)
    (incall,) = shown["incalls"]
    assert incall["id"] == made["incalls"][0]["id"]
    assert incall["extensions"][0]["exten"] == "5552000"
    assert world.call("incalls.get", id=incall["id"])["description"] == "changed"
    assert [each["uuid"] for each in shown["groups"]] == [group["uuid"]]


def test_a_recursive_update_takes_away_what_its_body_leaves_out(world: World, whole: dict[str, Any]) -> None:
    made = world.call("users.create", body=whole)
    world.call("users.update", id=made["id"], recursive="true", body={"firstname": "Alice"})
    shown = world.call("users.get", id=made["id"])
    assert (shown["lines"], shown["groups"], shown["incalls"]) == ([], [], [])
    assert shown["voicemail"]["id"] == made["voicemail"]["id"]
    assert (shown["forwards"], shown["fallbacks"]) == (made["forwards"], made["fallbacks"])
    counts = _counts(world.call)
    assert counts == dict.fromkeys(counts, 0) | {"users": 1, "groups": 1, "voicemails": 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"firstname": None}, "Input Error - firstname: ['Field may not be null.']"),
        ({"groups": None}, "Input Error - groups: ['Field may not be null.']"),
        ({"lines": None}, "Input Error - lines: ['Field may not be null.']"),
        ({"incalls": None}, "Input Error - incalls: ['Field may not be null.']"),
        (
            {"lines": [{"context": "x", "extensions": [{"id": None}]}]},
            "Input Error - lines: {0: {'extensions': {0: {'id': ['Field may not be null.']}}}}",
        ),
        ({"lines": [{"context": "x", "position": None}]}, "Input Error - lines: {0: {'position': ['Field may not be"),
        ({"lines": [{"position": 2}]}, "Input Error - lines: {0: {'context': ['Missing data for required field.']}}"),
        ({"incalls": [{"id": 2_000_000_000}]}, "Resource Not Found - Incall was not found ('id': 2000000000)"),
        ({"fallbacks": {"busy_destination": {"type": "user", "user_id": 2_000_000_000}}}, "Input Error - "),
    ],
)
def test_a_recursive_update_that_is_refused_changes_nothing(
    change: dict[str, Any], message: str, world: World, whole: dict[str, Any]
) -> None:
    made = world.call("users.create", body=whole)
    before, counts = world.call("users.get", id=made["id"]), _counts(world.call)
    body = {"firstname": "Alice", **change}
    assert refusal(world.call, "users.update", id=made["id"], recursive="true", body=body).startswith(message)
    assert (world.call("users.get", id=made["id"]), _counts(world.call)) == (before, counts)


def test_an_endpoint_of_another_kind_does_not_take_the_place_of_the_lines_own(
    world: World, whole: dict[str, Any]
) -> None:
    made = world.call("users.create", body=whole)
    line = {"id": made["lines"][0]["id"], "context": world.context["name"], "endpoint_custom": {"interface": "a"}}
    body = {"firstname": "A", "lines": [line]}
    assert refusal(world.call, "users.update", id=made["id"], recursive="true", body=body) == (
        "There is already an endpoint associated to the line that is not of type custom. "
        "Cannot update the line with another endpoint type"
    )


def test_a_recursive_deletion_takes_along_what_only_the_user_has(
    world: World, told: Told, whole: dict[str, Any]
) -> None:
    made = world.call("users.create", body=whole)
    assert names(told("users.delete", id=made["id"], recursive="true")) == [
        "user_groups_associated",
        "user_voicemail_dissociated", "voicemail_deleted",
        "user_line_dissociated", "line_extension_dissociated", "extension_deleted", "line_endpoint_sip_dissociated",
        "sip_endpoint_deleted", "line_deleted",
        "user_line_dissociated", "line_deleted",
        "incall_edited", "user_deleted",
    ]  # fmt: skip
    counts = _counts(world.call)
    assert counts == dict.fromkeys(counts, 0) | {"groups": 1, "incalls": 1, "extensions": 1}
    assert world.call("incalls.list")["items"][0]["destination"]["type"] == "none"


def test_a_recursive_deletion_of_a_user_with_secondary_users_on_his_line_takes_nothing(
    world: World, whole: dict[str, Any]
) -> None:
    made, other = world.call("users.create", body=whole), world.user()
    world.call("user_lines.associate", user_id=other["id"], line_id=made["lines"][0]["id"])
    before = world.call("users.get", id=made["id"]), _counts(world.call)
    message = f"There are secondary users associated to the line ('line_id': {made['lines'][0]['id']})"
    assert message in refusal(world.call, "users.delete", id=made["id"], recursive="true")
    assert (world.call("users.get", id=made["id"]), _counts(world.call)) == before
