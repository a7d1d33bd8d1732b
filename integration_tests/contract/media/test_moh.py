"""Music on hold and its files."""

import base64
import io
import os
import socket
import struct
import uuid
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from confd_worker.conformance.system import PARENT, System, until

from ...system_daemon import Daemon
from ..world import Call, Heard, World, refusal

Told = Callable[..., list[Heard]]
Item = dict[str, Any]
Http = Callable[..., httpx.Response]

UNKNOWN = str(uuid.uuid4())
BLOCK = 512 * 1024


def _moh(call: Call, **body: Any) -> Item:
    return call("moh.create", body={"label": "rock", "mode": "files", **body})


@pytest.fixture
def moh(call: Call) -> Item:
    """Music on hold that plays WAV files."""
    return _moh(call)


@pytest.fixture
def at_home(http: Http, system: System) -> Iterator[Item]:
    """Music on hold of the mode mp3 in the tenant of the token that `http` sends."""
    made = http("POST", "/moh", json={"label": "rock", "mode": "mp3"}).json()
    yield made | {"folder": _folder(system, made)}
    http("DELETE", f"/moh/{made['uuid']}")


def _folder(system: System, moh: Item) -> Path:
    return system.folder / "moh" / moh["name"]


def _wav(channels: int = 1, rate: int = 8000, width: int = 2, seconds: float = 0.1) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(channels)
        audio.setframerate(rate)
        audio.setsampwidth(width)
        audio.writeframes(b"\0" * int(rate * seconds) * channels * width)
    return file.getvalue()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _put(call: Call, moh: Item, filename: str = "a.wav", content: bytes = b"", **more: Any) -> None:
    call("moh_files.put", uuid=moh["uuid"], filename=filename, body=_text(content), **more)


def _get(call: Call, moh: Item, filename: str = "a.wav", **more: Any) -> bytes:
    return base64.b64decode(call("moh_files.get", uuid=moh["uuid"], filename=filename, **more)["content"])


def test_music_on_hold_has_defaults_a_name_and_a_folder(call: Call, tenant: str, system: System) -> None:
    made = _moh(call)
    assert list(made.items()) == list({
        "uuid": made["uuid"], "tenant_uuid": tenant, "name": f"moh--{made['uuid']}", "label": "rock", "mode": "files",
        "application": None, "sort": None, "files": [],
        "links": [{"rel": "moh", "href": f"/moh/{made['uuid']}"}], "revision": 1,
    }.items())  # fmt: skip
    assert _folder(system, made).stat().st_mode & 0o7777 == 0o775
    call("moh.delete", uuid=made["uuid"])
    assert not _folder(system, made).exists()


def test_the_name_begins_with_the_slug_of_the_tenant(call: Call, tenant: str, system: System) -> None:
    _moh(call)
    for slug, shown in (("acme", "acme"), ("../../acme", "acme")):
        with system.database() as cursor:
            cursor.execute("UPDATE tenants SET slug = %s WHERE uuid = %s", (slug, tenant))
        made = _moh(call)
        assert made["name"] == f"moh-{shown}-{made['uuid']}"
        assert _folder(system, made).is_dir()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"label": None}, "Input Error - label: ['Field may not be null.']"),
        ({"label": "x" * 129}, "Input Error - label: ['Longer than maximum length 128.']"),
        ({"mode": None}, "Input Error - mode: ['Field may not be null.']"),
        ({"mode": "radio"}, "Input Error - mode: ['Must be one of: custom, files, mp3.']"),
        ({"application": "x" * 257}, "Input Error - application: ['Longer than maximum length 256.']"),
        ({"sort": "up"}, "Input Error - sort: ['Must be one of: alphabetical, random, random_start.']"),
        ({"mode": "custom"}, "Input Error - custom mode must have an application"),
        ({"mode": "custom", "application": None}, "Input Error - custom mode must have an application"),
    ],
    ids=str,
)
def test_bad_music_on_hold_is_refused(body: Item, message: str, call: Call, moh: Item) -> None:
    assert refusal(call, "moh.create", body={"label": "rock", "mode": "files", **body}) == message
    assert refusal(call, "moh.update", uuid=moh["uuid"], body=body) == message
    assert call("moh.get", uuid=moh["uuid"]) == moh


