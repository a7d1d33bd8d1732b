"""URLs lead to operations."""

from urllib.parse import unquote

import pytest
from confd_gateway.errors import NotAllowed, NotFound
from confd_gateway.routing import Router
from confd_schemas.spec import Resource, discover, operation

UUID = "8C5F0000-0000-4000-8000-00000000ABCD"

ROUTER = Router(
    [
        Resource(
            (
                operation("GET", "/things", "things.list"),
                operation("GET", "/things/{id:id}", "things.get"),
                operation("PUT", "/things/{thing_id:int}", "things.update"),
                operation("GET", "/things/main", "things.main"),
                operation("GET", "/things/main/parts/{part:uuid}", "things.part"),
                operation("PUT", "/things/{id:id}/forwards/{name:busy|noanswer}", "things.forward"),
                operation("GET", "/files/{name:text}", "files.get"),
                operation("HEAD", "/files/{name:text}", "files.exists"),
                operation("GET", "/songs/{uuid:text}", "songs.get"),
            ),
        )
    ]
)


def match(method, path, raw=None):
    return ROUTER.match(method, path, raw or path.encode())


@pytest.mark.parametrize(
    ("method", "path", "rpc", "values"),
    [
        ("GET", "/1.1/things", "things.list", {}),
        ("GET", "/1.1/things/1", "things.get", {"id": 1}),
        ("GET", "/1.1/things/" + "9" * 18, "things.get", {"id": 10**18 - 1}),
        ("GET", f"/1.1/things/{UUID}", "things.get", {"id": UUID.lower()}),
        ("GET", "/1.1/things/main", "things.main", {}),
        ("PUT", "/1.1/things/1", "things.update", {"thing_id": 1}),
        ("PUT", "/1.1/things/1/forwards/busy", "things.forward", {"id": 1, "name": "busy"}),
        ("GET", "/1.1/files/main", "files.get", {"name": "main"}),
        ("HEAD", "/1.1/files/main", "files.exists", {"name": "main"}),
        ("HEAD", "/1.1/things", "things.list", {}),
    ],
)
def test_a_url_leads_to_its_operation(method, path, rpc, values):
    found = match(method, path)
    assert (found.route.operation.rpc, found.values) == (rpc, values)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/1.1",
        "/1.1/",
        "/1.0/things",
        "/1.1/things/",
        "/1.1//things",
        "/1.1/things/abc",
        "/1.1/things/-1",
        "/1.1/things/\u0661",
        "/1.1/things/" + "9" * 19,
        "/1.1/things/" + "9" * 5000,
        f"/1.1/things/{UUID}x",
        f"/1.1/things/{UUID.replace('-', '')}",
        "/1.1/things/main/parts/1",
        "/1.1/things/1/forwards/never",
        "/1.1/files/",
        "/1.1/files/" + "a" * 513,
        "/1.1/nothing",
    ],
)
def test_what_does_not_match_is_not_found(path):
    with pytest.raises(NotFound):
        match("GET", path)


def test_escapes_are_decoded_within_their_segment_only():
    assert match("GET", "/1.1/files/a é", b"/1.1/files/a%20%C3%A9").values == {"name": "a é"}
    for raw in (b"/1.1/files/a%2Fb", b"/1.1/files/%00", b"/1.1/files/%ff", b"/1.1/files%2Fa"):
        with pytest.raises(NotFound):
            match("GET", raw.decode(), raw)


def test_another_method_is_refused_with_those_that_there_are():
    with pytest.raises(NotAllowed) as refused:
        match("DELETE", "/1.1/things/1")
    assert refused.value.allowed == ("GET", "HEAD", "OPTIONS", "PUT")


@pytest.mark.parametrize(
    ("path", "understood"),
    [
        (f"/1.1/things/{UUID}", UUID.lower()),
        ("/1.1/things/0653630", 653630),
        ("/1.1/things/%30653630", 653630),
        ("/1.1/things/000", 0),
        (f"/1.1/songs/{UUID}", UUID.lower()),
        (f"/1.1/songs/{UUID.replace('-', '')}", UUID.lower()),
        (f"/1.1/songs/%7B{UUID}%7D", UUID.lower()),
        (f"/1.1/songs/urn:uuid:{UUID}", UUID.lower()),
        ("/1.1/songs/Any", "Any"),
        (f"/1.1/files/{UUID}", UUID),
    ],
)
def test_the_acl_and_the_call_have_a_value_as_it_was_understood_not_as_it_was_spelled(path, understood):
    found = match("GET", unquote(path), path.encode())
    assert list(found.values.values()) == [understood]
    assert found.route.acl(found.values) == f"confd.{path.split('/')[2]}.{understood}.read"


@pytest.mark.parametrize("name", ["a.b.wav", "a%23b.wav", "a_b_wav"])
def test_an_acl_has_no_other_dots_and_wildcards_than_its_own(name):
    found = match("GET", unquote(f"/1.1/files/{name}"), f"/1.1/files/{name}".encode())
    assert found.route.acl(found.values) == "confd.files.a_b_wav.read"


def test_two_operations_cannot_share_method_and_path():
    twice = operation("GET", "/a/{b:int}", "a.b"), operation("GET", "/a/{c:int}", "a.c")
    with pytest.raises(ValueError, match=r"GET /a/\{c:int\}: there is another"):
        Router([Resource(twice)])


def test_an_unknown_variable_type_is_refused():
    with pytest.raises(ValueError, match="'float'"):
        Router([Resource((operation("GET", "/a/{b:float}", "a.b"),))])


def test_every_installed_operation_is_found_at_its_own_path():
    samples = {"int": "1", "uuid": UUID, "id": "1", "text": "text"}
    resources = list(discover())
    router = Router(resources)
    for resource in resources:
        for one in resource.operations:
            path = one.path
            for name, kind in one.variables.items():
                path = path.replace(f"{{{name}:{kind}}}", samples.get(kind) or kind.split("|")[0])
            path = f"/1.1{path}"
            assert router.match(one.method, path, path.encode()).route.operation is one
