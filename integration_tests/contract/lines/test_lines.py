"""Lines: fields, rules, what is made with them, and how the caller ID of their endpoint is read and written."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from confd_worker.conformance.system import System

from ..world import Call, Heard, World, names, refusal

Told = Callable[..., list[Heard]]

SHOWN = [
    "id",
    "tenant_uuid",
    "name",
    "protocol",
    "device_id",
    "device_slot",
    "provisioning_extension",
    "context",
    "provisioning_code",
    "position",
    "caller_id_name",
    "caller_id_num",
    "registrar",
    "links",
    "application",
    "endpoint_sip",
    "endpoint_sccp",
    "endpoint_custom",
    "extensions",
    "users",
    "is_webrtc",
    "revision",
]
AT_LEAST_1 = "[{'constraint_id': 'range', 'constraint': {'min': 1}, 'message': 'Must be greater than or equal to 1.'}]"
NO_ENDPOINT = "Cannot set caller id if no endpoint associated"


def _caller_id(call: Call, line: dict[str, Any]) -> list[str]:
    endpoint = call("endpoints_sip.get", uuid=line["endpoint_sip"]["uuid"])
    return [value for key, value in endpoint["endpoint_section_options"] if key == "callerid"]


def test_a_line_has_the_fields_of_the_contract_in_its_order_and_its_defaults(world: World) -> None:
    line = world.bare_line()
    assert list(line) == SHOWN
    assert 100_000 <= int(line["provisioning_code"]) <= 999_999
    assert line["provisioning_extension"] == line["provisioning_code"]
    assert (line["position"], line["device_slot"], line["registrar"]) == (1, 1, "default")
    assert (line["extensions"], line["users"], line["is_webrtc"]) == ([], [], False)
    null = ("name", "protocol", "device_id", "caller_id_name", "caller_id_num", "application", "endpoint_sip")
    assert [line[name] for name in null] == [None] * 7
    assert line["tenant_uuid"] == world.context["tenant_uuid"]
    assert line["links"] == [{"rel": "lines", "href": f"/lines/{line['id']}"}]
    assert world.call("lines.get", id=line["id"]) == line


BAD_FIELDS = [
    ("context", None, "['Field may not be null.']"),
    ("position", 0, AT_LEAST_1),
    ("position", "x", "['Not a valid integer.']"),
    ("provisioning_code", "12345", "['Length must be 6.']"),
    ("provisioning_code", "12345x", "['Invalid input.']"),
    ("caller_id_name", 5, "['Not a valid string.']"),
    ("caller_id_num", "x", "['Invalid input.']"),
    ("registrar", "x" * 129, "['Longer than maximum length 128.']"),
]


@pytest.mark.parametrize(("field", "value", "detail"), BAD_FIELDS)
def test_a_bad_field_is_refused(field: str, value: Any, detail: str, world: World) -> None:
    body = {"context": world.context["name"], field: value}
    assert refusal(world.call, "lines.create", body=body) == f"Input Error - {field}: {detail}"
    line = world.line()
    assert refusal(world.call, "lines.update", id=line["id"], body={field: value}) == f"Input Error - {field}: {detail}"


def test_null_means_the_default_when_a_line_is_made_and_is_refused_when_it_is_changed(world: World) -> None:
    fields = ("provisioning_code", "position", "registrar")
    line = world.bare_line(**dict.fromkeys((*fields, "caller_id_name", "caller_id_num", "endpoint_sip")))
    assert (line["position"], line["registrar"], line["endpoint_sip"]) == (1, "default", None)
    for field in fields:
        message = f"Input Error - {field}: ['Field may not be null.']"
        assert refusal(world.call, "lines.update", id=line["id"], body={field: None}) == message


def test_the_rules_are_checked_in_the_order_of_the_contract(world: World) -> None:
    code = world.bare_line()["provisioning_code"]
    # No code that is made by the server begins with 0.
    free = f"{uuid.uuid4().int % 100_000:06}"
    body = {"provisioning_code": code, "registrar": "none", "context": "nowhere", "caller_id_name": "Alice"}
    line = world.bare_line()
    for field, value, message in (
        ("provisioning_code", free, f"Resource Error - Line already exists ('provisioning_code': '{code}')"),
        (
            "registrar", "default",
            "Input Error - field 'registrar': Registrar was not found ('registrar': 'none')",
        ),
        (
            "context", world.context["name"],
            "Input Error - field 'context': Context was not found ('context': 'nowhere')",
        ),
        ("caller_id_name", None, NO_ENDPOINT),
    ):  # fmt: skip
        assert refusal(world.call, "lines.create", body=body) == message
        assert refusal(world.call, "lines.update", id=line["id"], body=body) == message
        body[field] = value
    assert world.call("lines.list")["total"] == 2
    assert world.call("lines.create", body=body)["provisioning_code"] == free
    assert world.call("lines.get", id=line["id"]) == line


REFUSED_WITH_PARTS = [
    (
        {"endpoint_sip": {}, "endpoint_sccp": {"options": []}},
        "Input Error - _schema: ['Only one endpoint should be configured on a line']",
    ),
    (
        {"endpoint_sip": {}, "endpoint_custom": {"interface": "local/1"}},
        "Input Error - _schema: ['Only one endpoint should be configured on a line']",
    ),
    (
        {"caller_id_name": "A", "endpoint_sip": {"endpoint_section_options": [["callerid", '"B"']]}},
        "Input Error - _schema: ['Ambiguous caller ID: line.caller_id_name = A "
        "endpoint_sip.endpoint_section_options[\"callerid\"] = \"B\"']",
    ),
    (
        {"caller_id_name": "A", "endpoint_sccp": {"options": [["cid_name", "B"]]}},
        "Input Error - _schema: ['Ambiguous caller ID: line.caller_id_name = A "
        "endpoint_sccp.options[\"cid_name\"] = B']",
    ),
    ({"endpoint_sip": {"name": "a b"}}, "Input Error - endpoint_sip: {'name': ['Not a valid Asterisk section name']}"),
    ({"extensions": None, "endpoint_sip": {}}, "Input Error - extensions: ['Field may not be null.']"),
    ({"extensions": [{}]}, "Input Error - extensions: {0: {'exten': ['Missing data for required field.']}}"),
    (
        {"extensions": [{"exten": "XXXX"}], "endpoint_sip": {}},
        "exten: ['String does not match expected pattern.']",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("body", "message"), REFUSED_WITH_PARTS, ids=lambda given: str(given)[:50])
def test_a_line_is_refused_for_what_comes_with_it(body: dict[str, Any], message: str, world: World) -> None:
    complete = {"context": world.context["name"], **body}
    assert refusal(world.call, "lines.create", body=complete) == message
    for resource in ("lines", "endpoints_sip", "extensions"):
        assert world.call(f"{resource}.list")["total"] == 0


def test_a_line_is_refused_for_an_option_of_its_endpoint(world: World) -> None:
    endpoint = {"endpoint_section_options": [["nonsense", "x"]]}
    body = {"context": world.context["name"], "endpoint_sip": endpoint, "extensions": [{"exten": "1000"}]}
    message = "Input Error - 'endpoint_section_options: invalid variable (nonsense)' must be one of (100rel, "
    assert refusal(world.call, "lines.create", body=body).startswith(message)
    for resource in ("lines", "endpoints_sip", "extensions"):
        assert world.call(f"{resource}.list")["total"] == 0


@pytest.mark.parametrize("nothing", [{}, [], None, "", 0, False], ids=str)
def test_an_empty_endpoint_counts_for_sip_and_not_for_sccp(nothing: Any, world: World) -> None:
    line = world.bare_line(endpoint_sip={}, endpoint_sccp=nothing, endpoint_custom=None)
    assert line["endpoint_sip"]["endpoint_section_options"] == [["context", world.context["name"]]]
    assert (line["protocol"], line["name"]) == ("sip", line["endpoint_sip"]["name"])


def test_extensions_of_a_new_line_keep_the_rules_of_the_association(world: World) -> None:
    def refused(*extensions: dict[str, Any], **more: Any) -> str:
        body = {"context": world.context["name"], "endpoint_sip": {}, "extensions": list(extensions), **more}
        return refusal(world.call, "lines.create", body=body)

    name = world.context["name"]
    assert refused({"exten": "5000"}) == f"Input Error - Extension '5000' is outside of range for context '{name}'"
    assert "Resource Error - Line must be associated with a Endpoint" in refused({"exten": "1000"}, endpoint_sip=None)
    assert "Resource Error - Line is associated with a Extension" in refused({"exten": "1000"}, {"exten": "1001"})
    incall = world.a_context(type="incall", incall_ranges=[{"start": "1000"}])["name"]
    message = refused({"exten": "1000", "context": incall})
    assert message.startswith("Resource Error - ContextType 'incall' cannot be associated ('id': ")
    assert message.endswith(f", 'context': '{incall}')")
    for resource in ("lines", "endpoints_sip", "extensions"):
        assert world.call(f"{resource}.list")["total"] == 0


def test_a_new_line_takes_an_extension_that_is_there_or_makes_one(world: World) -> None:
    present = world.extension("1000")
    line = world.line(extensions=[{"exten": "1000"}])
    assert [each["id"] for each in line["extensions"]] == [present["id"]]
    made = world.line(extensions=[{"exten": "1001", "context": world.context["name"], "enabled": False}])
    assert (made["extensions"][0]["exten"], made["extensions"][0]["enabled"]) == ("1001", False)
    assert world.line(extensions=[{"exten": "1002"}])["extensions"][0]["enabled"] is True
    assert made["extensions"][0]["lines"] == [{"id": made["id"], "name": made["name"], "links": made["links"]}]
    assert made["endpoint_sip"] == world.call("endpoints_sip.get", uuid=made["endpoint_sip"]["uuid"])
    shown = world.call("lines.get", id=made["id"])
    assert list(shown["endpoint_sip"]) == ["uuid", "label", "name", "auth_section_options", "links"]
    assert list(shown["extensions"][0]) == ["id", "exten", "context", "links"]


def test_a_line_with_all_its_parts_tells_of_each_in_the_order_of_their_making(world: World, told: Told) -> None:
    context = world.context["name"]
    body = {
        "context": context, "caller_id_name": "Alice", "endpoint_sip": {"label": "phone"},
        "extensions": [{"exten": "1000"}],
    }  # fmt: skip
    heard = told("lines.create", body=body)
    [line] = world.call("lines.list")["items"]
    endpoint, extension, tenant = line["endpoint_sip"], line["extensions"][0], line["tenant_uuid"]
    whole = {"tenant_uuid": tenant, "user_uuid:*": True}
    line_body = {"id": line["id"], "protocol": "sip", "name": line["name"], "tenant_uuid": tenant}
    associated = f"config.lines.{line['id']}.endpoints.sip.{endpoint['uuid']}.updated"
    told_of = {"uuid": endpoint["uuid"], "tenant_uuid": tenant, "name": endpoint["name"], "label": "phone"}
    extension_body = {"id": extension["id"], "exten": "1000", "context": context}
    both = {"line_id": line["id"], "extension_id": extension["id"]}
    assert heard == [
        Heard("line_created", "config.line.created", whole, line_body | {"protocol": None, "name": None}),
        Heard("sip_endpoint_created", "config.sip_endpoint.created", whole, {
            **told_of, "auth_section_options": [], "registration_section_options": [], "trunk": None, "line": None,
        }),
        Heard("line_endpoint_sip_associated", associated, whole, {
            "line": {"id": line["id"], "tenant_uuid": tenant, "name": line["name"]},
            "endpoint_sip": {**told_of, "auth_section_options": []},
        }),
        Heard("line_edited", "config.line.edited", whole, line_body),
        Heard("extension_created", "config.extensions.created", whole, extension_body),
        Heard("line_extension_associated", "config.line_extension_associated.updated", whole, both),
    ]  # fmt: skip
    assert names(told("lines.update", id=line["id"], body={})) == ["line_edited"]


def test_no_edit_is_told_of_a_new_line_without_caller_id(world: World, told: Told) -> None:
    context = world.context["name"]
    heard = told("lines.create", body={"context": context, "endpoint_sip": {}, "caller_id_num": None})
    assert names(heard) == ["line_created", "sip_endpoint_created", "line_endpoint_sip_associated"]
    assert names(told("lines.create", body={"context": context, "caller_id_num": "55"})) == ["line_created"]


@pytest.mark.parametrize(
    ("given", "written", "read"),
    [
        ({"caller_id_name": "Alice", "caller_id_num": "55"}, ['"Alice" <55>'], ("Alice", "55")),
        ({"caller_id_name": "Alice"}, ['"Alice" <None>'], ("Alice", None)),
        ({"caller_id_num": "55"}, ['"" <55>'], (None, "55")),
        ({}, [], (None, None)),
    ],
)
def test_the_caller_id_of_a_new_line_is_written_to_its_endpoint(
    given: dict[str, str], written: list[str], read: tuple[str | None, str | None], world: World
) -> None:
    line = world.line(**given)
    options = [["context", world.context["name"]], *(["callerid", each] for each in written)]
    assert line["endpoint_sip"]["endpoint_section_options"] == options
    assert (line["caller_id_name"], line["caller_id_num"]) == read
    without = world.bare_line(caller_id_num=given.get("caller_id_num"))
    assert (without["caller_id_name"], without["caller_id_num"]) == (None, None)


@pytest.mark.parametrize(
    ("option", "change", "written"),
    [
        ('"A" <1>', {"caller_id_name": "B"}, '"B" <1>'),
        ('"A" <1>', {"caller_id_num": "2"}, '"A" <2>'),
        ('"A"', {"caller_id_num": "2"}, '"A" <2>'),
        ('"A" <+331>', {"caller_id_name": "B"}, '"B" <+331>'),
        ('"A" <None>', {"caller_id_num": "2"}, '"A" <2>'),
        ("wazo", {"caller_id_name": "B"}, '"B" <None>'),
        (None, {"caller_id_name": "B"}, '"B" <None>'),
        ('"A" <1>', {"caller_id_name": "B", "caller_id_num": "2"}, '"B" <2>'),
    ],
)
def test_a_change_of_one_half_of_the_caller_id_keeps_the_other(
    option: str | None, change: dict[str, str], written: str, world: World
) -> None:
    options = [["callerid", option]] if option else []
    line = world.line(endpoint_sip={"endpoint_section_options": [*options, ["language", "fr_FR"]]})
    world.call("lines.update", id=line["id"], body=change)
    assert _caller_id(world.call, line) == [written]
    # The other options stay in their order, the caller ID in its place.
    shown = world.call("endpoints_sip.get", uuid=line["endpoint_sip"]["uuid"])["endpoint_section_options"]
    keys = [key for key, _ in shown]
    assert keys == (["callerid"] if option else []) + ["language", "context"] + ([] if option else ["callerid"])


@pytest.mark.parametrize(
    ("option", "read"),
    [('"A" <1>', ("A", "1")), ('"A"', (None, None)), ('"A" <None>', ("A", None)), ("wazo", (None, None)),
     ('"A "B" C" <1>', ('A "B" C', "1"))],
)  # fmt: skip
def test_the_caller_id_is_read_from_the_option(option: str, read: tuple[str | None, str | None], world: World) -> None:
    line = world.line(endpoint_sip={"endpoint_section_options": [["callerid", option]]})
    assert (line["caller_id_name"], line["caller_id_num"]) == read


CALLER_ID_RULES = [
    ("bare_line", {"caller_id_name": "A"}, NO_ENDPOINT),
    ("bare_line", {"caller_id_num": "1"}, NO_ENDPOINT),
    ("line", {"caller_id_name": None}, "Cannot set caller id to None"),
    ("line", {"caller_id_num": None}, "Cannot set caller id num to None"),
    ("line", {"caller_id_num": None, "caller_id_name": None}, "Cannot set caller id to None"),
]


@pytest.mark.parametrize(("kind", "body", "message"), CALLER_ID_RULES)
def test_a_caller_id_needs_an_endpoint_and_does_not_go_away(
    kind: str, body: dict[str, Any], message: str, world: World
) -> None:
    line = getattr(world, kind)()
    assert refusal(world.call, "lines.update", id=line["id"], body=body) == message
    assert refusal(world.call, "lines.update", id=line["id"], body={"position": 2, **body}) == message
    assert world.call("lines.get", id=line["id"])["position"] == 1


def test_what_is_read_of_a_line_can_be_put_back(world: World) -> None:
    line = world.line(caller_id_name="A", caller_id_num="1", extensions=[{"exten": "1000"}])
    user = world.user(caller_id='"A" <1>')
    world.have(user, line)
    for shown in (world.call("lines.get", id=line["id"]), world.bare_line()):
        world.call("lines.update", id=shown["id"], body=shown)
        assert world.call("lines.get", id=shown["id"]) == shown
    ignored: dict[str, Any] = {
        "endpoint_sip": None,
        "extensions": [],
        "users": [],
        "endpoint_custom": {"interface": "x"},
    }
    world.call("lines.update", id=line["id"], body=ignored)
    assert world.call("lines.get", id=line["id"])["users"][0]["uuid"] == user["uuid"]


def test_a_line_deleted_takes_its_endpoint_and_leaves_users_and_extension(world: World, told: Told) -> None:
    user, line, other = world.user(), world.line(), world.line()
    extension = world.number(line)
    world.have(user, line)
    world.have(user, other)
    assert names(told("lines.delete", id=line["id"])) == ["user_line_dissociated", "line_deleted"]
    assert world.call("extensions.get", id=extension["id"])["lines"] == []
    assert [each["id"] for each in world.call("users.get", id=user["id"])["lines"]] == [other["id"]]
    left = world.call("endpoints_sip.list")["items"]
    assert [each["uuid"] for each in left] == [other["endpoint_sip"]["uuid"]]
    [directory] = world.call("users.list", view="directory")["items"]
    assert directory["line_id"] == other["id"]


def test_a_line_deleted_recursively_leaves_the_extension_that_another_line_has(world: World, told: Told) -> None:
    shared, mine = world.line(extensions=[{"exten": "1000"}]), world.line(extensions=[{"exten": "1000"}])
    assert names(told("lines.delete", id=mine["id"], recursive="true")) == [
        "line_extension_dissociated", "line_endpoint_sip_dissociated", "sip_endpoint_deleted", "line_deleted",
    ]  # fmt: skip
    assert world.call("extensions.list")["total"] == 1
    world.have(world.user(), shared)
    heard = told("lines.delete", id=shared["id"], recursive=True)
    assert names(heard) == [
        "user_line_dissociated", "line_extension_dissociated", "extension_deleted", "line_endpoint_sip_dissociated",
        "sip_endpoint_deleted", "line_deleted",
    ]  # fmt: skip
    assert heard[-1].body["id"] == shared["id"]
    assert world.call("extensions.list")["total"] == 0


@pytest.mark.parametrize("recursive", ["false", "true"])
def test_a_line_with_a_secondary_user_is_not_deleted(recursive: str, world: World) -> None:
    line = world.line()
    for firstname in ("Alice", "Bob"):
        world.have(world.user(firstname=firstname), line)
    message = f"Resource Error - There are secondary users associated to the line ('line_id': {line['id']})"
    assert refusal(world.call, "lines.delete", id=line["id"], recursive=recursive) == message


def test_a_line_without_its_endpoint_stays_and_goes_with_its_context(world: World) -> None:
    line = world.line()
    world.call("endpoints_sip.delete", uuid=line["endpoint_sip"]["uuid"])
    shown = world.call("lines.get", id=line["id"])
    assert (shown["endpoint_sip"], shown["name"], shown["protocol"]) == (None, None, None)
    world.call("contexts.delete", id=world.context["id"])
    message = f"Resource Not Found - Line was not found ('id': {line['id']})"
    assert refusal(world.call, "lines.get", id=line["id"]) == message


def test_lines_are_found_by_what_they_and_their_endpoint_show(world: World) -> None:
    a = world.line(endpoint_sip={"name": f"a-{uuid.uuid4().hex}"}, caller_id_name="Zoë", caller_id_num="77")
    b = world.line(position=2, extensions=[{"exten": "_1XXX"}], endpoint_sip={"name": f"b-{uuid.uuid4().hex}"})
    bare = world.bare_line(position=10)

    def ids(**given: Any) -> list[int]:
        return [line["id"] for line in world.call("lines.list", **given)["items"]]

    assert ids() == [a["id"], b["id"], bare["id"]]
    assert ids(direction="desc") == [bare["id"], b["id"], a["id"]]
    for given, expected in (
        ({"search": "zoe"}, [a]), ({"search": "1xxx"}, [b]), ({"search": a["name"][:20].upper()}, [a]),
        ({"search": "sip"}, [a, b]), ({"name": b["name"]}, [b]), ({"caller_id_name": "Zoë"}, [a]),
        ({"caller_id_name": "Zoe"}, []), ({"caller_id_num": "77"}, [a]), ({"exten": "_1XXX"}, [b]),
        ({"position": "10"}, [bare]), ({"device_slot": 2}, [b]), ({"position": "x"}, []), ({"protocol": "sip"}, [a, b]),
        ({"provisioning_code": a["provisioning_code"]}, [a]), ({"provisioning_extension": "x"}, []),
        ({"context": world.context["name"], "position": 2}, [b]), ({"device_id": "x"}, []),
    ):  # fmt: skip
        assert ids(**given) == [line["id"] for line in expected], given
    assert ids(order="position") == [a["id"], b["id"], bare["id"]]
    assert ids(order="exten")[0] == b["id"]
    world.call("extensions.update", id=b["extensions"][0]["id"], body={"enabled": False})
    assert ids(exten="_1XXX") == []


def test_the_context_of_a_line_says_in_which_tenant_it_is(world: World, tenant: str, system: System) -> None:
    parent = str(uuid.uuid4())
    with system.client(parent, visible_tenants=[parent, tenant]) as above:
        there = World(above.call)
        own = there.bare_line()
        message = f"Resource Not Found - Line was not found ('id': {own['id']})"
        assert refusal(world.call, "lines.get", id=own["id"]) == message
        message = f"Input Error - field 'context': Context was not found ('context': '{own['context']}')"
        assert refusal(world.call, "lines.create", body={"context": own["context"]}) == message

        below = above.call("lines.create", body={"context": world.context["name"]})
        assert below["tenant_uuid"] == tenant
        assert [line["id"] for line in above.call("lines.list")["items"]] == [own["id"]]
        above.call("lines.update", id=below["id"], body={"position": 3})
        assert world.call("lines.get", id=below["id"])["position"] == 3

        # The endpoint is the caller's, the line is not.
        body = {"context": world.context["name"], "endpoint_sip": {}}
        told = f"('line_tenant_uuid': '{tenant}', 'endpoint_tenant_uuid': '{parent}')"
        assert refusal(above.call, "lines.create", body=body) == f"Resource Error - different tenants {told}"
        told = f"('current_tenant_uuid': '{parent}', 'context_tenant_uuid': '{tenant}')"
        body = {"context": world.context["name"]}
        message = f"Resource Error - different tenants {told}"
        assert refusal(above.call, "lines.update", id=own["id"], body=body) == message