def test_custom_needs_an_application_after_the_change(call: Call) -> None:
    made = _moh(call, mode="custom", application="/bin/radio")
    message = "Input Error - custom mode must have an application"
    assert refusal(call, "moh.update", uuid=made["uuid"], body={"application": None}) == message
    call("moh.update", uuid=made["uuid"], body={"label": "jazz"})
    call("moh.update", uuid=made["uuid"], body={"application": None, "mode": "mp3"})
    changed = {"label": "jazz", "application": None, "mode": "mp3", "revision": 3}
    assert call("moh.get", uuid=made["uuid"]) == made | changed


def test_older_clients_give_the_label_as_the_name(call: Call) -> None:
    made = call("moh.create", body={"name": "rock", "mode": "files"})
    assert made["label"] == "rock"
    call("moh.update", uuid=made["uuid"], body={"name": "jazz"})
    call("moh.update", uuid=made["uuid"], body={"name": "blues", "label": "soul"})
    assert call("moh.get", uuid=made["uuid"]) == made | {"label": "soul", "revision": 3}
    message = "Input Error - label: ['Longer than maximum length 128.']"
    assert refusal(call, "moh.create", body={"name": "x" * 129, "mode": "files"}) == message


def test_labels_may_be_shared_and_order_the_list(call: Call) -> None:
    for label in ("rock", "jazz", "rock"):
        _moh(call, label=label)
    listed = call("moh.list")
    assert [each["label"] for each in listed["items"]] == ["jazz", "rock", "rock"]
    name = listed["items"][0]["name"]
    for given in ({"name": name}, {"label": "jazz"}, {"search": name[4:]}, {"search": "JAZ"}):
        assert call("moh.list", **given) == {"total": 1, "items": listed["items"][:1]}


def test_changes_are_told(told: Told, call: Call, tenant: str) -> None:
    [made] = told("moh.create", body={"label": "rock", "mode": "files"})
    [item] = call("moh.list")["items"]
    identity = {"uuid": item["uuid"], "tenant_uuid": tenant, "name": item["name"]}
    assert (made.name, made.key, made.body) == ("moh_created", "config.moh.created", identity)
    assert told("moh_files.put", uuid=item["uuid"], filename="a.wav", body=_text(_wav())) == []
    assert told("moh_files.delete", uuid=item["uuid"], filename="a.wav") == []
    for method, body, name in (("update", {"body": {}}, "edited"), ("delete", {}, "deleted")):
        [heard] = told(f"moh.{method}", uuid=item["uuid"], **body)
        assert (heard.name, heard.key, heard.body) == (f"moh_{name}", f"config.moh.{name}", identity)


@pytest.mark.parametrize("identity", [UNKNOWN, "no uuid", "7", "é'"])
def test_any_text_may_be_asked_for(identity: str, call: Call) -> None:
    message = f"Resource Not Found - MOH was not found ({str({'uuid': identity})[1:-1]})"
    assert refusal(call, "moh.get", uuid=identity) == message
    assert refusal(call, "moh.update", uuid=identity, body={"label": 5}) == message
    assert refusal(call, "moh.delete", uuid=identity) == message
    for method, more in (("get", {}), ("put", {"body": ""}), ("put", {"body": "", "last": False}), ("delete", {})):
        assert refusal(call, f"moh_files.{method}", uuid=identity, filename="a.wav", **more) == message


