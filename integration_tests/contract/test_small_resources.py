"""Access features, zone messages, localization, time zones and the languages of sounds."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from confd_worker.client import Client, RemoteError
from confd_worker.config import Settings
from confd_worker.conformance.system import CHILD, MASTER_TOKEN, PARENT, System
from confd_worker.core import errors
from confd_worker.core.context import Context
from confd_worker.core.work import Facts, Work
from confd_worker.services.media.sounds_languages import SoundsLanguages

Http = Callable[..., httpx.Response]

ZONES = "/asterisk/voicemail/zonemessages"
FEATURES = "/access_features"


@pytest.fixture
def master(http: Http) -> Http:
    """Send a request with the master tenant's token."""
    return lambda method, path, **content: http(method, path, token=MASTER_TOKEN, **content)


@pytest.fixture
def feature(master: Http) -> Iterator[dict[str, Any]]:
    """An access feature."""
    made = master("POST", FEATURES, json={"host": f"{uuid.uuid4()}"}).json()
    yield made
    master("DELETE", f"{FEATURES}/{made['id']}")


def test_an_access_feature_has_defaults(feature: dict[str, Any], master: Http) -> None:
    path = f"{FEATURES}/{feature['id']}"
    assert list(feature) == ["id", "host", "feature", "enabled", "links", "revision"]
    assert (feature["feature"], feature["enabled"]) == ("phonebook", True)
    assert feature["links"][0]["rel"] == "access_features"
    assert feature["links"][0]["href"].endswith(path)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"host": None}, "host: ['Field may not be null.']"),
        ({"host": "x" * 256}, "host: ['Longer than maximum length 255.']"),
        ({"feature": "other"}, "feature: ['Must be one of: phonebook.']"),
        ({"enabled": "perhaps"}, "enabled: ['Not a valid boolean.']"),
    ],
)
def test_a_bad_access_feature_is_refused(
    body: dict[str, Any], message: str, feature: dict[str, Any], master: Http
) -> None:
    for method, path in (("POST", FEATURES), ("PUT", f"{FEATURES}/{feature['id']}")):
        answer = master(method, path, json=body)
        assert (answer.status_code, answer.json()) == (400, [f"Input Error - {message}"])


def test_an_access_feature_of_a_host_is_unique(feature: dict[str, Any], master: Http) -> None:
    host = feature["host"]
    taken = [f"Resource Error - AccessFeatures already exists ('host': '{host}', 'feature': 'phonebook')"]
    assert master("POST", FEATURES, json={"host": host}).json() == taken
    other = master("POST", FEATURES, json={"host": f"other-{host}"}).json()
    path = f"{FEATURES}/{other['id']}"
    assert master("PUT", path, json={"host": host}).json() == taken
    assert master("PUT", path, json={"host": other["host"], "enabled": False}).status_code == 204
    assert master("DELETE", path).status_code == 204


def test_disabled_access_features_are_found(feature: dict[str, Any], master: Http) -> None:
    master("PUT", f"{FEATURES}/{feature['id']}", json={"enabled": "False"})
    for query in ({"search": "False"}, {"enabled": "False"}, {"enabled": "0"}, {"host": feature["host"]}):
        found = master("GET", FEATURES, params=query).json()["items"]
        assert feature["id"] in [item["id"] for item in found]
        assert not any(item["enabled"] for item in found)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", FEATURES), ("POST", FEATURES), ("GET", f"{FEATURES}/1"), ("PUT", f"{FEATURES}/1"),
        ("DELETE", f"{FEATURES}/1"), ("PUT", ZONES),
    ],
)  # fmt: skip
def test_what_belongs_to_no_tenant_needs_the_master_tenant(method: str, path: str, http: Http) -> None:
    assert http(method, path, json={"items": []}).status_code == 401


def test_an_unknown_access_feature_is_not_found(master: Http) -> None:
    answer = master("PUT", f"{FEATURES}/2000000000", json={"host": None})
    assert answer.status_code == 404
    assert answer.json() == ["Resource Not Found - AccessFeatures was not found ('id': 2000000000)"]


@pytest.fixture
def zones(master: Http) -> Iterator[list[dict[str, Any]]]:
    """The zone messages, put back afterwards."""
    before = master("GET", ZONES).json()
    yield before["items"]
    assert master("PUT", ZONES, json=before).status_code == 204


