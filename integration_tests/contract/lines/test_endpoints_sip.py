"""SIP endpoints and templates: names, options, inheritance, and what an edit does to a line."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from confd_worker.conformance.system import System

from ..world import Call, Heard, World, names, refusal

Told = Callable[..., list[Heard]]

SECTIONS = [
    "aor_section_options", "auth_section_options", "endpoint_section_options", "identify_section_options",
    "registration_section_options", "registration_outbound_auth_section_options", "outbound_auth_section_options",
]  # fmt: skip
BEFORE, AFTER = ["uuid", "tenant_uuid", "name", "label"], ["templates", "transport", "asterisk_id", "links"]
UNKNOWN = "00000000-0000-0000-0000-000000000000"
KINDS = pytest.mark.parametrize("kind", ["endpoints_sip", "endpoints_sip_templates"])
WRONG_SIZE = "['Length must be between 2 and 2.']"
WRONG_LENGTH = "['Length must be between 1 and 4092.']"


def _reference(*items: dict[str, Any]) -> list[dict[str, str]]:
    return [{"uuid": item["uuid"]} for item in items]


def _name() -> str:
    return f"name-{uuid.uuid4().hex}"


def test_an_endpoint_has_the_fields_of_the_contract_in_its_order_and_a_random_name(world: World) -> None:
    endpoint, template = world.endpoint(), world.template()
    assert list(endpoint) == [*BEFORE, *SECTIONS, *AFTER, "trunk", "line", "revision"]
    assert list(template) == [*BEFORE, *SECTIONS, *AFTER, "revision"]
    for made, path, rel in ((endpoint, "", "endpoint_sip"), (template, "templates/", "endpoint_sip_templates")):
        assert len(made["name"]) == 8
        assert made["name"].isalnum()
        assert made["links"] == [{"rel": rel, "href": f"/endpoints/sip/{path}{made['uuid']}"}]
        assert [made[section] for section in SECTIONS] == [[]] * 7
        assert (made["templates"], made["transport"], made["label"], made["asterisk_id"]) == ([], None, None, None)
    merged = world.call("endpoints_sip.get", uuid=endpoint["uuid"], view="merged")
    assert list(merged) == [*BEFORE, *AFTER, "trunk", "line", *SECTIONS, "revision"]
    message = "Input Error - view: ['Must be one of: merged.']"
    assert refusal(world.call, "endpoints_sip.get", uuid=endpoint["uuid"], view="full") == message


BAD_FIELDS: list[tuple[str, Any, str]] = [
    ("name", None, "['Field may not be null.']"),
    ("name", "", "['Shorter than minimum length 1']"),
    ("name", "x" * 80, "['Longer than maximum length 79']"),
    ("name", "global", "['Reserved Asterisk section name']"),
    ("name", "system", "['Reserved Asterisk section name']"),
    *[("name", text, "['Not a valid Asterisk section name']") for text in ("a b", "é", "a\n", "[a]")],
    ("label", "x" * 129, "['Longer than maximum length 128.']"),
    ("asterisk_id", "x" * 1025, "['Longer than maximum length 1024.']"),
    *[(section, None, "['Field may not be null.']") for section in SECTIONS],
    ("aor_section_options", {"a": "b"}, "['Not a valid list.']"),
    ("aor_section_options", [["@a"], ["@a", "b", "c"]], f"{{0: {WRONG_SIZE}, 1: {WRONG_SIZE}}}"),
    ("aor_section_options", [["", "b"]], f"{{0: {{0: {WRONG_LENGTH}}}}}"),
    ("aor_section_options", [["@a", "x" * 4093]], f"{{0: {{1: {WRONG_LENGTH}}}}}"),
    ("aor_section_options", [["@a", 5]], "{0: {1: ['Not a valid string.']}}"),
    ("aor_section_options", [["@a", "b"]] * 513, "['Longer than maximum length 512.']"),
    ("templates", None, "['Field may not be null.']"),
    ("templates", [{}], "{0: {'uuid': ['Missing data for required field.']}}"),
    ("templates", [{"uuid": "x"}], "{0: {'uuid': ['Not a valid UUID.']}}"),
    ("transport", {}, "{'uuid': ['Missing data for required field.']}"),
]


@KINDS
@pytest.mark.parametrize(("field", "value", "detail"), BAD_FIELDS, ids=lambda given: str(given)[:30])
def test_a_bad_field_is_refused(kind: str, field: str, value: Any, detail: str, call: Call) -> None:
    message = f"Input Error - {field}: {detail}"
    assert refusal(call, f"{kind}.create", body={field: value}) == message
    made = call(f"{kind}.create", body={})
    assert refusal(call, f"{kind}.update", uuid=made["uuid"], body={field: value}) == message
    assert call(f"{kind}.get", uuid=made["uuid"]) == made


@KINDS
def test_a_name_is_taken_by_endpoints_templates_and_transports_of_the_whole_server(
    kind: str, world: World, system: System
) -> None:
    with system.client(str(uuid.uuid4())) as elsewhere:
        endpoint = World(elsewhere.call).endpoint()["name"]
        template = World(elsewhere.call).template()["name"]
    made = world.call(f"{kind}.create", body={"name": _name()})
    for label, name in (
        ("SIPEndpoint", endpoint), ("SIPEndpointTemplate", template), ("Transport", "transport-udp"),
    ):  # fmt: skip
        message = f"Resource Error - {label} already exists ('name': '{name}')"
        assert refusal(world.call, f"{kind}.create", body={"name": name}) == message
        assert refusal(world.call, f"{kind}.update", uuid=made["uuid"], body={"name": name}) == message
    world.call(f"{kind}.update", uuid=made["uuid"], body={"name": made["name"]})


@KINDS
def test_the_rules_are_checked_in_the_order_of_the_contract(kind: str, world: World) -> None:
    template, taken = world.template(), world.endpoint()["name"]
    body: dict[str, Any] = {
        "templates": [{"uuid": UNKNOWN, "label": "x"}], "transport": {"uuid": UNKNOWN}, "name": taken,
        "auth_section_options": [["type", "x"]], "endpoint_section_options": [["nonsense", "x"]],
    }  # fmt: skip
    made = world.call(f"{kind}.create", body={})
    nobody = f"UUID('{UNKNOWN}')"
    for field, value, message in (
        ("templates", _reference(template),
         f"Input Error - field 'templates': endpoint_sip was not found ('templates': {{'uuid': {nobody}}})"),
        ("transport", None, f"Input Error - field 'transport': SIPTransport was not found ('uuid': {nobody})"),
        ("name", _name(), f"Resource Error - SIPEndpoint already exists ('name': '{taken}')"),
        ("auth_section_options", [], "Input Error - 'auth_section_options: invalid variable (type)' must be one of ("),
        ("endpoint_section_options", [],
         "Input Error - 'endpoint_section_options: invalid variable (nonsense)' must be one of ("),
    ):  # fmt: skip
        assert refusal(world.call, f"{kind}.create", body=body).startswith(message)
        assert refusal(world.call, f"{kind}.update", uuid=made["uuid"], body=body).startswith(message)
        body[field] = value
    assert world.call(f"{kind}.create", body=body)["templates"] == [{"uuid": template["uuid"], "label": None}]


@pytest.mark.parametrize(
    ("section", "legal", "illegal"),
    [
        ("aor", ["max_contacts", "contact", "@custom"], ["type", "nonsense"]),
        ("auth", ["username", "password", "realm"], ["type", "@custom", "max_contacts"]),
        ("endpoint", ["callerid", "webrtc", "set_var", "@custom"], ["type", "username"]),
        ("identify", ["match", "endpoint", "srv_lookups", "match_header"], ["type", "@custom", "nonsense"]),
        ("registration", ["client_uri", "line", "support_outbound", "max_retries"], ["type", "endpoint", "@custom"]),
        ("registration_outbound_auth", ["username", "password"], ["type", "client_uri"]),
        ("outbound_auth", ["username", "auth_type"], ["type", "@custom"]),
    ],
)
@KINDS
def test_a_section_knows_its_options(kind: str, section: str, legal: list[str], illegal: list[str], call: Call) -> None:
    field = f"{section}_section_options"
    pairs = [[key, "any value"] for key in [*legal, *legal]]
    assert call(f"{kind}.create", body={field: pairs})[field] == pairs
    for key in illegal:
        message = refusal(call, f"{kind}.create", body={field: [[key, "x"]]})
        assert message.startswith(f"Input Error - '{field}: invalid variable ({key})' must be one of (")
        assert ", type," not in message


def test_sections_are_checked_in_their_order(call: Call) -> None:
    body = {section: [["type", "x"]] for section in SECTIONS}
    for section in SECTIONS:
        assert f"'{section}: invalid variable (type)'" in refusal(call, "endpoints_sip.create", body=body)
        del body[section]


def test_what_is_given_is_replaced_and_what_is_left_out_stays(world: World, system: System) -> None:
    with system.database() as cursor:
        cursor.execute("SELECT uuid::text FROM sip_transports WHERE name = 'transport-udp'")
        transport = {"uuid": cursor.fetchone()[0]}
    first, second = world.template(label="first"), world.template(label="second")
    whole = {
        "label": "phone", "aor_section_options": [["max_contacts", "1"]], "templates": [first, second],
        "transport": {**transport, "name": "ignored"},
    }  # fmt: skip
    uuid_ = world.endpoint(**whole)["uuid"]

    def after(**change: Any) -> dict[str, Any]:
        world.call("endpoints_sip.update", uuid=uuid_, body=change)
        shown = world.call("endpoints_sip.get", uuid=uuid_)
        world.call("endpoints_sip.update", uuid=uuid_, body=shown)
        assert world.call("endpoints_sip.get", uuid=uuid_) == shown
        return shown

    shown = after()
    assert [each["label"] for each in shown["templates"]] == ["first", "second"]
    assert (shown["label"], shown["transport"]) == ("phone", transport)
    assert shown["aor_section_options"] == [["max_contacts", "1"]]
    swapped = after(templates=_reference(second, first))
    assert [each["label"] for each in swapped["templates"]] == ["second", "first"]
    cleared = after(templates=[], transport=None, aor_section_options=[], label=None)
    assert (cleared["templates"], cleared["transport"], cleared["label"]) == ([], None, None)
    assert cleared["aor_section_options"] == []


def test_options_are_handed_down_depth_first_and_merged_one_a_key(world: World) -> None:
    def template(*parents: dict[str, Any], **sections: Any) -> dict[str, Any]:
        return world.template(templates=_reference(*parents), **sections)

    base = template(endpoint_section_options=[["language", "fr_FR"], ["allow", "base"]])
    upper = template(base, endpoint_section_options=[["allow", "upper"], ["webrtc", "yes"]])
    other = template(
        endpoint_section_options=[["allow", "other"], ["device_state_busy_at", "2"]],
        identify_section_options=[["match", "1"], ["match", "2"]],
    )
    own = {"endpoint_section_options": [["webrtc", "no"]], "aor_section_options": [["max_contacts", "2"]]}
    endpoint = world.endpoint(templates=_reference(upper, other), **own)
    assert endpoint["endpoint_section_options"] == own["endpoint_section_options"]
    merged = world.call("endpoints_sip.get", uuid=endpoint["uuid"], view="merged")
    assert merged["endpoint_section_options"] == [
        ["language", "fr_FR"], ["allow", "other"], ["webrtc", "no"], ["device_state_busy_at", "2"],
    ]  # fmt: skip
    assert merged["identify_section_options"] == [["match", "2"]]
    assert merged["aor_section_options"] == own["aor_section_options"]
    world.call("endpoints_sip_templates.update", uuid=base["uuid"], body={"aor_section_options": [["contact", "x"]]})
    merged = world.call("endpoints_sip.get", uuid=endpoint["uuid"], view="merged")
    assert merged["aor_section_options"] == [["contact", "x"], ["max_contacts", "2"]]
    world.call("endpoints_sip_templates.delete", uuid=upper["uuid"])
    shown = world.call("endpoints_sip.get", uuid=endpoint["uuid"])
    assert [each["uuid"] for each in shown["templates"]] == [other["uuid"]]


def test_a_line_reads_the_nearest_caller_id_and_whether_it_is_webrtc(world: World) -> None:
    webrtc = {"endpoint_section_options": [["webrtc", "yes"]]}
    deep = world.template(endpoint_section_options=[["webrtc", "yes"], ["callerid", '"deep" <1>']])
    upper = world.template(templates=_reference(deep), endpoint_section_options=[["language", "fr_FR"]])
    other = world.template(endpoint_section_options=[["callerid", '"other" <2>']])
    endpoint = world.endpoint(templates=_reference(upper, other))
    line = world.bare_line()
    world.call("line_endpoints_sip.associate", line_id=line["id"], endpoint_uuid=endpoint["uuid"])

    def shown() -> tuple[Any, ...]:
        found = world.call("lines.get", id=line["id"])
        return found["caller_id_name"], found["caller_id_num"], found["is_webrtc"]

    assert shown() == ("deep", "1", True)
    world.call("endpoints_sip_templates.update", uuid=deep["uuid"], body={"endpoint_section_options": []})
    assert shown() == ("other", "2", False)
    for with_it, without in ((deep, upper), (upper, deep)):
        world.call("endpoints_sip_templates.update", uuid=with_it["uuid"], body=webrtc)
        world.call("endpoints_sip_templates.update", uuid=without["uuid"], body={"endpoint_section_options": []})
        assert shown() == ("other", "2", True)
    own = {"endpoint_section_options": [["callerid", '"own" <3>'], ["webrtc", "no"]]}
    world.call("endpoints_sip.update", uuid=endpoint["uuid"], body=own)
    assert shown() == ("own", "3", False)


def test_a_template_does_not_include_itself_by_any_way(world: World) -> None:
    base = world.template()
    middle = world.template(templates=_reference(base))
    top = world.template(templates=_reference(middle))
    refused = "Resource Error - Operation not permitted. "
    for included, message in (
        (base, "Cannot use itself as template"),
        (middle, f"SIPEndpointTemplate({middle['uuid']}) already include this template"),
        (top, f"SIPEndpointTemplate({middle['uuid']}) already include this template"),
    ):
        body = {"templates": _reference(included)}
        assert refusal(world.call, "endpoints_sip_templates.update", uuid=base["uuid"], body=body) == refused + message
    world.call("endpoints_sip_templates.update", uuid=top["uuid"], body={"templates": _reference(base, middle)})


def test_an_endpoint_takes_templates_of_its_tenant_alone(world: World, tenant: str, system: System) -> None:
    below = world.template()
    parent = str(uuid.uuid4())
    body = {"templates": _reference(below)}
    message = f"field 'templates': endpoint_sip was not found ('templates': {{'uuid': UUID('{below['uuid']}')}})"
    with system.client(parent, visible_tenants=[parent, tenant]) as above:
        there = World(above.call)
        for kind in ("endpoints_sip", "endpoints_sip_templates"):
            assert refusal(above.call, f"{kind}.create", body=body) == f"Input Error - {message}"
            made = above.call(f"{kind}.create", body={})
            assert refusal(above.call, f"{kind}.update", uuid=made["uuid"], body=body) == f"Input Error - {message}"
        own = there.template()
        body = {"templates": _reference(own)}
        assert "endpoint_sip was not found" in refusal(world.call, "endpoints_sip.create", body=body)
        assert "was not found" in refusal(world.call, "endpoints_sip_templates.get", uuid=own["uuid"])
    not_a_template = {"templates": _reference(world.endpoint())}
    assert "endpoint_sip was not found" in refusal(world.call, "endpoints_sip.create", body=not_a_template)


def test_endpoints_and_templates_do_not_see_each_other(world: World) -> None:
    endpoint, template = world.endpoint()["uuid"], world.template()["uuid"]
    for kind, label, uuid_ in (
        ("endpoints_sip", "SIPEndpoint", template), ("endpoints_sip_templates", "SIPEndpointTemplate", endpoint),
    ):  # fmt: skip
        message = f"Resource Not Found - {label} was not found ('uuid': UUID('{uuid_}'))"
        assert refusal(world.call, f"{kind}.get", uuid=uuid_) == message
        assert refusal(world.call, f"{kind}.update", uuid=uuid_, body={}) == message
        assert refusal(world.call, f"{kind}.delete", uuid=uuid_) == message
        assert world.call(f"{kind}.list")["total"] == 1


def test_events_of_endpoints_tell_names_and_no_passwords_and_those_of_templates_nothing(
    world: World, told: Told, tenant: str
) -> None:
    body = {
        "name": _name(), "label": "phone", "auth_section_options": [["username", "a"], ["password", "secret"]],
        "registration_section_options": [["client_uri", "sip:a"], ["line", "yes"]],
    }  # fmt: skip
    whole = {"tenant_uuid": tenant, "user_uuid:*": True}
    heard = told("endpoints_sip.create", body=body)
    uuid_ = world.call("endpoints_sip.list")["items"][0]["uuid"]
    event = {
        "uuid": uuid_, "tenant_uuid": tenant, "name": body["name"], "label": "phone",
        "auth_section_options": [["username", "a"]], "registration_section_options": [["client_uri", "sip:a"]],
        "trunk": None, "line": None,
    }  # fmt: skip
    assert heard == [Heard("sip_endpoint_created", "config.sip_endpoint.created", whole, event)]
    line = world.bare_line()["id"]
    world.call("line_endpoints_sip.associate", line_id=line, endpoint_uuid=uuid_)
    on_line = event | {"line": {"id": line}}
    edited, deleted = (
        Heard(f"sip_endpoint_{what}", f"config.sip_endpoint.{what}", whole, on_line) for what in ("edited", "deleted")
    )
    assert told("endpoints_sip.update", uuid=uuid_, body={}) == [edited]
    assert told("endpoints_sip.delete", uuid=uuid_) == [deleted]

    heard = told("endpoints_sip_templates.create", body={})
    template = world.call("endpoints_sip_templates.list")["items"][0]["uuid"]
    heard += told("endpoints_sip_templates.update", uuid=template, body={})
    heard += told("endpoints_sip_templates.delete", uuid=template)
    assert heard == [
        Heard(f"sip_endpoint_template_{what}", f"config.sip_endpoint_template.{what}", whole, {})
        for what in ("created", "edited", "deleted")
    ]


def test_a_line_follows_the_edit_of_its_endpoint(world: World, told: Told) -> None:
    line, name = world.line(), _name()
    world.have(world.user(), line)
    change = {"name": name, "endpoint_section_options": [["callerid", '"Else" <1>'], ["language", "fr_FR"]]}
    assert names(told("endpoints_sip.update", uuid=line["endpoint_sip"]["uuid"], body=change)) == [
        "sip_endpoint_edited"
    ]
    shown = world.call("endpoints_sip.get", uuid=line["endpoint_sip"]["uuid"])
    assert shown["endpoint_section_options"] == [["callerid", '"Alice Martin"'], ["language", "fr_FR"]]
    assert shown["line"] == {"id": line["id"], "links": line["links"]}
    assert world.call("lines.get", id=line["id"])["name"] == name


def test_a_summary_of_an_endpoint_shows_the_username_alone(world: World) -> None:
    auth = [["username", "a"], ["password", "secret"], ["username", "b"]]
    line = world.line(endpoint_sip={"auth_section_options": auth})
    shown = world.call("lines.get", id=line["id"])["endpoint_sip"]
    assert shown["auth_section_options"] == [["username", "a"], ["username", "b"]]


def test_endpoints_are_found_by_label_name_and_uuid(world: World) -> None:
    a, b = world.endpoint(label="Été", name=_name()), world.endpoint(label="b", asterisk_id="x")
    world.template(label="été")

    def found(**given: Any) -> list[str]:
        return [each["uuid"] for each in world.call("endpoints_sip.list", **given)["items"]]

    both = [b["uuid"], a["uuid"]]
    for given, expected in (
        ({"search": "ete"}, [a]), ({"search": "false"}, [a, b]), ({"search": "true"}, []), ({"search": "X"}, [b]),
        ({"name": a["name"]}, [a]), ({"label": "b"}, [b]), ({"asterisk_id": "x"}, [b]), ({"uuid": a["uuid"]}, [a]),
        ({"uuid": f"42,{b['uuid']},{a['uuid'].upper()}"}, [a, b]), ({"uuid": "42"}, []), ({"template": True}, [a, b]),
    ):  # fmt: skip
        assert set(found(**given)) == {each["uuid"] for each in expected}, given
    assert set(found(order="label")) == set(both)
    assert found(order="asterisk_id")[0] == b["uuid"]
    assert found(order="asterisk_id", direction="desc")[0] == a["uuid"]
    labels = [world.endpoint(label=text)["label"] for text in ("d", "c")]
    listed = [each["label"] for each in world.call("endpoints_sip.list", limit=3)["items"]]
    assert listed[:3] == ["b", *reversed(labels)]