def test_a_file_is_put_replaced_read_listed_and_deleted(call: Call, moh: Item, system: System) -> None:
    for content in (_wav(), _wav(rate=16000), _wav(width=1)):
        _put(call, moh, content=content)
        assert _get(call, moh) == content
    _put(call, moh, "Émile.wav", _wav())
    assert (_folder(system, moh) / "a.wav").stat().st_mode & 0o7777 == 0o660
    (_folder(system, moh) / ".hidden").touch()
    shown = call("moh.get", uuid=moh["uuid"])
    assert shown["files"] == [{"name": ".hidden"}, {"name": "a.wav"}, {"name": "Émile.wav"}]
    assert call("moh.list")["items"] == [shown]
    call("moh_files.delete", uuid=moh["uuid"], filename="a.wav")
    message = "Resource Not Found - MOH file was not found "
    message += f"('uuid': '{moh['uuid']}', 'filename': 'a.wav')"
    for method in ("get", "delete"):
        assert refusal(call, f"moh_files.{method}", uuid=moh["uuid"], filename="a.wav") == message
    assert _get(call, moh, "Émile.wav") == _wav()


HEADLESS = b"RIFF" + struct.pack("<L", 4) + b"WAVE"
FLOAT = b"fmt " + struct.pack("<LHHLLHH", 16, 3, 1, 8000, 32000, 4, 32)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_wav(channels=2), "['Audio file should be mono']"),
        (_wav(channels=2, rate=44100, width=4), "['Audio file should be mono']"),
        (_wav(rate=44100, width=3), "['Audio file should have a sample rate of 8kHz or 16kHz']"),
        (_wav(width=3), "['Audio file should have bit depth of no more than 16 bits']"),
        (b"ID3 is no WAV", "['Not able to read audio file: \"file does not start with RIFF id\"']"),
        (HEADLESS, "['Not able to read audio file: \"fmt chunk and/or data chunk missing\"']"),
        (b"RIFF" + struct.pack("<L", 28) + b"WAVE" + FLOAT, "['Not able to read audio file: \"unknown format: 3\"']"),
        (b"", "['Not able to read audio file: \"unexpected end of file\"']"),
        (_wav()[:10], "['Not able to read audio file: \"not a WAVE file\"']"),
    ],
    ids=["two channels", "all wrong", "rate", "width", "no WAV", "no chunks", "float", "empty", "short"],
)
def test_mode_files_takes_only_what_asterisk_can_play(content: bytes, message: str, call: Call, moh: Item) -> None:
    _put(call, moh, content=_wav())
    identity = {"uuid": moh["uuid"], "filename": "a.wav", "body": _text(content)}
    assert refusal(call, "moh_files.put", **identity) == f"Input Error - wav_file: {message}"
    assert _get(call, moh) == _wav()


def test_other_modes_take_anything(call: Call) -> None:
    for body in ({"mode": "mp3"}, {"mode": "custom", "application": "/bin/radio"}):
        made = _moh(call, **body)
        for content in (b"", bytes(range(256))):
            _put(call, made, content=content)
            assert _get(call, made) == content