def test_zone_messages_are_those_of_the_first_installation(zones: list[dict[str, Any]], http: Http) -> None:
    assert list(http("GET", ZONES).json()) == ["items"]
    assert [zone["name"] for zone in zones] == [
        "eu-fr", "na-newfoundland", "na-atlantic", "na-eastern", "na-central", "na-mountain", "na-pacific",
        "na-alaska", "be-brussels", "it-rome",
    ]  # fmt: skip
    assert zones[0] == {"name": "eu-fr", "timezone": "Europe/Paris", "message": "'vm-received' q 'digits/at' kM"}


@pytest.mark.usefixtures("zones")
def test_zone_messages_are_replaced_as_a_whole_in_their_order(master: Http, system: System) -> None:
    given = [
        {"name": "z", "timezone": "Asia/Tokyo", "message": ""},
        {"name": "a", "timezone": "Asia/Tokyo"},
        {"name": "eu-fr", "timezone": "Europe/Paris", "message": "q"},
    ]
    with system.events("voicemail_zonemessages_edited") as events:
        assert master("PUT", ZONES, json={"items": given}).status_code == 204
        headers, payload = events.get(timeout=10)
    assert (payload["data"], "tenant_uuid" in headers) == ({}, False)
    shown = [given[0] | {"message": None}, given[1] | {"message": None}, given[2]]
    assert master("GET", ZONES).json() == {"items": shown}
    assert master("PUT", ZONES, json={"items": []}).status_code == 204
    assert master("GET", ZONES).json() == {"items": []}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "items: ['Missing data for required field.']"),
        ({"items": None}, "items: ['Field may not be null.']"),
        ({"items": {}}, "items: ['Invalid type.']"),
        ({"items": [{"name": "a"}]}, "items: {0: {'timezone': ['Missing data for required field.']}}"),
        ({"items": [{"name": "a" * 129, "timezone": "b"}]},
         "items: {0: {'name': ['Longer than maximum length 128.']}}"),
        ({"items": [{"name": "a", "timezone": "b"}, {"name": "a", "timezone": "c"}]},
         "items: ['Names given more than once: a']"),
    ],
)  # fmt: skip
def test_bad_zone_messages_are_refused(body: Any, message: str, master: Http) -> None:
    answer = master("PUT", ZONES, json=body)
    assert (answer.status_code, answer.json()) == (400, [f"Input Error - {message}"])


@pytest.mark.usefixtures("zones")
def test_lists_of_zone_messages_put_at_once_do_not_mix(client: Client) -> None:
    lists = [[{"name": f"{letter}{n}", "timezone": "UTC", "message": None} for n in range(20)] for letter in "abab"]
    replies = [client.call_async("asterisk_voicemail_zonemessages.update", body={"items": each}) for each in lists * 5]
    for reply in replies:
        reply.result()
    assert client.call("asterisk_voicemail_zonemessages.get")["items"] in lists


@pytest.mark.usefixtures("zones")
def test_a_voicemail_may_keep_a_zone_message_that_is_gone(master: Http, call: Callable[..., Any]) -> None:
    context = call("contexts.create", body={"label": "inside", "user_ranges": [{"start": "1000", "end": "1999"}]})
    voicemail = {"name": "x", "number": "1000", "context": context["name"], "timezone": "eu-fr"}
    made = call("voicemails.create", body=voicemail)
    assert master("PUT", ZONES, json={"items": []}).status_code == 204
    assert call("voicemails.get", id=made["id"])["timezone"] == "eu-fr"
    with pytest.raises(RemoteError, match="field 'timezone': Timezone was not found"):
        call("voicemails.create", body=voicemail | {"number": "1001"})


def _localization(http: Http, **content: Any) -> tuple[str, str | None]:
    shown = http("GET", "/localization", **content).json()
    return shown["tenant_uuid"], shown["country"]


def test_each_tenant_has_its_own_country(http: Http, system: System, client: Client, tenant: str) -> None:
    assert http("PUT", "/localization", json={"country": "FR"}).status_code == 204
    assert http("PUT", "/localization", json={}).status_code == 204
    assert _localization(http) == (PARENT, "FR")
    child = {"headers": {"Wazo-Tenant": CHILD}}
    assert http("PUT", "/localization", json={"country": None}, **child).status_code == 204
    assert _localization(http, **child) == (CHILD, None)

    user = client.call("users.create", body={"firstname": "Alice"})
    with system.events("localization_edited", tenant=tenant) as events:
        client.call("localization.update", body={"country": "ca"})
        headers, payload = events.get(timeout=10)
    assert payload["data"] == {"tenant_uuid": tenant, "country": "ca"}
    assert headers["user_uuid:*"] is True
    assert client.call("users.get", id=user["id"])["country"] == "ca"


