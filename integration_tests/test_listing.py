"""Lists: what is refused, what a search ignores, and that texts are shown as they are."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from confd_worker.client import Client

Call = Callable[..., Any]


@pytest.mark.parametrize("value", [[], {}, ["x"], {"a": 1}, 1.5, True, 2**63], ids=repr)
def test_a_list_parameter_that_is_no_text_never_fails(value: Any, client: Client) -> None:
    for name in ("limit", "offset", "order", "direction", "search", "recurse", "view", "firstname", "enabled", "id"):
        reply = orjson.loads(client.call_raw("users.list", **{name: value}))
        assert reply["error"] is None or reply["error"]["status"] == 400, name


def test_a_search_ignores_accents_on_both_sides_and_knows_wildcards(call: Call) -> None:
    for firstname in ("Élodie", "Zoe", "a_b", "axb"):
        call("users.create", body={"firstname": firstname, "lastname": "x"})

    def found(term: str) -> list[str]:
        return sorted(user["firstname"] for user in call("users.list", search=term)["items"])

    assert found("elodie") == found("ÉLO") == ["Élodie"]
    assert found("zoë") == ["Zoe"]
    assert found("a_b") == ["a_b", "axb"]
    assert found("É%ie") == ["Élodie"]
    assert found("\\") == []


def test_texts_are_shown_as_they_are_wherever_they_are_embedded(call: Call) -> None:
    awkward = 'a "b" \\ \\u0041 \' \n\t\x01 ü 🎉 %s :x $1 ","href":"/'
    template = call("endpoints_sip_templates.create", body={"label": awkward})
    endpoint = {"label": awkward, "templates": [{"uuid": template["uuid"]}]}
    context = call("contexts.create", body={"label": awkward, "user_ranges": [{"start": "1000", "end": "1999"}]})
    line = {"context": context["name"], "endpoint_sip": endpoint}
    made = call("users.create", body={"firstname": awkward, "description": awkward, "lines": [line]})

    shown = call("users.get", id=made["id"])
    assert call("users.list")["items"] == [shown]
    assert shown["firstname"] == shown["description"] == awkward
    assert shown["lines"][0]["users"][0]["firstname"] == shown["lines"][0]["endpoint_sip"]["label"] == awkward
    assert call("lines.list")["items"] == [call("lines.get", id=made["lines"][0]["id"])]
    assert call("contexts.list")["items"][0]["label"] == awkward