def test_a_file_comes_and_goes_in_blocks(call: Call, system: System) -> None:
    made = _moh(call, mode="mp3")
    content = os.urandom(1_000_000)
    upload = str(uuid.uuid4())
    for offset in (0, 300_000, 300_000, 600_000):
        _put(call, made, content=content[offset : offset + 300_000], upload=upload, offset=offset, last=False)
        assert call("moh.get", uuid=made["uuid"])["files"] == []
    _put(call, made, content=content[900_000:], upload=upload, offset=900_000)
    first = call("moh_files.get", uuid=made["uuid"], filename="a.wav")
    assert first == first | {"filename": "a.wav", "size": 1_000_000, "content": _text(content[:BLOCK])}
    assert _get(call, made, offset=BLOCK, version=first["version"]) == content[BLOCK:]
    assert _get(call, made, offset=10, length=5) == content[10:15]
    assert _get(call, made, offset=2_000_000) == b""
    assert list((system.folder / "moh" / ".uploads").iterdir()) == []

    _put(call, made, content=b"another")
    for method, more in (
        ("get", {"offset": BLOCK, "version": first["version"]}),
        ("put", {"body": "", "upload": upload, "offset": 900_000}),
    ):
        with pytest.raises(Exception, match="Changed by another call at the same time") as conflict:
            call(f"moh_files.{method}", uuid=made["uuid"], filename="a.wav", **more)
        assert conflict.value.status == 409
    assert _get(call, made) == b"another"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"body": "%"}, "Input Error - field 'body': wrong type. Should be a base64 text"),
        ({"body": None}, "Input Error - field 'body': wrong type. Should be a base64 text"),
        ({"body": "", "offset": -1}, "Input Error - field 'offset': wrong type. Should be a positive number"),
        ({"body": "", "upload": "../../a"}, "Input Error - field 'upload': wrong type. Should be a UUID"),
        ({"body": "", "last": False}, "Input Error - field 'upload': wrong type. Should be a UUID"),
    ],
    ids=str,
)
def test_a_malformed_block_is_refused(more: Item, message: str, call: Call, moh: Item) -> None:
    assert refusal(call, "moh_files.put", uuid=moh["uuid"], filename="a.wav", **more) == message


def test_a_file_that_is_too_large_is_refused(call: Call, system: System, at_home: Item) -> None:
    made = _moh(call, mode="mp3")
    with pytest.raises(Exception, match="Input Error - body: larger than 268435456 bytes") as refused:
        _put(call, made, content=b"x", upload=UNKNOWN, offset=256 * 1024 * 1024, last=False)
    assert refused.value.status == 413
    answer = _raw(system, b"PUT", f"/1.1/moh/{at_home['uuid']}/files/a", 256 * 1024 * 1024 + 1)
    assert answer.startswith(b"HTTP/1.1 413")


def test_files_go_up_and_down_over_http(http: Http, at_home: Item) -> None:
    path = f"/moh/{at_home['uuid']}/files/a.mp3"
    for content in (b"", b"short", os.urandom(BLOCK), os.urandom(3 * BLOCK + 1)):
        for sent in (content, iter([content[:7], content[7:]])):
            answer = http("PUT", path, content=sent)
            assert (answer.status_code, answer.content) == (204, b"")
        answer = http("GET", path)
        assert (answer.status_code, answer.content) == (200, content)
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"] == "attachment; filename=a.mp3"
        head = http("HEAD", path)
        assert (head.content, head.headers["content-length"]) == (b"", str(len(content)))
    assert http("GET", f"/moh/{at_home['uuid']}").json()["files"] == [{"name": "a.mp3"}]
    assert http("DELETE", path).status_code == 204
    missing = http("GET", path)
    message = f"Resource Not Found - MOH file was not found ('uuid': '{at_home['uuid']}', 'filename': 'a.mp3')"
    assert (missing.status_code, missing.json()) == (404, [message])


@pytest.mark.parametrize(
    "name", ["..", ".hidden", "%2e%2e", "..%2f..%2fetc%2fpasswd", "a%2fb", "a%00", "a/b", "a" * 195, "%ff", ""]
)
def test_a_name_that_leads_elsewhere_is_an_unknown_url(name: str, system: System, at_home: Item) -> None:
    for method in (b"GET", b"PUT", b"DELETE"):
        answer = _raw(system, method, f"/1.1/moh/{at_home['uuid']}/files/{name}")
        assert answer.startswith(b"HTTP/1.1 404")
        assert b"text/html" in answer