def test_only_putting_the_country_makes_an_unknown_tenant_known(call: Callable[..., Any], tenant: str) -> None:
    with pytest.raises(RemoteError) as refusal:
        call("localization.get")
    assert refusal.value.status == 404
    assert refusal.value.message == f"Resource Not Found - Tenant was not found ('uuid': '{tenant}')"
    call("localization.update", body={})
    assert call("localization.get") == {"tenant_uuid": tenant, "country": None, "revision": 1}


@pytest.mark.parametrize(
    ("country", "problem"),
    [
        ("", "Length must be 2."),
        ("FRA", "Length must be 2."),
        ("XX", "Invalid country code: XX"),
        ("é1", "Invalid country code: é1"),
        (5, "Not a valid string."),
    ],
)
def test_an_unknown_country_is_refused(country: Any, problem: str, http: Http) -> None:
    answer = http("PUT", "/localization", json={"country": country})
    assert (answer.status_code, answer.json()) == (400, [f"Input Error - country: ['{problem}']"])


def test_all_time_zones_are_listed_by_name(http: Http) -> None:
    listed = http("GET", "/timezones").json()
    names = [item["zone_name"] for item in listed["items"]]
    assert names == sorted(names)
    assert listed["total"] == len(names) > 400
    assert {"America/Montreal", "Europe/Paris", "UTC"} <= set(names)
    assert "localtime" not in names


@pytest.fixture
def asterisk() -> Iterator[ThreadingHTTPServer]:
    """An Asterisk that answers with its `status` and `content`, to those who know the password."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers["Authorization"] == "Basic Y29uZmQ6c2VjcmV0" and self.path == "/ari/sounds"
            self.send_response(self.server.status if known else 401)  # type: ignore[attr-defined]
            self.end_headers()
            self.wfile.write(self.server.content)  # type: ignore[attr-defined]

        def log_message(self, *words: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.status, server.content = 200, b"[]"  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def _languages(**settings: Any) -> dict[str, Any]:
    service = SoundsLanguages()
    database: Any = None
    service.work = Work(database, Context(), Facts(Settings(**settings), "", lambda: None))
    return service.list()


def _at(asterisk: Any, password: str = "secret") -> dict[str, str]:
    url = f"http://127.0.0.1:{asterisk.server_address[1]}/"
    return {"ari_url": url, "ari_username": "confd", "ari_password": password}


def test_the_languages_are_those_of_all_sounds_with_a_country(asterisk: Any) -> None:
    languages = ["en_US", "fr_FR", "fr_FR", "en", "x_y_z", "de_DEUT"]
    sounds = [{"id": "beep", "formats": [{"language": each, "format": "wav"} for each in languages]},
              {"id": "agent", "formats": [{"language": "deu_AT", "format": "wav"}]}]  # fmt: skip
    asterisk.content = json.dumps(sounds).encode()
    tags = [{"tag": tag} for tag in ("deu_AT", "en_US", "fr_FR")]
    assert _languages(**_at(asterisk)) == {"total": 3, "items": tags}


@pytest.mark.parametrize(
    ("status", "content", "problem"),
    [
        (500, b"", "Asterisk, which answers with status 500"),
        (200, b"nonsense", "Asterisk (JSONDecodeError)"),
        (200, b'{"message": "x"}', "Asterisk (TypeError)"),
    ],
)
def test_what_asterisk_does_not_tell_is_unavailable(status: int, content: bytes, problem: str, asterisk: Any) -> None:
    asterisk.status, asterisk.content = status, content
    with pytest.raises(errors.Unavailable) as refusal:
        _languages(**_at(asterisk))
    assert refusal.value.message == f"Not available: {problem}"


def test_an_asterisk_that_does_not_know_the_worker_is_unavailable(asterisk: Any) -> None:
    with pytest.raises(errors.Unavailable, match="Asterisk, which answers with status 401"):
        _languages(**_at(asterisk, password="wrong"))


def test_an_asterisk_that_is_not_there_is_unavailable(asterisk: Any) -> None:
    asterisk.shutdown()
    asterisk.server_close()
    with pytest.raises(errors.Unavailable, match="ConnectionError"):
        _languages(**_at(asterisk))


def test_without_an_asterisk_the_languages_are_unavailable(http: Http) -> None:
    answer = http("GET", "/sounds/languages")
    assert (answer.status_code, answer.json()) == (503, ["Not available: Asterisk, as CONFD_ARI_URL is not set"])
    answer = http("GET", "/sounds/languages", params={"limit": "x", "offset": "-1"})
    assert answer.status_code == 400
    assert [line.split(":")[0] for line in answer.json()] == ["Input Error - limit", "Input Error - offset"]
