"""IVRs: their choices and destinations."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from confd_worker.conformance.system import System

from ..world import RANGES, Call, Heard, World, refusal

Told = Callable[..., list[Heard]]
Item = dict[str, Any]

UNKNOWN = 2_000_000_000
HANGUP = {"type": "hangup", "cause": "normal"}
NOWHERE = {"type": "user", "user_id": UNKNOWN}
PATTERN = "String does not match expected pattern."


def _ivr(call: Call, **body: Any) -> Item:
    return call("ivr.create", body={"name": "menu", "menu_sound": "menu", **body})


def _choice(exten: str, destination: Item = HANGUP) -> Item:
    return {"exten": exten, "destination": destination}


def test_an_ivr_has_defaults(call: Call, tenant: str) -> None:
    made = _ivr(call)
    assert made == made | {
        "tenant_uuid": tenant, "name": "menu", "description": None, "greeting_sound": None, "menu_sound": "menu",
        "invalid_sound": None, "abort_sound": None, "timeout": 5, "max_tries": 3, "invalid_destination": None,
        "timeout_destination": None, "abort_destination": None, "choices": [], "incalls": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"name": None}, "Input Error - name: ['Field may not be null.']"),
        ({"name": "x" * 129}, "Input Error - name: ['Longer than maximum length 128.']"),
        ({"menu_sound": None}, "Input Error - menu_sound: ['Field may not be null.']"),
        ({"abort_sound": "x" * 256}, "Input Error - abort_sound: ['Longer than maximum length 255.']"),
        ({"timeout": -1}, "Input Error - timeout: [{'constraint_id': 'range'"),
        ({"max_tries": 0}, "Input Error - max_tries: [{'constraint_id': 'range'"),
        ({"choices": None}, "Input Error - choices: ['Field may not be null.']"),
        ({"choices": [{}]}, "Input Error - choices: {0: {'exten': ['Missing data for required field.'], "),
        ({"choices": [_choice("a")]}, f"Input Error - choices: {{0: {{'exten': ['{PATTERN}']}}}}"),
        ({"choices": [_choice("_")]}, f"Input Error - choices: {{0: {{'exten': ['{PATTERN}']}}}}"),
        ({"choices": [_choice("1" * 41)]}, f"Input Error - choices: {{0: {{'exten': ['{PATTERN}']}}}}"),
        (
            {"choices": [{"exten": "1", "destination": None}]},
            "Input Error - choices: {0: {'destination': ['Field may not be null.']}}",
        ),
        ({"abort_destination": {}}, "abort_destination: {'type': ['Missing data for required field.']}"),
        (
            {"choices": [_choice("1"), _choice("2"), _choice("1", NOWHERE)]},
            "Input Error - exten '1' used in more than one choice",
        ),
        (
            {"choices": [_choice("1"), _choice("2", NOWHERE), _choice("1")]},
            f"Input Error - field 'actionarg1': User was not found ('actionarg1': {UNKNOWN})",
        ),
        (
            {"timeout_destination": NOWHERE, "abort_destination": {"type": "ivr", "ivr_id": UNKNOWN}},
            f"Input Error - field 'actionarg1': IVR was not found ('actionarg1': {UNKNOWN})",
        ),
    ],
    ids=lambda given: str(given)[:60],
)
def test_a_bad_ivr_is_refused(body: Item, message: str, call: Call) -> None:
    assert message in refusal(call, "ivr.create", body={"name": "menu", "menu_sound": "menu", **body})
    made = _ivr(call, choices=[_choice("1")])
    assert message in refusal(call, "ivr.update", id=made["id"], body=body)
    assert call("ivr.get", id=made["id"]) == made


def test_what_is_left_out_stays_and_choices_are_replaced_whole(call: Call, system: System) -> None:
    command = {"type": "custom", "command": f"Playback({uuid.uuid4()})"}
    choices = [_choice("3", command), _choice("_1X", {"type": "none"}), _choice("*")]
    made = _ivr(call, choices=choices, abort_destination=HANGUP, invalid_destination=command)
    assert made["choices"] == choices
    call("ivr.update", id=made["id"], body={})
    assert call("ivr.get", id=made["id"]) == made
    # Extens may be those of the choices that go.
    choices = [_choice("*", {"type": "ivr", "ivr_id": made["id"]}), _choice("3", command)]
    call("ivr.update", id=made["id"], body={"choices": choices, "abort_destination": None})
    shown = call("ivr.get", id=made["id"])
    choices[0]["destination"]["ivr_name"] = "menu"
    assert shown == made | {"choices": choices, "abort_destination": None, "revision": 2}
    call("ivr.update", id=made["id"], body=shown)
    assert call("ivr.get", id=made["id"]) == shown

    with system.database() as cursor:
        query = "SELECT count(*) FROM destinations WHERE fields = %s::jsonb"
        cursor.execute(query, (json.dumps(command),))
        assert cursor.fetchone() == (2,)
        call("ivr.delete", id=made["id"])
        cursor.execute(query, (json.dumps(command),))
        assert cursor.fetchone() == (0,)


def test_each_change_of_an_ivr_tells_of_it(told: Told) -> None:
    [created] = told("ivr.create", body={"name": "menu", "menu_sound": "menu"})
    [edited] = told("ivr.update", id=created.body["id"], body={})
    [deleted] = told("ivr.delete", id=created.body["id"])
    for heard, what in ((created, "created"), (edited, "edited"), (deleted, "deleted")):
        assert (heard.name, heard.key) == (f"ivr_{what}", f"config.ivr.{what}")
        assert heard.body == {"id": created.body["id"]}


def test_an_ivr_is_found_by_the_number_that_leads_to_it(call: Call, world: World) -> None:
    made, other = _ivr(call), _ivr(call, description="other")
    incall = call("incalls.create", body={"destination": {"type": "ivr", "ivr_id": made["id"]}})
    assert incall["destination"]["ivr_name"] == "menu"
    context = world.a_context(type="incall", incall_ranges=RANGES)["name"]
    extension = world.extension("1000", context=context)
    call("incall_extensions.associate", incall_id=incall["id"], extension_id=extension["id"])
    [shown] = call("ivr.get", id=made["id"])["incalls"]
    assert (shown["id"], shown["extensions"][0]["exten"]) == (incall["id"], "1000")
    for given in ({"exten": "1000"}, {"search": "100"}):
        assert [each["id"] for each in call("ivr.list", **given)["items"]] == [made["id"]]
    assert [each["id"] for each in call("ivr.list")["items"]] == [made["id"], other["id"]]
    assert refusal(call, "ivr.list", order="exten") == "Input Error - order: column 'exten' was not found"


def test_an_ivr_that_goes_is_nobodys_destination(call: Call, world: World) -> None:
    made = _ivr(call, choices=[_choice("1")])
    here = {"type": "ivr", "ivr_id": made["id"]}
    menu = _ivr(call, timeout_destination=here, choices=[_choice("1", here), _choice("2")])
    incall = call("incalls.create", body={"destination": here})
    user = world.user()
    call("user_fallbacks.update", user_id=user["id"], body={"fail_destination": here})
    call("ivr.delete", id=made["id"])
    shown = call("ivr.get", id=menu["id"])
    assert (shown["timeout_destination"], shown["choices"]) == (None, [_choice("2")])
    assert call("incalls.get", id=incall["id"])["destination"] == {"type": "none"}
    assert call("user_fallbacks.get", user_id=user["id"])["fail_destination"] is None


def test_a_choice_goes_with_the_user_whom_it_leads_to(call: Call, world: World) -> None:
    user = world.user()
    to_user = {"type": "user", "user_id": user["id"]}
    made = _ivr(call, choices=[_choice("1", to_user), _choice("2")], invalid_destination=to_user)
    assert made["choices"][0]["destination"]["user_firstname"] == "Alice"
    call("users.delete", id=user["id"])
    shown = call("ivr.get", id=made["id"])
    assert (shown["invalid_destination"], shown["choices"]) == (None, [_choice("2")])


def test_an_ivr_takes_thousands_of_choices_but_not_any_number(call: Call, world: World) -> None:
    user = {"type": "user", "user_id": world.user()["id"]}
    choices = [_choice(str(number), user if number % 2 else HANGUP) for number in range(8_000)]
    made = _ivr(call, choices=choices)
    assert len(call("ivr.get", id=made["id"])["choices"]) == 8_000
    many = [_choice(str(number)) for number in range(10_001)]
    assert refusal(call, "ivr.create", body={"name": "menu", "menu_sound": "menu", "choices": many}) == (
        "Input Error - choices: ['Longer than maximum length 10000.']"
    )
    unknown = [*choices[:5], _choice("x", NOWHERE) | {"exten": "*"}, *choices[5:]]
    assert refusal(call, "ivr.update", id=made["id"], body={"choices": unknown}).startswith(
        "Input Error - field 'actionarg1': User was not found"
    )
