"""Sections of Asterisk's configuration files: what is there at first, what may be put, and who may."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from confd_worker.conformance.system import MASTER_TOKEN, System

Http = Callable[..., httpx.Response]

SECTIONS = {
    "/asterisk/rtp/general": "rtp_general",
    "/asterisk/rtp/ice_host_candidates": "rtp_ice_host_candidates",
    "/asterisk/iax/general": "iax_general",
    "/asterisk/sccp/general": "sccp_general",
    "/asterisk/voicemail/general": "voicemail_general",
}
IAX = "/asterisk/iax/general"
ORDERED: dict[str, dict[str, Any]] = {IAX: {"ordered_options": []}}
REGISTER = "The 'register' key can only be defined in trunk options"


@pytest.fixture
def kept(http: Http) -> Iterator[None]:
    """Puts back what the sections hold."""
    before = {path: http("GET", path, token=MASTER_TOKEN).json() for path in SECTIONS}
    yield
    for path, held in before.items():
        assert http("PUT", path, token=MASTER_TOKEN, json=held).status_code == 204


@pytest.mark.parametrize(
    ("path", "count", "some"),
    [
        ("/asterisk/rtp/general", 3, {"rtpstart": "10000", "stunaddr_reresolve_ttl_0": "yes"}),
        ("/asterisk/rtp/ice_host_candidates", 0, {}),
        ("/asterisk/iax/general", 34, {"bindport": "4569", "bandwidth": "high", "calltokenoptional": "0.0.0.0"}),
        ("/asterisk/sccp/general", 7, {"directmedia": "no", "allow": "", "max_guests": "100"}),
        ("/asterisk/voicemail/general", 34, {"maxmsg": "100", "mailcmd": "/usr/sbin/sendmail -t"}),
    ],
)
def test_a_section_has_options_at_first(path: str, count: int, some: dict[str, str], http: Http) -> None:
    shown = http("GET", path, token=MASTER_TOKEN).json()
    assert (len(shown["options"]), shown["options"] | some) == (count, shown["options"])
    assert list(shown) == ["options", *ORDERED.get(path, {}), "revision"]


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("path", SECTIONS)
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"zeta": "1", "alpha": "é'\"\\"}, {"zeta": "1", "alpha": "é'\"\\"}),
        ([{"key": "a", "value": "1"}, {"key": "b", "value": ""}], {"a": "1", "b": ""}),
        ([{"key": "a", "value": "1"}, {"key": "a", "value": "2"}], {"a": "2"}),
        ({}, {}),
        ([], {}),
    ],
)
def test_options_are_replaced_as_a_whole_and_keep_their_order(path: str, given: Any, shown: Any, http: Http) -> None:
    body = {"options": given, **ORDERED.get(path, {})}
    assert http("PUT", path, token=MASTER_TOKEN, json=body).status_code == 204
    found = http("GET", path, token=MASTER_TOKEN).json()
    assert list(found["options"].items()) == list(shown.items())


@pytest.mark.usefixtures("kept")
def test_ordered_options_may_repeat_a_key(http: Http) -> None:
    given = [["permit", "1"], {"key": "deny", "value": "2"}, ["permit", "3"]]
    body = {"options": {"a": "1"}, "ordered_options": given}
    assert http("PUT", IAX, token=MASTER_TOKEN, json=body).status_code == 204
    shown = http("GET", IAX, token=MASTER_TOKEN).json()
    assert shown["options"] == {"a": "1"}
    assert shown["ordered_options"] == [["permit", "1"], ["deny", "2"], ["permit", "3"]]


@pytest.mark.parametrize("path", SECTIONS)
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "options: ['Missing data for required field.']"),
        ({"options": None}, "options: ['Field may not be null.']"),
        ({"options": "text"}, "options: ['Invalid type.']"),
        ({"options": {"a": None}}, "options: {0: {'value': ['Field may not be null.']}}"),
        ({"options": {"a": 1}}, "options: {0: {'value': ['Not a valid string.']}}"),
        ({"options": [["a", "1"]]}, "options: {0: {'_schema': ['Invalid input type.']}}"),
        ({"options": [{"value": "1"}]}, "options: {0: {'key': ['Missing data for required field.']}}"),
    ],
)
def test_bad_options_are_refused(path: str, body: Any, message: str, http: Http) -> None:
    answer = http("PUT", path, token=MASTER_TOKEN, json=body | ORDERED.get(path, {}))
    assert (answer.status_code, answer.json()) == (400, [f"Input Error - {message}"])


@pytest.mark.parametrize(
    ("path", "longest_key", "longest_value"),
    [
        ("/asterisk/rtp/general", 255, None),
        ("/asterisk/iax/general", 128, 255),
        ("/asterisk/sccp/general", 80, 80),
        ("/asterisk/voicemail/general", 128, None),
    ],
)
@pytest.mark.usefixtures("kept")
def test_the_length_of_texts_is_limited(path: str, longest_key: int, longest_value: int | None, http: Http) -> None:
    longest = longest_value or 10_000
    for key, value, status in [
        ("k" * longest_key, "v" * longest, 204),
        ("k" * (longest_key + 1), "v", 400),
        *([("k", "v" * (longest_value + 1), 400)] if longest_value else []),
    ]:
        body = {"options": {key: value}, **ORDERED.get(path, {})}
        assert http("PUT", path, token=MASTER_TOKEN, json=body).status_code == status


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"options": {}}, "ordered_options: ['Missing data for required field.']"),
        ({"options": {}, "ordered_options": None}, "ordered_options: ['Field may not be null.']"),
        ({"options": {}, "ordered_options": {"a": "1"}}, "ordered_options: ['Invalid type.']"),
        ({"options": {}, "ordered_options": [["a"]]}, "ordered_options: {0: {'_schema': ['Invalid input type.']}}"),
        ({"options": {}, "ordered_options": [["a", "1"], 5]},
         "ordered_options: {1: {'_schema': ['Invalid input type.']}}"),
        ({"options": {}, "ordered_options": [["a", None]]},
         "ordered_options: {0: {'value': ['Field may not be null.']}}"),
        ({"options": {"a": "1", "register": "x"}, "ordered_options": []},
         f'options: {{1: {{\'key\': ["{REGISTER}"]}}}}'),
        ({"options": {}, "ordered_options": [["register", "x"]]},
         f'ordered_options: {{0: {{\'key\': ["{REGISTER}"]}}}}'),
    ],
)  # fmt: skip
def test_bad_options_of_iax_are_refused(body: Any, message: str, http: Http) -> None:
    answer = http("PUT", IAX, token=MASTER_TOKEN, json=body)
    assert (answer.status_code, answer.json()) == (400, [f"Input Error - {message}"])


@pytest.mark.parametrize("path", SECTIONS)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_only_the_master_tenant_reaches_a_section(path: str, method: str, http: Http) -> None:
    assert http(method, path, json={"options": {}}).status_code == 401


@pytest.mark.parametrize(("path", "event"), SECTIONS.items())
def test_an_edit_is_told_to_daemons(path: str, event: str, http: Http, system: System) -> None:
    held = http("GET", path, token=MASTER_TOKEN).json()
    with system.events(f"{event}_edited") as events:
        assert http("PUT", path, token=MASTER_TOKEN, json=held).status_code == 204
        headers, payload = events.get(timeout=10)
    assert payload["data"] == {}
    assert headers["required_acl"] == f"events.config.{event}.edited"
    assert "tenant_uuid" not in headers
