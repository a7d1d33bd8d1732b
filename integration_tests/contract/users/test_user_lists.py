"""Lists of users: order, search, filters, and the views of the list."""

import uuid
from typing import Any

import pytest

from ..world import World, firstnames, refusal


def test_users_are_ordered_by_the_text_that_is_shown(world: World) -> None:
    for firstname, lastname, more in (
        ("É", "Zola", {"subscription_type": 9, "userfield": "b"}),
        ("d", "Martin", {"subscription_type": 10, "userfield": "B"}),
        ("F", "Martinez", {"description": "é"}),
        ("a", None, {"description": "F", "username": uuid.uuid4().hex}),
    ):
        world.user(firstname=firstname, lastname=lastname, **more)
    order = lambda column, **more: firstnames(world.call, order=column, **more)  # noqa: E731
    assert firstnames(world.call) == ["d", "F", "É", "a"]
    assert firstnames(world.call, direction="desc") == ["a", "É", "F", "d"]
    assert order("firstname") == ["a", "d", "É", "F"]
    assert order("lastname") == ["d", "F", "É", "a"]
    assert order("fullname") == ["d", "É", "F", "a"]
    assert order("subscription_type")[-2:] == ["d", "É"]
    assert order("userfield")[:2] == ["d", "É"]
    assert order("description")[:2] == ["F", "a"]
    assert order("description", direction="desc")[-2:] == ["a", "F"]
    assert order("username")[0] == "a"
    for not_shown in ("exten", "extension", "context", "voicemail_number", "provisioning_code"):
        assert order(not_shown) == ["d", "F", "É", "a"]


def test_names_that_differ_in_case_and_accents_alone_are_ordered_without_case(world: World) -> None:
    for firstname, lastname in (("Zoë", "Martin"), ("zoe", None), ("Émile", "Zola"), ("Abel", "martin")):
        world.user(firstname=firstname, lastname=lastname)
    assert firstnames(world.call, order="firstname") == ["Abel", "Émile", "zoe", "Zoë"]
    assert firstnames(world.call, firstname="zoe") == ["zoe"]
    assert sorted(firstnames(world.call, search="ZOE")) == ["Zoë", "zoe"]