def _raw(system: System, method: bytes, path: str, length: int = 1) -> bytes:
    """The answer to a request whose path goes out just as it is, with a body of which only one byte comes."""
    head = b"%s %s HTTP/1.1\r\nHost: a\r\nX-Auth-Token: parent-token\r\n" % (method, path.encode())
    with socket.create_connection(("127.0.0.1", system.http_port), timeout=10) as connection:
        connection.sendall(head + b"Content-Length: %d\r\nConnection: close\r\n\r\nx" % length)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("name", ["..", "../a", "/etc/passwd", ".a", "", "a\0b", "a" * 195, 5, None])
def test_no_name_leads_out_of_the_folder(name: Any, call: Call, moh: Item, system: System) -> None:
    outside = system.folder / "moh" / "a"
    outside.write_bytes(b"secret")
    for method, more in (("get", {}), ("put", {"body": _text(_wav())}), ("delete", {})):
        message = refusal(call, f"moh_files.{method}", uuid=moh["uuid"], filename=name, **more)
        assert message.startswith("Resource Not Found - MOH file was not found")
    assert outside.read_bytes() == b"secret"
    assert call("moh.get", uuid=moh["uuid"])["files"] == []


def test_links_in_the_folder_are_not_followed(call: Call, system: System, tmp_path: Path) -> None:
    made = _moh(call, mode="mp3")
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    (_folder(system, made) / "link").symlink_to(secret)
    (_folder(system, made) / "folder").mkdir()
    os.mkfifo(_folder(system, made) / "pipe")
    for name in ("link", "folder", "pipe"):
        message = refusal(call, "moh_files.get", uuid=made["uuid"], filename=name)
        assert message.startswith("Resource Not Found - MOH file was not found")
    _put(call, made, "link", b"mine")
    assert (_get(call, made, "link"), secret.read_bytes()) == (b"mine", b"secret")

    elsewhere = _moh(call, mode="mp3")
    _folder(system, elsewhere).rmdir()
    _folder(system, elsewhere).symlink_to(tmp_path)
    assert call("moh.get", uuid=elsewhere["uuid"])["files"] == []
    assert refusal(call, "moh_files.get", uuid=elsewhere["uuid"], filename="secret").startswith("Resource Not Found")
    assert refusal(call, "moh_files.put", uuid=elsewhere["uuid"], filename="a", body="").startswith("Resource Not")
    call("moh.delete", uuid=elsewhere["uuid"])
    assert secret.exists()


def test_a_folder_that_is_not_there_is_made_again_by_an_upload(call: Call, moh: Item, system: System) -> None:
    _folder(system, moh).rmdir()
    assert call("moh.get", uuid=moh["uuid"])["files"] == []
    _put(call, moh, content=_wav())
    assert call("moh.get", uuid=moh["uuid"])["files"] == [{"name": "a.wav"}]


def test_a_folder_is_made_and_removed_only_with_its_row(call: Call, system: System) -> None:
    def folders() -> set[str]:
        return set(os.listdir(system.folder / "moh"))

    made = _moh(call)
    before = folders()
    with system.database() as cursor:
        cursor.execute("ALTER TABLE outbox ADD CONSTRAINT closed CHECK (name NOT LIKE 'moh%') NOT VALID")
        try:
            for method, given in (
                ("moh.create", {"body": {"label": "rock", "mode": "mp3"}}),
                ("moh.delete", {"uuid": made["uuid"]}),
            ):
                with pytest.raises(Exception, match="Unexpected error"):
                    call(method, **given)
        finally:
            cursor.execute("ALTER TABLE outbox DROP CONSTRAINT closed")
    assert folders() == before
    assert call("moh.list")["total"] == 1


def test_uploads_that_nobody_finishes_are_removed(call: Call, system: System) -> None:
    made = _moh(call, mode="mp3")
    old, new = str(uuid.uuid4()), str(uuid.uuid4())
    for upload in (old, new):
        _put(call, made, content=b"x", upload=upload, last=False)
    uploads = system.folder / "moh" / ".uploads"
    os.utime(uploads / f"{old}.part", (0, 0))
    _put(call, made, content=b"y")
    assert [part.name for part in uploads.iterdir()] == [f"{new}.part"]
    (uploads / f"{new}.part").unlink()


