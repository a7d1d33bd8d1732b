"""Contexts: names, ranges, includes, and the extens that a context still has."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from confd_worker.conformance.system import System

from ..world import Heard, World, names, refusal

Told = Callable[..., list[Heard]]

SHOWN = [
    "id",
    "uuid",
    "name",
    "label",
    "type",
    "user_ranges",
    "group_ranges",
    "queue_ranges",
    "conference_room_ranges",
    "incall_ranges",
    "description",
    "tenant_uuid",
    "enabled",
    "links",
    "contexts",
    "revision",
]
RANGES = ("user_ranges", "group_ranges", "queue_ranges", "conference_room_ranges", "incall_ranges")
NO_NULL = "['Field may not be null.']"


def test_a_context_has_the_fields_of_the_contract_in_its_order_and_its_defaults(world: World) -> None:
    context = world.call("contexts.create", body={"label": "inside"})
    assert list(context) == SHOWN
    assert context["name"] == f"ctx--internal-{context['uuid']}"
    assert (context["type"], context["enabled"], context["description"]) == ("internal", True, None)
    assert [context[name] for name in (*RANGES, "contexts")] == [[]] * 6
    assert context["links"] == [{"rel": "contexts", "href": f"/contexts/{context['id']}"}]
    incall = world.a_context(type="incall", name="ignored")
    assert (incall["name"], incall["label"]) == (f"ctx--incall-{incall['uuid']}", "inside")
    world.call("contexts.update", id=incall["id"], body={"type": "others", "name": "ignored", "label": "x"})
    assert world.call("contexts.get", id=incall["id"])["name"] == incall["name"]


def test_the_name_of_a_context_tells_the_slug_of_its_tenant(world: World, tenant: str, system: System) -> None:
    world.user()
    with system.database() as cursor:
        cursor.execute("UPDATE tenants SET slug = 'acme' WHERE uuid = %s", (tenant,))
    assert world.context["name"] == f"ctx-acme-internal-{world.context['uuid']}"


def test_a_name_without_label_is_taken_as_the_label(world: World) -> None:
    context = world.call("contexts.create", body={"name": "inside"})
    assert context["label"] == "inside"
    world.call("contexts.update", id=context["id"], body={"name": "changed"})
    assert world.call("contexts.get", id=context["id"])["label"] == "changed"
    length = "Input Error - label: ['Length must be between 1 and 128.']"
    assert refusal(world.call, "contexts.create", body={"name": ""}) == length
    assert refusal(world.call, "contexts.create", body={"name": None}) == f"Input Error - label: {NO_NULL}"


def _one(message: str) -> str:
    return f"{{0: {{'_schema': ['{message}']}}}}"


SAME_LENGTH = _one("Start and end must be of the same length")
LOWER = _one("Start of range must be lower than or equal to the end")


@pytest.mark.parametrize(
    ("field", "value", "detail"),
    [
        ("label", None, NO_NULL),
        *[("label", text, "['Length must be between 1 and 128.']") for text in ("", "x" * 129)],
        ("type", "other", "['Must be one of: internal, incall, outcall, services, others.']"),
        ("enabled", 1, "['Not a valid boolean.']"),
        *[(field, None, NO_NULL) for field in ("type", "enabled", *RANGES)],
        ("user_ranges", {"start": "1"}, "['Invalid type.']"),
        ("user_ranges", [{}], "{0: {'start': ['Missing data for required field.']}}"),
        ("user_ranges", [{"start": None}], f"{{0: {{'start': {NO_NULL}}}}}"),
        ("user_ranges", [{"start": "1", "end": None}], f"{{0: {{'end': {NO_NULL}}}}}"),
        ("user_ranges", [{"start": "1"}, {"start": "x", "end": ""}],
         "{1: {'start': ['Invalid input.'], 'end': ['Invalid input.']}}"),
        ("user_ranges", [{"start": "1" * 17}], "{0: {'start': ['Longer than maximum length 16.']}}"),
        *[(field, [{"start": "10", "end": "100"}], SAME_LENGTH) for field in RANGES],
        *[(field, [{"start": "20", "end": "10"}], LOWER) for field in RANGES],
        ("incall_ranges", [{"start": "1", "did_length": None}], f"{{0: {{'did_length': {NO_NULL}}}}}"),
        ("incall_ranges", [{"start": "1", "did_length": -1}],
         "{0: {'did_length': [{'constraint_id': 'range', 'constraint': {'min': 0}, 'message': "
         "'Must be greater than or equal to 0.'}]}}"),
    ],
    ids=lambda given: str(given)[:30],
)  # fmt: skip
def test_a_bad_field_is_refused(field: str, value: Any, detail: str, world: World) -> None:
    message = f"Input Error - {field}: {detail}"
    assert refusal(world.call, "contexts.create", body={"label": "x", field: value}) == message
    body = {field: value}
    assert refusal(world.call, "contexts.update", id=world.context["id"], body=body) == message


def test_ranges_are_shown_closed_and_replaced_as_a_whole(world: World) -> None:
    given = [{"start": "10"}, {"start": "05", "end": "15", "did_length": 1}]
    context = world.a_context(user_ranges=given, incall_ranges=given, group_ranges=given[:1])
    assert context["user_ranges"] == [{"start": "10", "end": "10"}, {"start": "05", "end": "15"}]
    assert context["incall_ranges"] == [
        {"start": "10", "end": "10", "did_length": 0}, {"start": "05", "end": "15", "did_length": 1},
    ]  # fmt: skip
    world.call("contexts.update", id=context["id"], body={"user_ranges": [], "incall_ranges": given[:1]})
    shown = world.call("contexts.get", id=context["id"])
    assert (shown["user_ranges"], len(shown["incall_ranges"]), len(shown["group_ranges"])) == ([], 1, 1)
    world.call("contexts.update", id=context["id"], body=shown)
    assert world.call("contexts.get", id=context["id"]) == shown


def test_each_change_is_told_of(world: World, told: Told, tenant: str) -> None:
    heard = told("contexts.create", body={"label": "x", "type": "outcall"})
    context = next(each for each in world.call("contexts.list")["items"] if each["label"] == "x")
    heard += told("contexts.update", id=context["id"], body={})
    heard += told("contexts.delete", id=context["id"])
    whole = {"tenant_uuid": tenant, "user_uuid:*": True}
    body = {"id": context["id"], "name": context["name"], "type": "outcall", "tenant_uuid": tenant}
    assert heard == [
        Heard(f"context_{what}", f"config.contexts.{what}", whole, body) for what in ("created", "edited", "deleted")
    ]
    message = f"Resource Not Found - Context was not found ('id': {context['id']})"
    assert refusal(world.call, "contexts.get", id=context["id"]) == message


def test_a_context_with_an_extension_is_not_deleted(world: World) -> None:
    world.voicemail()
    extension, context = world.extension(), world.context["id"]
    message = f"Resource Error - Context is associated with a Extension ('context_id': {context}, "
    assert refusal(world.call, "contexts.delete", id=context) == f"{message}'extension_id': {extension['id']})"


def test_contexts_are_found(world: World) -> None:
    ids = [
        world.call("contexts.create", body={"label": label, "type": type_, "description": description})["id"]
        for label, type_, description in (("Été", "internal", None), ("b", "others", "Zoë"))
    ]

    def found(**given: Any) -> list[int]:
        return [each["id"] for each in world.call("contexts.list", **given)["items"]]

    assert found() == ids
    for given, expected in (
        ({"search": "ete"}, ids[:1]), ({"search": "zoe"}, ids[1:]), ({"search": "INTERNAL"}, ids[:1]),
        ({"search": str(ids[1])}, None), ({"type": "others"}, ids[1:]), ({"label": "b"}, ids[1:]), ({"id": "x"}, []),
        ({"id": ids[0]}, ids[:1]), ({"description": "Zoë"}, ids[1:]), ({"direction": "desc"}, ids[::-1]),
        ({"order": "label"}, None),
    ):  # fmt: skip
        assert expected is None or found(**given) == expected, given
        assert set(found(**given)) <= set(ids)


def test_contexts_are_included_in_the_order_given(world: World, told: Told, tenant: str) -> None:
    one, two, three = (world.a_context(label=label) for label in ("one", "two", "three"))

    def include(*included: int) -> dict[str, Any]:
        return {"context_id": one["id"], "body": {"contexts": [{"id": each, "label": "x"} for each in included]}}

    heard = told("context_contexts.replace", **include(three["id"], two["id"]))
    body = {"context_id": one["id"], "context_ids": [three["id"], two["id"]]}
    whole = {"tenant_uuid": tenant, "user_uuid:*": True}
    assert heard == [Heard("contexts_associated", "config.contexts.contexts.updated", whole, body)]
    shown = [{name: each[name] for name in ("id", "name", "label", "links")} for each in (three, two)]
    assert world.call("contexts.get", id=one["id"])["contexts"] == shown
    unknown = "Input Error - field 'contexts': Context was not found ('id': 2000000000)"
    forbidden = "Resource Error - Operation not permitted. "
    for included, message in (
        ([one["id"], one["id"], 2_000_000_000], unknown),
        ([one["id"], one["id"]], f"{forbidden}Cannot include same context more than once"),
        ([one["id"]], f"{forbidden}Cannot include context inside itself"),
    ):
        assert refusal(world.call, "context_contexts.replace", **include(*included)) == message
    for bad, detail in (({}, "['Missing data for required field.']"), ({"contexts": None}, NO_NULL),
                        ({"contexts": [{}]}, "{0: {'id': ['Missing data for required field.']}}")):  # fmt: skip
        message = f"Input Error - contexts: {detail}"
        assert refusal(world.call, "context_contexts.replace", context_id=one["id"], body=bad) == message
    world.call("context_contexts.replace", **include(two["id"], three["id"]))
    world.call("contexts.delete", id=three["id"])
    assert world.call("contexts.get", id=one["id"])["contexts"] == shown[1:]
    assert names(told("context_contexts.replace", **include())) == ["contexts_associated"]
    assert world.call("contexts.get", id=one["id"])["contexts"] == []


def test_contexts_of_other_tenants_are_neither_seen_nor_included(world: World, system: System) -> None:
    with system.client(str(uuid.uuid4())) as elsewhere:
        theirs = World(elsewhere.call).context["id"]
    body = {"contexts": [{"id": theirs}]}
    message = f"Input Error - field 'contexts': Context was not found ('id': {theirs})"
    assert refusal(world.call, "context_contexts.replace", context_id=world.context["id"], body=body) == message
    message = f"Resource Not Found - Context was not found ('id': {theirs})"
    assert refusal(world.call, "context_contexts.replace", context_id=theirs, body={"contexts": []}) == message
    assert refusal(world.call, "context_ranges.list", kind="user", context_id=theirs) == message


def _ranges(world: World, kind: str, context: dict[str, Any], **given: Any) -> list[list[str]]:
    listed = world.call("context_ranges.list", kind=kind, context_id=context["id"], **given)
    found = [[each["start"], each["end"]] for each in listed["items"]]
    assert listed["total"] >= len(found)
    return found


@pytest.mark.parametrize("kind", ["user", "group", "queue", "conference", "incall"])
def test_the_extens_in_use_are_left_out_of_every_kind_of_range(kind: str, world: World) -> None:
    field = "conference_room_ranges" if kind == "conference" else f"{kind}_ranges"
    context = world.a_context(**{field: [{"start": "1000", "end": "1999"}]})
    world.extension("1005", context=context["name"])
    assert _ranges(world, kind, context) == [["1000", "1004"], ["1006", "1999"]]
    assert _ranges(world, kind, context, availability="all") == [["1000", "1999"]]


@pytest.mark.parametrize(
    ("ranges", "given", "expected"),
    [
        ([("00", "99"), ("0001", "0499")], {"search": "11"},
         [["11", "11"], ["0011", "0011"], ["0110", "0119"], ["0211", "0211"], ["0311", "0311"], ["0411", "0411"]]),
        ([("100", "119"), ("000", "099"), ("070", "199")], {}, [["000", "199"]]),
        ([("1000", "1000"), ("2", "2"), ("30", "31")], {}, [["2", "2"], ["30", "31"], ["1000", "1000"]]),
        ([("1000", "1000"), ("2", "2"), ("30", "31")], {"order": "start"},
         [["1000", "1000"], ["2", "2"], ["30", "31"]]),
        ([("1000", "1000"), ("2", "2"), ("30", "31")], {"order": "end", "direction": "desc"},
         [["30", "31"], ["2", "2"], ["1000", "1000"]]),
        ([("1", "1"), ("3", "3"), ("5", "5")], {"limit": 1, "offset": 1}, [["3", "3"]]),
        ([("1", "1"), ("3", "3")], {"limit": 0}, []),
        ([("1", "1"), ("3", "3")], {"offset": 1}, [["3", "3"]]),
    ],
)  # fmt: skip
def test_free_extens_are_joined_and_ordered(
    ranges: list[tuple[str, str]], given: dict[str, Any], expected: list[list[str]], world: World
) -> None:
    context = world.a_context(user_ranges=[{"start": start, "end": end} for start, end in ranges])
    assert _ranges(world, "user", context, **given) == expected


def test_extens_of_incalls_are_cut_to_their_last_digits(world: World) -> None:
    context = world.a_context(
        type="incall",
        incall_ranges=[
            {"start": "5550100", "end": "5550199", "did_length": 4},
            {"start": "0010", "end": "0012"},
            {"start": "099", "end": "101", "did_length": 0},
        ],
    )
    assert _ranges(world, "incall", context) == [["10", "12"], ["99", "99"], ["100", "101"], ["0100", "0199"]]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"availability": "some"}, "Input Error - availability: ['Must be one of: available, all.']"),
        ({"order": "label"}, "Input Error - order: ['Must be one of: start, end.']"),
        ({"direction": "up"}, "Input Error - direction: ['Must be one of: asc, desc.']"),
        ({"limit": "x"}, "Input Error - limit: ['Not a valid integer.']"),
    ],
)
def test_a_bad_parameter_of_ranges_is_refused(given: dict[str, Any], message: str, world: World) -> None:
    assert refusal(world.call, "context_ranges.list", kind="user", context_id=world.context["id"], **given) == message


@pytest.mark.parametrize(
    ("exten", "inside"),
    [("1000", True), ("1999", True), ("2000", False), ("01000", True), ("*1000", False), ("_1XXX", True)],
)
def test_a_line_takes_an_exten_of_a_range_or_a_pattern(exten: str, inside: bool, world: World) -> None:
    line, extension = world.line(), world.extension(exten)
    ids = {"line_id": line["id"], "extension_id": extension["id"]}
    if inside:
        world.call("line_extensions.associate", **ids)
    else:
        message = f"Input Error - Extension '{exten}' is outside of range for context '{world.context['name']}'"
        assert refusal(world.call, "line_extensions.associate", **ids) == message
