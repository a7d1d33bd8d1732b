"""Extensions: patterns, contexts and ranges, and what becomes of lines."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from confd_worker.conformance.system import System

from ..world import Heard, World, names, refusal

Told = Callable[..., list[Heard]]

SHOWN = [
    "id",
    "tenant_uuid",
    "exten",
    "context",
    "commented",
    "enabled",
    "links",
    "conference",
    "parking_lot",
    "group",
    "incall",
    "lines",
    "outcall",
    "queue",
    "revision",
]
NO_PATTERN = "exten: ['String does not match expected pattern.']"


def test_an_extension_has_the_fields_of_the_contract_in_its_order_and_its_defaults(world: World) -> None:
    extension = world.extension("1000")
    assert list(extension) == SHOWN
    assert (extension["commented"], extension["enabled"], extension["lines"]) == (False, True, [])
    assert [extension[name] for name in ("conference", "parking_lot", "group", "incall", "outcall", "queue")] == [
        None
    ] * 6
    assert extension["links"] == [{"rel": "extensions", "href": f"/extensions/{extension['id']}"}]
    assert extension["tenant_uuid"] == world.context["tenant_uuid"]


@pytest.mark.parametrize(
    ("field", "value", "detail"),
    [
        ("exten", None, "['Field may not be null.']"),
        ("exten", 1000, "['Not a valid string.']"),
        ("exten", "1" * 41, "['Longer than maximum length 40.']"),
        ("context", None, "['Field may not be null.']"),
        ("enabled", None, "['Field may not be null.']"),
        ("enabled", "perhaps", "['Not a valid boolean.']"),
        ("commented", 5, "['Not a valid boolean.']"),
    ],
)
def test_a_bad_field_is_refused(field: str, value: Any, detail: str, world: World) -> None:
    extension = world.extension("1000")
    body = {"exten": "1001", "context": extension["context"], field: value}
    message = f"Input Error - {field}: {detail}"
    assert refusal(world.call, "extensions.create", body=body) == message
    assert refusal(world.call, "extensions.update", id=extension["id"], body={field: value}) == message


@pytest.mark.parametrize("type_", ["internal", "incall", "outcall", "services", "others"])
@pytest.mark.parametrize(
    ("exten", "legal", "legal_in_outcall"),
    [
        ("1000", True, True), ("*#", True, True), ("_XXXX", True, True), ("_X.", True, True), ("_[1-3]!", True, True),
        ("XXXX", False, True), ("ABC123", False, False), ("_+XXXX", False, True), ("_1+111", False, False),
        ("+33155", False, True), ("", False, True), ("_", False, True), ("1000\n", False, False), ("1 0", False, False),
    ],
)  # fmt: skip
def test_which_extens_are_legal_depends_on_the_type_of_the_context(
    type_: str, exten: str, legal: bool, legal_in_outcall: bool, world: World
) -> None:
    body = {"exten": exten, "context": world.a_context(type=type_)["name"]}
    if legal_in_outcall if type_ == "outcall" else legal:
        assert world.call("extensions.create", body=body)["exten"] == exten
    else:
        assert refusal(world.call, "extensions.create", body=body) == NO_PATTERN


def test_enabled_and_commented_are_opposites(world: World) -> None:
    extension = world.extension("1000", commented="yes")
    assert (extension["commented"], extension["enabled"]) == (True, False)
    assert world.extension("1001", enabled=0)["commented"] is True
    for body, enabled in (({"enabled": True}, True), ({"commented": "True"}, False), ({"commented": 0}, True)):
        world.call("extensions.update", id=extension["id"], body=body)
        assert world.call("extensions.get", id=extension["id"])["enabled"] is enabled
    shown = world.call("extensions.get", id=extension["id"])
    world.call("extensions.update", id=extension["id"], body=shown)
    assert world.call("extensions.get", id=extension["id"]) == shown


def test_the_rules_are_checked_in_the_order_of_the_contract(world: World) -> None:
    taken, other = world.extension("1000"), world.extension("1001")
    context = taken["context"]
    for body, message in (
        ({"exten": "XX", "context": "nowhere"},
         "Input Error - field 'context': Context was not found ('context': 'nowhere')"),
        ({"exten": "1000", "context": context},
         f"Resource Error - Extension already exists ('exten': '1000', 'context': '{context}')"),
        ({"exten": "XX", "context": context}, NO_PATTERN),
    ):  # fmt: skip
        assert refusal(world.call, "extensions.create", body=body) == message
        assert refusal(world.call, "extensions.update", id=other["id"], body=body) == message
    elsewhere = world.a_context()["name"]
    assert world.extension("1000", context=elsewhere)["context"] == elsewhere
    world.call("extensions.update", id=taken["id"], body={"exten": "1000", "context": context})


def test_an_extension_of_a_line_keeps_to_contexts_and_ranges_of_its_kind(world: World) -> None:
    line = world.line()
    extension = world.number(line, "1000")
    incall, small = world.a_context(type="incall")["name"], world.a_context(user_ranges=[{"start": "1500"}])["name"]
    for body, message in (
        ({"context": incall, "exten": "XX"}, "Resource Error - ContextType 'incall' cannot be associated"),
        ({"exten": "5000"}, f"Input Error - Extension '5000' is outside of range for context '{line['context']}'"),
        ({"context": small}, f"Input Error - Extension '1000' is outside of range for context '{small}'"),
        ({"exten": "01500", "context": small}, None),
        ({"exten": "_5XXX"}, None),
        ({"exten": "1500", "context": small, "commented": True}, None),
    ):
        if message is None:
            world.call("extensions.update", id=extension["id"], body=body)
        else:
            assert refusal(world.call, "extensions.update", id=extension["id"], body=body) == message
    shown = world.call("extensions.get", id=extension["id"])
    assert (shown["exten"], shown["enabled"], shown["commented"]) == ("1500", False, True)
    world.call("extensions.update", id=extension["id"], body={"enabled": True})
    assert world.call("lines.get", id=line["id"])["context"] == small
    free = world.extension("1700")
    world.call("extensions.update", id=free["id"], body={"context": incall, "exten": "5000"})
    told = f"('extension_id': {extension['id']}, 'associated_ids': [{line['id']}])"
    message = f"Resource Error - Extension is associated with a line {told}"
    assert refusal(world.call, "extensions.delete", id=extension["id"]) == message
    world.call("extensions.delete", id=free["id"])
    message = f"Resource Not Found - Extension was not found ('id': {free['id']})"
    assert refusal(world.call, "extensions.get", id=free["id"]) == message


def test_each_change_tells_id_exten_and_context(world: World, told: Told, tenant: str) -> None:
    context = world.context["name"]
    heard = told("extensions.create", body={"exten": "1000", "context": context})
    id_ = world.call("extensions.list")["items"][0]["id"]
    heard += told("extensions.update", id=id_, body={})
    heard += told("extensions.delete", id=id_)
    whole, body = {"tenant_uuid": tenant, "user_uuid:*": True}, {"id": id_, "exten": "1000", "context": context}
    assert heard == [
        Heard(f"extension_{what}", f"config.extensions.{what}", whole, body)
        for what in ("created", "edited", "deleted")
    ]


def test_extensions_are_found_by_exten_context_and_its_type(world: World) -> None:
    incall = world.a_context(type="incall")["name"]
    for exten, context in (("_2N", None), ("_1N", None), ("_3", incall)):
        world.extension(exten, **({"context": context} if context else {}))

    def found(**given: Any) -> list[str]:
        return [each["exten"] for each in world.call("extensions.list", **given)["items"]]

    assert found() == ["_1N", "_2N", "_3"]
    for given, expected in (
        ({"search": "1n"}, ["_1N"]), ({"search": "INCALL"}, ["_3"]), ({"exten": "_1N"}, ["_1N"]),
        ({"context": incall}, ["_3"]), ({"type": "internal"}, ["_1N", "_2N"]), ({"type": "incall"}, ["_3"]),
        ({"enabled": "false"}, ["_1N", "_2N", "_3"]), ({"direction": "desc"}, ["_3", "_2N", "_1N"]),
        ({"order": "type"}, ["_3", "_2N", "_1N"]),
    ):  # fmt: skip
        assert found(**given) == expected, given


def test_an_extension_takes_the_tenant_of_its_context_and_stays_there(
    world: World, tenant: str, system: System, told: Told
) -> None:
    parent = str(uuid.uuid4())
    with system.client(parent, visible_tenants=[parent, tenant]) as above:
        own = World(above.call).extension("1000")
        message = f"Input Error - field 'context': Context was not found ('context': '{own['context']}')"
        assert refusal(world.call, "extensions.create", body={"exten": "1", "context": own["context"]}) == message
        below = above.call("extensions.create", body={"exten": "1000", "context": world.context["name"]})
        assert below["tenant_uuid"] == tenant
        told_of = f"('current_tenant_uuid': '{tenant}', 'context_tenant_uuid': '{parent}')"
        body = {"context": own["context"], "exten": "1001"}
        message = f"Resource Error - different tenants {told_of}"
        assert refusal(above.call, "extensions.update", id=below["id"], body=body) == message
        above.call("extensions.update", id=below["id"], body={"exten": "1001"})
    assert names(told("extensions.delete", id=below["id"])) == ["extension_deleted"]
    assert "Extension was not found" in refusal(world.call, "extensions.get", id=own["id"])