def test_a_repeated_upload_takes_effect_once(http: Http, at_home: Item) -> None:
    path, key = f"/moh/{at_home['uuid']}/files/a.mp3", {"Idempotency-Key": str(uuid.uuid4())}
    content = os.urandom(BLOCK + 5)
    assert http("PUT", path, content=content, headers=key).status_code == 204
    assert http("DELETE", path).status_code == 204
    assert http("PUT", path, content=content, headers=key).status_code == 204
    assert http("GET", f"/moh/{at_home['uuid']}").json()["files"] == []
    assert http("PUT", path, content=b"another", headers=key).status_code == 400


def test_other_tenants_reach_no_file(call: Call, moh: Item, system: System, tenant: str) -> None:
    _put(call, moh, content=_wav())
    with system.client(str(uuid.uuid4())) as stranger:
        for method, more in (("get", {}), ("put", {"body": _text(_wav())}), ("delete", {})):
            message = refusal(stranger.call, f"moh_files.{method}", uuid=moh["uuid"], filename="a.wav", **more)
            assert message == f"Resource Not Found - MOH was not found ('uuid': '{moh['uuid']}')"
    with system.client(PARENT, visible_tenants=[PARENT, tenant]) as parent:
        assert _get(parent.call, moh) == _wav()
        parent.call("moh_files.delete", uuid=moh["uuid"], filename="a.wav")


def test_users_groups_and_destinations_refer_to_music_by_name_or_uuid(call: Call, world: World, system: System) -> None:
    music = _moh(call)
    user, group = world.user()["id"], call("groups.create", body={"label": "sales"})["uuid"]
    with system.client(str(uuid.uuid4())) as stranger:
        foreign = _moh(stranger.call)["name"]
    for method, key in (("users.update", {"id": user}), ("groups.update", {"uuid": group})):
        for name in (music["name"], "default", "", None):
            call(method, **key, body={"music_on_hold": name})
        for name in (foreign, "rock", music["uuid"]):
            message = f"Input Error - field 'music_on_hold': MOH was not found ('music_on_hold': '{name}')"
            assert refusal(call, method, **key, body={"music_on_hold": name}) == message
        call(method, **key, body={"music_on_hold": music["name"]})
    to_user = {"type": "user", "user_id": user, "moh_uuid": music["uuid"]}
    incall = call("incalls.create", body={"destination": to_user})
    assert incall["destination"]["moh_uuid"] == music["uuid"]
    message = f"Input Error - field 'moh_uuid': MOH was not found ('moh_uuid': '{UNKNOWN}')"
    assert message in refusal(call, "incalls.create", body={"destination": to_user | {"moh_uuid": UNKNOWN}})

    call("moh.delete", uuid=music["uuid"])
    call("users.update", id=user, body={"firstname": "Bob"})
    call("groups.update", uuid=group, body={"label": "support"})
    assert call("users.get", id=user)["music_on_hold"] == music["name"]
    assert call("groups.get", uuid=group)["music_on_hold"] == music["name"]


def test_every_change_is_reloaded(reloading: System, listening: Daemon, tenant: str) -> None:
    with reloading.client(tenant) as client:
        made = _moh(client.call)
        file = {"uuid": made["uuid"], "filename": "a.wav"}
        for method, given in (
            ("moh.update", {"uuid": made["uuid"], "body": {}}),
            ("moh_files.put", {**file, "body": _text(_wav())}),
            ("moh_files.delete", file),
            ("moh.delete", {"uuid": made["uuid"]}),
        ):
            until(lambda: listening.reloads() == [["moh reload"]], "asterisk reloads music on hold")
            listening.asked.clear()
            client.call(method, **given)
        until(lambda: listening.reloads() == [["moh reload"]], "asterisk reloads music on hold")
