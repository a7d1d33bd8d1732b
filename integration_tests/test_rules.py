"""Business rules of the contract, each with the error that it gives."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from confd_worker.client import Client, RemoteError

from .system import System

Call = Callable[..., Any]


class World:
    """Things of one tenant, made as they are needed.

    Each attribute is the item as it was created.
    """

    def __init__(self, call: Call) -> None:
        self.call = call
        self._made: dict[str, dict[str, Any]] = {}

    def __getattr__(self, name: str) -> dict[str, Any]:
        if name not in self._made:
            method, body = self._recipe(name)
            self._made[name] = self.call(method, body=body)
        return self._made[name]

    def _recipe(self, name: str) -> tuple[str, dict[str, Any]]:
        ranges = [{"start": "1000", "end": "1999"}]
        kind = name.rstrip("0123456789")
        return {
            "context": lambda: ("contexts.create", {"label": name, "user_ranges": ranges}),
            "incall_context": lambda: ("contexts.create", {"label": name, "type": "incall", "incall_ranges": ranges}),
            "user": lambda: ("users.create", {"firstname": "Alice", "lastname": "Martin"}),
            "bare_line": lambda: ("lines.create", {"context": self.context["name"]}),
            "line": lambda: ("lines.create", {"context": self.context["name"], "endpoint_sip": {}}),
            "endpoint": lambda: ("endpoints_sip.create", {"label": name}),
            "template": lambda: ("endpoints_sip_templates.create", {"label": name}),
            "extension": lambda: (
                "extensions.create",
                {"exten": f"10{len(self._made):02}", "context": self.context["name"]},
            ),
            "voicemail": lambda: (
                "voicemails.create",
                {"name": name, "number": f"10{len(self._made):02}", "context": self.context["name"]},
            ),
            "incall": lambda: ("incalls.create", {"destination": {"type": "none"}}),
            "schedule": lambda: ("schedules.create", {"closed_destination": {"type": "none"}}),
        }[kind]()

    def with_line(self) -> None:
        """The user gets the line, and the line the extension."""
        self.call("user_line.associate", user_id=self.user["id"], line_id=self.line["id"])
        self.call("line_extension.associate", line_id=self.line["id"], extension_id=self.extension["id"])


@pytest.fixture
def world(call: Call) -> World:
    return World(call)


def _refusal(call: Call, method: str, **arguments: Any) -> str:
    with pytest.raises(RemoteError) as refusal:
        call(method, **arguments)
    assert refusal.value.status in (400, 404)
    return refusal.value.message


USERS = [
    ({}, "Input Error - firstname: ['Missing data for required field.']"),
    ({"firstname": None}, "Input Error - firstname: ['Field may not be null.']"),
    ({"firstname": "x" * 129}, "Input Error - firstname: ['Longer than maximum length 128.']"),
    ({"firstname": 1}, "Input Error - firstname: ['Not a valid string.']"),
    ({"firstname": "\0"}, "Input Error - firstname: ['Not a valid string.']"),
    ({"email": "nobody"}, "Input Error - email: ['Not a valid email address.']"),
    ({"language": "fr"}, "Input Error - language: ['String does not match expected pattern.']"),
    ({"caller_id": "Alice"}, "Input Error - caller_id: ['String does not match expected pattern.']"),
    ({"enabled": "yes"}, "Input Error - enabled: ['Not a valid boolean.']"),
    ({"username": "x"}, "Input Error - username: ['String does not match expected pattern.']"),
    ({"password": "abc"}, "Input Error - password: ['String does not match expected pattern.']"),
    ({"ring_seconds": 10801}, "Must be greater than or equal to 0 and less than or equal to 10800."),
    ({"simultaneous_calls": 0}, "'constraint_id': 'range'"),
    (
        {"call_record_enabled": True, "call_record_outgoing_external_enabled": True},
        "Input Error - _schema: [\"'call_record_enabled' is deprecated and incompatible with "
        "'call_record_*_enabled' options\"]",
    ),
    (
        {"music_on_hold": "jazz"},
        "Input Error - field 'music_on_hold': MOH was not found ('music_on_hold': 'jazz')",
    ),
    (
        {"mobile_fallback_enabled": True},
        "Resource Error - PSTN fallback must be disabled when mobile phone number is not set",
    ),
    ({"func_key_template_id": 1}, "Input Error - field 'func_key_template_id': FuncKeyTemplate was not found"),
]


@pytest.mark.parametrize(("body", "message"), USERS, ids=lambda given: str(given)[:60])
def test_a_user_is_refused(body: dict[str, Any], message: str, call: Call) -> None:
    complete = body if not body or "firstname" in body else {"firstname": "Alice"} | body
    assert message in _refusal(call, "users.create", body=complete)
    assert call("users.list")["total"] == 0


def test_a_user_gets_the_defaults_of_the_contract(call: Call) -> None:
    nothing = dict.fromkeys(
        ("caller_id", "enabled", "supervision_enabled", "ring_seconds", "simultaneous_calls", "call_transfer_enabled")
    )
    user = call("users.create", body={"firstname": "Alice", "lastname": "", "description": "", **nothing})
    shown = {name: user[name] for name in ("lastname", "description", *nothing)}
    assert shown == {
        "lastname": None, "description": None, "caller_id": '"Alice"', "enabled": True, "supervision_enabled": True,
        "ring_seconds": 30, "simultaneous_calls": 5, "call_transfer_enabled": False,
    }  # fmt: skip
    assert "Field may not be null." in _refusal(call, "users.update", id=user["id"], body={"enabled": None})
    call("users.update", id=user["uuid"], body={"call_record_enabled": True})
    assert call("users.get", id=user["id"])["call_record_enabled"] is True


def test_names_that_are_unique_in_the_whole_server_are_taken_by_other_tenants_too(call: Call, system: System) -> None:
    word = uuid.uuid4().hex
    call("users.create", body={"firstname": "Alice", "email": f"{word}@acme.example", "username": word})
    with system.client(str(uuid.uuid4())) as other:
        email = {"firstname": "Bob", "email": f"{word.upper()}@ACME.example"}
        message = f"Resource Error - User already exists ('email': '{email['email']}')"
        assert _refusal(other.call, "users.create", body=email) == message
        message = f"Resource Error - User already exists ('username': '{word}')"
        assert _refusal(other.call, "users.create", body={"firstname": "Bob", "username": word}) == message
        bob = other.call("users.create", body={"firstname": "Bob"})
        assert _refusal(other.call, "users.update", id=bob["id"], body={"username": word}) == message


def test_users_are_found_without_accents_and_sorted_by_code_point(call: Call) -> None:
    for firstname, lastname in (("Zoë", "Martin"), ("zoe", None), ("Émile", "Zola"), ("Abel", "martin")):
        call("users.create", body={"firstname": firstname, "lastname": lastname})

    def names(**given: Any) -> list[str]:
        return [user["firstname"] for user in call("users.list", **given)["items"]]

    assert sorted(names(search="ZOE")) == ["Zoë", "zoe"]
    assert names(search="emile") == ["Émile"]
    assert names(order="firstname") == ["Abel", "Émile", "zoe", "Zoë"]
    assert names(order="lastname")[-1] == "zoe"
    assert names(order="lastname", direction="desc")[0] == "zoe"
    assert names()[-1] == "zoe"
    assert names(firstname="zoe") == ["zoe"]
    assert names(search="a%l") == ["Abel"]
    assert sorted(names(search="\\")) == []


def test_a_user_shows_his_line_in_every_view(world: World) -> None:
    world.with_line()
    user, line, exten = world.user["id"], world.line["id"], world.extension["exten"]
    [directory] = world.call("users.list", view="directory")["items"]
    assert (directory["line_id"], directory["exten"], directory["context"]) == (line, exten, world.context["name"])
    [summary] = world.call("users.list", view="summary", exten=f"{exten},9")["items"]
    assert (summary["protocol"], summary["extension"], summary["is_webrtc"]) == ("sip", exten, False)
    assert summary["provisioning_code"] == world.line["provisioning_code"]
    [presence] = world.call("users.list", view="line_presence")["items"]
    assert presence["lines"] == [{"id": line, "name": world.line["name"], "protocol": "sip"}]
    [shown] = world.call("users.get", id=user)["lines"]
    assert shown == world.call("lines.get", id=line)
    assert _refusal(world.call, "users.list", view="x") == "Input Error - view 'x' does not exist"


def test_the_caller_id_of_the_endpoint_follows_the_main_user(world: World) -> None:
    world.with_line()

    def caller_id() -> list[Any]:
        endpoint = world.call("endpoints_sip.get", uuid=world.line["endpoint_sip"]["uuid"])
        return [value for key, value in endpoint["endpoint_section_options"] if key == "callerid"]

    exten = world.extension["exten"]
    assert caller_id() == [f'"Alice Martin" <{exten}>']
    world.call("users.update", id=world.user["id"], body={"caller_id": '"Bob" <555>'})
    assert caller_id() == ['"Bob" <555>']
    world.call("lines.update", id=world.line["id"], body={"caller_id_name": "Carol"})
    assert caller_id() == ['"Carol" <555>']
    line = world.call("lines.get", id=world.line["id"])
    assert (line["caller_id_name"], line["caller_id_num"]) == ("Carol", "555")


LINES = [
    ({"context": "nowhere"}, "Input Error - field 'context': Context was not found ('context': 'nowhere')"),
    ({"registrar": "none"}, "Input Error - field 'registrar': Registrar was not found ('registrar': 'none')"),
    ({"position": 0}, "Input Error - position: [{'constraint_id': 'range'"),
    ({"provisioning_code": "12345"}, "Input Error - provisioning_code: ['Length must be 6.']"),
    ({"caller_id_name": "Alice"}, "Cannot set caller id if no endpoint associated"),
    (
        {"endpoint_sip": {}, "endpoint_custom": {"interface": "x/y"}},
        "Input Error - _schema: ['Only one endpoint should be configured on a line']",
    ),
    (
        {"caller_id_name": "Alice", "endpoint_sip": {"endpoint_section_options": [["callerid", "b"]]}},
        "Ambiguous caller ID: line.caller_id_name = Alice",
    ),
    ({"extensions": [{"exten": "1000"}]}, "Resource Error - Line must be associated with a Endpoint"),
    ({"endpoint_sip": {}, "extensions": None}, "Input Error - extensions: ['Field may not be null.']"),
    (
        {"endpoint_sip": {}, "extensions": [{"exten": "1000"}, {"exten": "1001"}]},
        "Resource Error - Line is associated with a Extension",
    ),
    (
        {"endpoint_sip": {}, "extensions": [{"exten": "5000"}]},
        "Input Error - Extension '5000' is outside of range for context",
    ),
    (
        {"endpoint_sip": {"endpoint_section_options": [["nonsense", "x"]]}},
        "Input Error - 'endpoint_section_options: invalid variable (nonsense)' must be one of (100rel, ",
    ),
]


@pytest.mark.parametrize(("body", "message"), LINES, ids=lambda given: str(given)[:60])
def test_a_line_is_refused_and_nothing_of_it_stays(body: dict[str, Any], message: str, world: World) -> None:
    complete = {"context": world.context["name"]} | body
    assert message in _refusal(world.call, "lines.create", body=complete)
    for resource in ("lines", "endpoints_sip", "extensions"):
        assert world.call(f"{resource}.list")["total"] == 0


def test_a_line_is_made_with_its_endpoint_and_extension_and_tells_of_each(world: World, system: System) -> None:
    context = world.context
    with system.events(tenant=context["tenant_uuid"]) as events:
        body = {
            "context": context["name"], "endpoint_sip": {"label": "phone"}, "caller_id_name": "Alice",
            "extensions": [{"exten": "1000"}],
        }  # fmt: skip
        line = world.call("lines.create", body=body)
        seen = [events.get(timeout=10)[0]["name"] for _ in range(6)]
    assert seen == [
        "line_created", "sip_endpoint_created", "line_endpoint_sip_associated", "line_edited", "extension_created",
        "line_extension_associated",
    ]  # fmt: skip
    assert line["endpoint_sip"]["endpoint_section_options"][0] == ["context", context["name"]]
    assert line["extensions"][0]["enabled"] is True
    assert line["caller_id_name"] == "Alice"
    assert line["caller_id_num"] is None


def test_a_line_goes_with_its_endpoint_and_leaves_its_extension(world: World, system: System) -> None:
    world.with_line()
    with system.events(tenant=world.user["tenant_uuid"]) as events:
        world.call("lines.delete", id=world.line["id"])
        assert [events.get(timeout=10)[0]["name"] for _ in range(2)] == ["user_line_dissociated", "line_deleted"]
    assert world.call("endpoints_sip.list")["total"] == 0
    assert world.call("extensions.get", id=world.extension["id"])["lines"] == []


def test_a_line_deleted_recursively_takes_its_extension_along(world: World, system: System) -> None:
    world.with_line()
    with system.events(tenant=world.user["tenant_uuid"]) as events:
        world.call("lines.delete", id=world.line["id"], recursive="true")
        seen = [events.get(timeout=10)[0]["name"] for _ in range(6)]
    assert seen == [
        "user_line_dissociated", "line_extension_dissociated", "extension_deleted", "line_endpoint_sip_dissociated",
        "sip_endpoint_deleted", "line_deleted",
    ]  # fmt: skip
    assert world.call("extensions.list")["total"] == 0


def test_the_first_line_is_the_main_one_and_another_takes_its_place(world: World) -> None:
    user = world.user["id"]
    lines = [world.line1["id"], world.line2["id"], world.line3["id"]]
    for line in lines:
        world.call("user_line.associate", user_id=user, line_id=line)

    def order() -> list[int]:
        return [line["id"] for line in world.call("users.get", id=user)["lines"]]

    assert order() == lines
    world.call("user_line.replace", user_id=user, body={"lines": [{"id": lines[2]}, {"id": lines[0]}]})
    assert order() == [lines[2], lines[0]]
    world.call("user_line.dissociate", user_id=user, line_id=lines[2])
    assert order() == [lines[0]]
    twice = {"lines": [{"id": lines[1]}, {"id": lines[1]}]}
    message = "Resource Error - Operation not permitted. Cannot associate same line more than once"
    assert _refusal(world.call, "user_line.replace", user_id=user, body=twice) == message
    unknown = {"lines": [{"id": 2_000_000_000}]}
    message = "Input Error - field 'lines': Line was not found ('id': 2000000000)"
    assert _refusal(world.call, "user_line.replace", user_id=user, body=unknown) == message
    assert order() == [lines[0]]
    world.call("user_line.replace", user_id=user, body={"lines": []})
    assert order() == []


def test_a_main_user_leaves_a_shared_line_last(world: World) -> None:
    line = world.line["id"]
    for user in (world.user1, world.user2):
        world.call("user_line.associate", user_id=user["id"], line_id=line)
    message = f"Resource Error - There are secondary users associated to the line ('line_id': {line})"
    assert _refusal(world.call, "user_line.dissociate", user_id=world.user1["id"], line_id=line) == message
    assert _refusal(world.call, "lines.delete", id=line) == message
    world.call("user_line.dissociate", user_id=world.user2["id"], line_id=line)
    world.call("user_line.dissociate", user_id=world.user1["id"], line_id=line)


def test_joining_twice_and_parting_twice_sends_one_event_each(world: World, system: System) -> None:
    pairs = [
        ("user_line", {"user_id": world.user["id"], "line_id": world.line["id"]}),
        ("line_extension", {"line_id": world.line["id"], "extension_id": world.extension["id"]}),
    ]
    endpoint = {"line_id": world.bare_line["id"], "endpoint_uuid": world.endpoint["uuid"]}
    schedule = {"incall_id": world.incall["id"], "schedule_id": world.schedule["id"]}
    with system.events(tenant=world.user["tenant_uuid"]) as events:
        for name, ids in [*pairs, ("line_endpoint_sip", endpoint)]:
            for _ in range(2):
                world.call(f"{name}.associate", **ids)
        for name, ids in [*reversed(pairs), ("line_endpoint_sip", endpoint)]:
            for _ in range(2):
                world.call(f"{name}.dissociate", **ids)
        for verb in ("associate", "associate", "dissociate", "dissociate"):
            world.call(f"incalls.{verb}_schedule", **schedule)
        seen = [events.get(timeout=10)[0]["name"] for _ in range(8)]
        world.call("users.update", id=world.user["id"], body={})
        assert events.get(timeout=10)[0]["name"] == "user_edited"
    assert seen == [
        "user_line_associated", "line_extension_associated", "line_endpoint_sip_associated",
        "line_extension_dissociated", "user_line_dissociated", "line_endpoint_sip_dissociated",
        "incall_schedule_associated", "incall_schedule_dissociated",
    ]  # fmt: skip


def test_items_of_two_tenants_are_not_joined(world: World, tenant: str, system: System) -> None:
    with system.client(str(uuid.uuid4()), visible_tenants=["*"]) as parent:
        there = World(parent.call)
        bare = world.bare_line["id"]
        for name, ids in (
            ("user_line.associate", {"user_id": there.user["id"], "line_id": world.line["id"]}),
            ("line_extension.associate", {"line_id": world.line["id"], "extension_id": there.extension["id"]}),
            ("line_endpoint_sip.associate", {"line_id": bare, "endpoint_uuid": there.endpoint["uuid"]}),
            ("user_voicemail.associate", {"user_id": there.user["id"], "voicemail_id": world.voicemail["id"]}),
            ("incalls.associate_schedule", {"incall_id": world.incall["id"], "schedule_id": there.schedule["id"]}),
        ):
            assert _refusal(parent.call, name, **ids).startswith("Resource Error - different tenants (")
            assert _refusal(world.call, name, **ids).startswith("Resource Not Found - ")


EXTENSIONS = [
    ({"exten": "XXXX"}, "exten: ['String does not match expected pattern.']"),
    ({"exten": "ABC123"}, "exten: ['String does not match expected pattern.']"),
    ({"exten": "_+XXXX"}, "exten: ['String does not match expected pattern.']"),
    ({"exten": "1" * 41}, "Input Error - exten: ['Longer than maximum length 40.']"),
    ({"exten": None}, "Input Error - exten: ['Field may not be null.']"),
    ({"context": "nowhere"}, "Input Error - field 'context': Context was not found ('context': 'nowhere')"),
]


@pytest.mark.parametrize(("body", "message"), EXTENSIONS, ids=lambda given: str(given)[:60])
def test_an_extension_is_refused(body: dict[str, Any], message: str, world: World) -> None:
    assert message in _refusal(
        world.call, "extensions.create", body={"exten": "1000", "context": world.context["name"]} | body
    )


def test_an_extension_in_use_keeps_to_its_context(world: World) -> None:
    world.with_line()
    extension = world.extension
    taken = {"exten": extension["exten"], "context": extension["context"]}
    told = f"('exten': '{taken['exten']}', 'context': '{taken['context']}')"
    message = f"Resource Error - Extension already exists {told}"
    assert _refusal(world.call, "extensions.create", body=taken) == message
    for change, message in (
        ({"exten": "5000"}, f"Input Error - Extension '5000' is outside of range for context '{taken['context']}'"),
        ({"context": world.incall_context["name"]}, "Resource Error - ContextType 'incall' cannot be associated"),
    ):
        assert _refusal(world.call, "extensions.update", id=extension["id"], body=change) == message
    message = f"Resource Error - Extension is associated with a line ('extension_id': {extension['id']}, "
    assert _refusal(world.call, "extensions.delete", id=extension["id"]).startswith(message)
    world.call("extensions.update", id=extension["id"], body={"commented": True, "exten": "1999"})
    shown = world.call("extensions.get", id=extension["id"])
    assert (shown["enabled"], shown["commented"], shown["exten"]) == (False, True, "1999")


VOICEMAILS = [
    ({"number": "abc"}, "Input Error - number: ['String does not match expected pattern.']"),
    ({"delete_messages": True}, "Input Error - _schema: ['email must be provided if delete_messages is set'"),
    ({"delete_messages": True, "email": "a"}, "attach_audio must be set if delete_messages is set"),
    ({"timezone": "mars"}, "Input Error - field 'timezone': Timezone was not found ('timezone': 'mars')"),
    ({"context": "nowhere"}, "Input Error - field 'context': Context was not found ('context': 'nowhere')"),
    ({"options": [["a"]]}, "Input Error - options: {0: ['Length must be between 2 and 2.']}"),
    ({"accesstype": "other"}, "Input Error - accesstype: ['Must be one of: personal, global.']"),
]


@pytest.mark.parametrize(("body", "message"), VOICEMAILS, ids=lambda given: str(given)[:60])
def test_a_voicemail_is_refused(body: dict[str, Any], message: str, world: World) -> None:
    complete = {"name": "x", "number": "1000", "context": world.context["name"]} | body
    assert message in _refusal(world.call, "voicemails.create", body=complete)


def test_a_voicemail_is_shared_and_neither_side_is_deleted_meanwhile(world: World) -> None:
    voicemail = world.voicemail
    for user in (world.user1, world.user2):
        world.call("user_voicemail.associate", user_id=user["uuid"], voicemail_id=voicemail["id"])
    ids = f"{world.user1['id']}, {world.user2['id']}"
    message = f"Resource Error - Voicemail is associated with a User ('voicemail_id': {voicemail['id']}, "
    assert _refusal(world.call, "voicemails.delete", id=voicemail["id"]) == message + f"'user_ids': '{ids}')"
    told = f"('user_id': {world.user1['id']}, 'voicemail_id': {voicemail['id']})"
    message = f"Resource Error - User is associated with a Voicemail {told}"
    assert _refusal(world.call, "users.delete", id=world.user1["id"]) == message
    message = "Resource Error - Operation not permitted. A global voicemail cannot be associated to users."
    assert _refusal(world.call, "voicemails.update", id=voicemail["id"], body={"accesstype": "global"}) == message
    world.call("user_voicemail.dissociate", user_id=world.user1["id"])
    world.call("users.delete", id=world.user2["id"], recursive="true")
    assert world.call("voicemails.list")["total"] == 0


CONTEXTS = [
    ({"label": ""}, "Input Error - label: ['Length must be between 1 and 128.']"),
    ({"type": "other"}, "Input Error - type: ['Must be one of: internal, incall, outcall, services, others.']"),
    ({"user_ranges": [{"start": "a"}]}, "Input Error - user_ranges: {0: {'start': ['Invalid input.']}}"),
    (
        {"user_ranges": [{"start": "10", "end": "100"}]},
        "Input Error - user_ranges: {0: {'_schema': ['Start and end must be of the same length']}}",
    ),
    (
        {"user_ranges": [{"start": "20", "end": "10"}]},
        "Input Error - user_ranges: {0: {'_schema': ['Start of range must be lower than or equal to the end']}}",
    ),
]


@pytest.mark.parametrize(("body", "message"), CONTEXTS, ids=lambda given: str(given)[:60])
def test_a_context_is_refused(body: dict[str, Any], message: str, call: Call) -> None:
    assert _refusal(call, "contexts.create", body={"label": "x"} | body) == message


def test_a_context_in_use_is_not_deleted(world: World) -> None:
    context = world.context["id"]
    extension, voicemail = world.extension["id"], world.voicemail["id"]
    message = f"Resource Error - Context is associated with a Extension ('context_id': {context}, "
    assert _refusal(world.call, "contexts.delete", id=context) == message + f"'extension_id': {extension})"
    world.call("extensions.delete", id=extension)
    message = f"Resource Error - Context is associated with a Voicemail ('context_id': {context}, "
    assert _refusal(world.call, "contexts.delete", id=context) == message + f"'voicemail_id': {voicemail})"


def test_contexts_are_included_in_order_and_leave_when_they_are_deleted(world: World) -> None:
    ids = [world.context1["id"], world.context2["id"], world.context3["id"]]

    def include(*included: int) -> dict[str, Any]:
        return {"context_id": ids[0], "body": {"contexts": [{"id": each} for each in included]}}

    world.call("contexts.associate_contexts", **include(ids[2], ids[1]))
    shown = world.call("contexts.get", id=ids[0])["contexts"]
    assert [each["id"] for each in shown] == [ids[2], ids[1]]
    for wrong, message in (
        (include(ids[1], ids[1]), "Operation not permitted. Cannot include same context more than once"),
        (include(ids[0]), "Operation not permitted. Cannot include context inside itself"),
        (include(2_000_000_000), "Input Error - field 'contexts': Context was not found ('id': 2000000000)"),
    ):
        assert message in _refusal(world.call, "contexts.associate_contexts", **wrong)
    world.call("contexts.delete", id=ids[2])
    assert [each["id"] for each in world.call("contexts.get", id=ids[0])["contexts"]] == [ids[1]]


def test_templates_hand_down_their_options_depth_first(world: World) -> None:
    def template(*parents: dict[str, Any], options: list[list[str]]) -> dict[str, Any]:
        templates = [{"uuid": parent["uuid"]} for parent in parents]
        body = {"templates": templates, "endpoint_section_options": options}
        return world.call("endpoints_sip_templates.create", body=body)

    base = template(options=[["webrtc", "yes"], ["callerid", '"Base" <1>']])
    upper = template(base, options=[["allow", "alaw"], ["language", "fr_FR"]])
    other = template(options=[["language", "en_US"]])
    body = {"templates": [upper, other], "endpoint_section_options": [["allow", "opus"]]}
    endpoint = world.call("endpoints_sip.create", body=body)
    merged = world.call("endpoints_sip.get", uuid=endpoint["uuid"], view="merged")
    expected = [["webrtc", "yes"], ["callerid", '"Base" <1>'], ["allow", "opus"], ["language", "en_US"]]
    assert merged["endpoint_section_options"] == expected
    assert [each["uuid"] for each in endpoint["templates"]] == [upper["uuid"], other["uuid"]]

    world.call("line_endpoint_sip.associate", line_id=world.bare_line["id"], endpoint_uuid=endpoint["uuid"])
    line = world.call("lines.get", id=world.bare_line["id"])
    assert (line["is_webrtc"], line["caller_id_name"], line["caller_id_num"]) == (True, "Base", "1")
    world.call("endpoints_sip_templates.update", uuid=base["uuid"], body={"endpoint_section_options": []})
    assert world.call("lines.get", id=line["id"])["is_webrtc"] is False

    loop = {"templates": [{"uuid": upper["uuid"]}]}
    message = f"Operation not permitted. SIPEndpointTemplate({upper['uuid']}) already include this template"
    assert message in _refusal(world.call, "endpoints_sip_templates.update", uuid=base["uuid"], body=loop)
    itself = {"templates": [{"uuid": base["uuid"]}]}
    message = "Operation not permitted. Cannot use itself as template"
    assert message in _refusal(world.call, "endpoints_sip_templates.update", uuid=base["uuid"], body=itself)
    world.call("endpoints_sip_templates.delete", uuid=other["uuid"])
    assert world.call("endpoints_sip.get", uuid=endpoint["uuid"])["templates"] == [upper | {}] or [
        each["uuid"] for each in world.call("endpoints_sip.get", uuid=endpoint["uuid"])["templates"]
    ] == [upper["uuid"]]


ENDPOINTS = [
    ({"name": None}, "Input Error - name: ['Field may not be null.']"),
    ({"name": ""}, "Shorter than minimum length 1"),
    ({"name": "x" * 80}, "Longer than maximum length 79"),
    ({"name": "global"}, "Reserved Asterisk section name"),
    ({"name": "a b"}, "Not a valid Asterisk section name"),
    ({"name": "transport-udp"}, "Resource Error - Transport already exists ('name': 'transport-udp')"),
    ({"templates": [{}]}, "Input Error - templates: {0: {'uuid': ['Missing data for required field.']}}"),
    ({"templates": [{"uuid": str(uuid.UUID(int=0))}]}, "Input Error - field 'templates': endpoint_sip was not found"),
    ({"transport": {"uuid": str(uuid.UUID(int=0))}}, "Input Error - field 'transport': SIPTransport was not found"),
    ({"auth_section_options": [["type", "x"]]}, "'auth_section_options: invalid variable (type)' must be one of ("),
    ({"identify_section_options": [["x", "y"]]}, "'identify_section_options: invalid variable (x)' must be one of ("),
    ({"aor_section_options": [["@x", "y", "z"]]}, "{0: ['Length must be between 2 and 2.']}"),
    ({"aor_section_options": [["", "y"]]}, "Length must be between 1 and 4092."),
]


@pytest.mark.parametrize("resource", ["endpoints_sip", "endpoints_sip_templates"])
@pytest.mark.parametrize(("body", "message"), ENDPOINTS, ids=lambda given: str(given)[:60])
def test_an_endpoint_is_refused(resource: str, body: dict[str, Any], message: str, call: Call) -> None:
    assert message in _refusal(call, f"{resource}.create", body=body)


def test_endpoints_and_templates_do_not_see_each_other(world: World) -> None:
    assert "SIPEndpoint was not found" in _refusal(world.call, "endpoints_sip.get", uuid=world.template["uuid"])
    refusal = _refusal(world.call, "endpoints_sip_templates.delete", uuid=world.endpoint["uuid"])
    assert "SIPEndpointTemplate was not found" in refusal
    name = {"name": world.template["name"]}
    message = f"Resource Error - SIPEndpointTemplate already exists ('name': '{name['name']}')"
    assert _refusal(world.call, "endpoints_sip.create", body=name) == message


def test_a_summary_of_an_endpoint_shows_the_username_and_never_the_password(world: World) -> None:
    options = [["username", "alice"], ["password", "secret"]]
    world.call("endpoints_sip.update", uuid=world.endpoint["uuid"], body={"auth_section_options": options})
    ids = {"line_id": world.bare_line["id"], "endpoint_uuid": world.endpoint["uuid"]}
    world.call("line_endpoint_sip.associate", **ids)
    shown = world.call("lines.get", id=world.bare_line["id"])["endpoint_sip"]
    assert shown["auth_section_options"] == [["username", "alice"]]


def test_forwards_and_services_are_changed_alone_or_together(world: World, client: Client) -> None:
    user = world.user["uuid"]
    client.call("user_forwards.update", user_id=user, body={"busy": {"enabled": True, "destination": "1"}})
    refusal = _refusal(client.call, "user_forwards.update_one", user_id=user, name="busy", body={"destination": ""})
    assert refusal == "Resource Error - Forward must be disabled to remove destination"
    client.call("user_forwards.update_one", user_id=user, name="busy", body={"enabled": False})
    shown = client.call("users.get", id=user)["forwards"]
    assert shown["busy"] == {"enabled": False, "destination": "1"}
    assert "Field may not be null." in _refusal(client.call, "user_forwards.update", user_id=user, body={"busy": None})
    client.call("user_services.update", user_id=user, body={"dnd": {"enabled": True}})
    assert client.call("user_services.get", user_id=user) == {
        "dnd": {"enabled": True}, "incallfilter": {"enabled": False},
    }  # fmt: skip
    refusal = _refusal(client.call, "user_services.update_one", user_id=user, name="dnd", body={})
    assert refusal == "Input Error - enabled: ['Missing data for required field.']"


DESTINATIONS = [
    (None, "Input Error - destination: ['Field may not be null.']"),
    ([], "Input Error - destination: {'_schema': ['Invalid input type.']}"),
    ({}, "Input Error - destination: {'type': ['Missing data for required field.']}"),
    ({"type": "x"}, "Input Error - destination: {'type': ['Must be one of: application, conference, custom, "),
    ({"type": "hangup"}, "Input Error - destination: {'cause': ['Missing data for required field.']}"),
    ({"type": "custom", "command": "system(ls)"}, "{'command': ['String does not match expected pattern.']}"),
    ({"type": "user"}, "{'user_id': ['Missing data for required field.']}"),
    ({"type": "user", "user_id": 0}, "field 'actionarg1': User was not found ('actionarg1': 0)"),
    ({"type": "queue", "queue_id": 1}, "field 'actionarg1': Queue was not found ('actionarg1': 1)"),
]


@pytest.mark.parametrize(("destination", "message"), DESTINATIONS, ids=lambda given: str(given)[:60])
def test_a_destination_is_refused(destination: Any, message: str, call: Call) -> None:
    assert message in _refusal(call, "incalls.create", body={"destination": destination})


def test_a_destination_shows_the_name_of_its_target_and_goes_with_it(world: World) -> None:
    destination = {"type": "user", "user_id": world.user["id"], "ring_time": 2, "unknown": 1}
    incall = world.call("incalls.create", body={"destination": destination})
    names = {"user_firstname": "Alice", "user_lastname": "Martin"}
    assert incall["destination"] == {
        "type": "user", "user_id": world.user["id"], "ring_time": 2.0, "moh_uuid": None, **names,
    }  # fmt: skip
    assert [each["id"] for each in world.call("users.get", id=world.user["id"])["incalls"]] == [incall["id"]]
    schedule = world.call("schedules.create", body={"closed_destination": destination})
    world.call("users.delete", id=world.user["id"])
    assert world.call("incalls.get", id=incall["id"])["destination"] == {"type": "none"}
    closed = world.call("schedules.get", id=schedule["id"])["closed_destination"]
    assert closed == {"type": "user", "user_id": world.user["id"], "ring_time": 2.0, "moh_uuid": None}