@pytest.fixture
def two_called(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two users with lines; the first called 1002, the second 1001."""
    users = world.user(firstname="Zoë", lastname="A"), world.user(firstname="Bob", lastname="B")
    for user, exten in zip(users, ("1002", "1001"), strict=True):
        line = world.line()
        world.have(user, line)
        world.number(line, exten)
    return users


def test_a_view_is_ordered_by_what_it_shows(world: World, two_called: Any) -> None:
    for view, column, expected in (
        ("directory", "exten", ["Bob", "Zoë"]),
        ("directory", "extension", ["Zoë", "Bob"]),
        ("directory", "username", ["Zoë", "Bob"]),
        ("directory", "firstname", ["Bob", "Zoë"]),
        ("summary", "extension", ["Bob", "Zoë"]),
        ("summary", "exten", ["Zoë", "Bob"]),
    ):
        assert firstnames(world.call, view=view, order=column) == expected, (view, column)


def test_a_search_looks_at_names_numbers_and_codes_of_the_main_line(world: World, two_called: Any) -> None:
    alone, line = world.user(firstname="Alone", lastname=None, description="50% off"), world.line()
    world.have(alone, line)
    extension = world.number(line, "_1NXZ")
    for term, expected in (
        ("ZOE a", ["Zoë"]), ("öb", ["Bob"]), ("1nxz", ["Alone"]), ("alone", ["Alone"]), ("z_ë", ["Zoë"]),
        ("0% O", ["Alone"]), ("nobody", []), ("alone ", []), ("", ["Zoë", "Bob", "Alone"]),
    ):  # fmt: skip
        assert firstnames(world.call, search=term) == expected, term
        assert firstnames(world.call, search=term, view="directory") == expected, term
    assert "Alone" in firstnames(world.call, search=line["provisioning_code"])
    world.call("extensions.update", id=extension["id"], body={"enabled": False})
    assert firstnames(world.call, search="1nxz") == []


def test_a_filter_equals(world: World, two_called: Any) -> None:
    one, two = two_called
    word = uuid.uuid4().hex
    body = {"email": f"{word}@acme.example", "mobile_phone_number": "55", "enabled": False, "username": word}
    world.call("users.update", id=two["id"], body=body)
    voicemail = world.voicemail("1500")
    world.call("user_voicemails.associate", user_id=one["id"], voicemail_id=voicemail["id"])
    code = world.call("users.get", id=two["id"])["lines"][0]["provisioning_code"]
    for given, expected in (
        ({"firstname": "Zoe"}, []), ({"firstname": "Zoë"}, ["Zoë"]), ({"fullname": "Zoë A"}, ["Zoë"]),
        ({"id": one["id"]}, ["Zoë"]), ({"id": "x"}, []), ({"subscription_type": "x"}, []),
        ({"subscription_type": 0}, ["Zoë", "Bob"]), ({"uuid": f"{one['uuid']},x,{two['uuid']}"}, ["Zoë", "Bob"]),
        ({"uuid": "x"}, []), ({"exten": "1001,1002"}, ["Zoë", "Bob"]), ({"exten": "1001"}, ["Bob"]),
        ({"extension": "1001"}, ["Bob"]), ({"extension": "1001,1002"}, []),
        ({"context": world.context["name"]}, ["Zoë", "Bob"]), ({"email": f"{word}@ACME.example"}, ["Bob"]),
        ({"mobile_phone_number": "56,55"}, ["Bob"]), ({"voicemail_number": "1500"}, ["Zoë"]),
        ({"provisioning_code": code}, ["Bob"]), ({"enabled": "off"}, ["Bob"]), ({"enabled": "True"}, ["Zoë"]),
        ({"enabled": "maybe"}, []), ({"username": word}, ["Bob"]), ({"username": word.upper()}, []),
        ({"email": ""}, []), ({"nonsense": "x"}, ["Zoë", "Bob"]), ({"firstname": "Bob", "enabled": True}, []),
    ):  # fmt: skip
        assert firstnames(world.call, **given) == expected, given


def test_the_views_have_the_fields_of_the_contract(world: World, two_called: Any) -> None:
    one = world.call("users.get", id=two_called[0]["id"])
    line = one["lines"][0]
    assert line == world.call("lines.get", id=line["id"])
    alone = world.user(firstname="Alone", lastname=None)
    assert firstnames(world.call, view="summary", exten="1002,9") == ["Zoë"]

    def first_and_last(view: str) -> tuple[dict[str, Any], dict[str, Any]]:
        items = world.call("users.list", view=view)["items"]
        return items[0], items[-1]

    context = world.context["name"]
    names_of = {"firstname": "Zoë", "lastname": "A", "email": None}
    assert first_and_last("directory") == (
        {"id": one["id"], "uuid": one["uuid"], "line_id": line["id"], "agent_id": None, **names_of, "exten": "1002",
         "mobile_phone_number": None, "voicemail_number": None, "userfield": None, "description": None,
         "context": context},
        {"id": alone["id"], "uuid": alone["uuid"], "line_id": None, "agent_id": None, "firstname": "Alone",
         "lastname": None, "email": None, "exten": None, "mobile_phone_number": None, "voicemail_number": None,
         "userfield": None, "description": None, "context": None},
    )  # fmt: skip
    assert first_and_last("summary") == (
        {"id": one["id"], "uuid": one["uuid"], **names_of, "extension": "1002", "context": context,
         "provisioning_code": line["provisioning_code"], "protocol": "sip", "enabled": True, "subscription_type": 0,
         "is_webrtc": False},
        {"id": alone["id"], "uuid": alone["uuid"], "firstname": "Alone", "lastname": None, "email": None,
         "extension": None, "context": None, "provisioning_code": None, "protocol": None, "enabled": True,
         "subscription_type": 0, "is_webrtc": False},
    )  # fmt: skip
    dnd = {"dnd": {"enabled": False}}
    presence = first_and_last("line_presence")
    assert presence[1] == {"uuid": alone["uuid"], "tenant_uuid": alone["tenant_uuid"], "lines": [], "services": dnd}
    assert presence[0]["lines"] == [{"id": line["id"], "name": line["name"], "protocol": "sip"}]
    assert refusal(world.call, "users.list", view="full") == "Input Error - view 'full' does not exist"


def test_a_webrtc_line_provisions_nothing(world: World) -> None:
    base = world.template(endpoint_section_options=[["webrtc", "yes"]])
    user = world.user()
    line = world.line(endpoint_sip={"templates": [{"uuid": base["uuid"]}]})
    world.have(user, line)
    [summary] = world.call("users.list", view="summary")["items"]
    assert (summary["is_webrtc"], summary["provisioning_code"], summary["protocol"]) == (True, None, "sip")
    [shown] = world.call("users.get", id=user["id"])["lines"]
    assert shown == world.call("lines.get", id=line["id"])
    assert shown["is_webrtc"] is True
    world.call(
        "endpoints_sip.update",
        uuid=line["endpoint_sip"]["uuid"],
        body={"endpoint_section_options": [["webrtc", "no"]]},
    )
    [summary] = world.call("users.list", view="summary")["items"]
    assert (summary["is_webrtc"], summary["provisioning_code"]) == (False, line["provisioning_code"])


def test_the_total_counts_before_the_page_is_cut(world: World) -> None:
    for firstname in "abc":
        world.user(firstname=firstname, lastname=firstname)
    page = world.call("users.list", limit=1, offset=1)
    assert (page["total"], page["items"][0]["firstname"]) == (3, "b")
    assert world.call("users.list", search="%", limit=1)["total"] == 3
    assert world.call("users.list", firstname="a", limit=1, offset=5) == {"total": 1, "items": []}
