"""Callers known by an authentication server."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from confd_gateway.auth_server import MOST_CONNECTIONS, ServerAuth
from confd_gateway.cache import Cache
from confd_gateway.errors import AuthUnavailable, MasterTenantUnknown, NotMaster, TenantRefused, TokenRefused
from gateway_fakes import CHILD, MASTER, OTHER, USER, serving, wait_until
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

UPPER = "20000000-0000-4000-8000-00000000ABCD"
BELOW = {MASTER: [MASTER, CHILD, OTHER], CHILD: [CHILD], OTHER: [OTHER]}


class FakeAuth:
    """A little authentication server, with what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.tokens = {
            "all": SimpleNamespace(tenant=MASTER, user=USER, session="session-1"),
            "child": SimpleNamespace(tenant=CHILD, user=None, session="session-2"),
        }
        self.broken = False
        self.refuses_tenants = False
        self.app = Starlette(
            routes=[
                Route("/0.1/token", self.create, methods=["POST"]),
                Route("/0.1/token/{token}", self.token, methods=["GET", "HEAD"]),
                Route("/0.1/tenants", self.tenants),
            ]
        )

    async def create(self, request: Request) -> Response:
        self.asked.append("POST token")
        # confd:secret
        if self.broken or request.headers.get("authorization") != "Basic Y29uZmQ6c2VjcmV0":
            return Response(status_code=401)
        return JSONResponse({"data": {"token": "own", "metadata": {"tenant_uuid": MASTER}}})

    async def token(self, request: Request) -> Response:
        self.asked.append(f"{request.method} token")
        known = self.tokens.get(request.path_params["token"])
        if self.broken:
            return Response(status_code=500)
        if known is None:
            return Response(status_code=404)
        if request.method == "HEAD":
            tenant = request.query_params.get("tenant", known.tenant)
            allowed = request.query_params["scope"].startswith("confd.things") and tenant in BELOW[known.tenant]
            return Response(status_code=204 if allowed else 403)
        metadata = {"tenant_uuid": known.tenant, "uuid": known.user}
        return JSONResponse({"data": {"session_uuid": known.session, "metadata": metadata}})

    async def tenants(self, request: Request) -> Response:
        self.asked.append("GET tenants")
        if self.refuses_tenants:
            return Response(status_code=401)
        return JSONResponse({"items": [{"uuid": uuid} for uuid in BELOW[request.headers["wazo-tenant"]]]})


@pytest.fixture
def server():
    return FakeAuth()


def connect(server, **given: Any):
    usual: dict[str, Any] = {"username": "confd", "password": "secret", "cache_seconds": 60} | given
    transport = httpx.ASGITransport(server.app)
    return ServerAuth("http://auth:9497", usual.pop("username"), usual.pop("password"), transport=transport, **usual)


def access(auth, token="all", acl="confd.things.read", tenant="", master_only=False):
    return asyncio.run(auth.access(token, acl, tenant, master_only=master_only))


def test_the_server_tells_tenant_user_and_visible_tenants(server):
    known = access(connect(server))
    assert (known.tenant_uuid, known.visible, known.user_uuid) == (MASTER, (MASTER, CHILD, OTHER), USER)
    known = access(connect(server), tenant=CHILD.upper())
    assert (known.tenant_uuid, known.visible) == (CHILD, (CHILD,))
    known = access(connect(server), token="child")
    assert (known.tenant_uuid, known.visible, known.user_uuid) == (CHILD, (CHILD,), None)


@pytest.mark.parametrize("user", ["confd-service", "", 7, None, f"{USER}x", [USER]])
def test_a_token_whose_user_is_no_uuid_acts_as_one_without_a_user(server, user):
    server.tokens["all"].user = user
    known = access(connect(server))
    assert (known.tenant_uuid, known.user_uuid) == (MASTER, None)


def test_uuids_are_passed_on_in_their_usual_form(server):
    server.tokens["all"] = SimpleNamespace(tenant=MASTER.upper(), user=UPPER, session="session-1")
    known = access(connect(server))
    assert (known.tenant_uuid, known.user_uuid) == (MASTER, UPPER.lower())


def test_a_tenant_that_is_no_uuid_is_left_out_and_is_nobodys_own(server, monkeypatch):
    monkeypatch.setitem(BELOW, MASTER, [MASTER, "no uuid", None])
    assert access(connect(server)).visible == (MASTER,)
    server.tokens["all"].tenant = "no uuid"
    monkeypatch.setitem(BELOW, "no uuid", ["no uuid"])
    with pytest.raises(AuthUnavailable):
        access(connect(server))


@pytest.mark.parametrize(
    ("asked", "error", "content"),
    [
        ({"token": ""}, TokenRefused, ["('', 'confd.things.read')"]),
        ({"token": ".."}, TokenRefused, ["('..', 'confd.things.read')"]),
        ({"token": "../tenants"}, TokenRefused, ["('../tenants', 'confd.things.read')"]),
        ({"token": "nobody"}, TokenRefused, ["('nobody', 'confd.things.read')"]),
        ({"acl": "confd.other.read"}, TokenRefused, ["('all', 'confd.other.read', None)"]),
        ({"token": "child", "tenant": MASTER}, TokenRefused, [f"('child', 'confd.things.read', '{MASTER}')"]),
        ({"tenant": "abc"}, TokenRefused, ["('all', 'confd.things.read', 'abc')"]),
    ],
)
def test_who_may_not_is_refused(server, asked, error, content):
    with pytest.raises(error) as refused:
        access(connect(server), **asked)
    assert (refused.value.status, refused.value.content) == (401, content)


def test_a_server_that_lists_no_tenants_leaves_the_own_one(server):
    server.refuses_tenants = True
    assert access(connect(server)).visible == (MASTER,)
    with pytest.raises(TenantRefused):
        access(connect(server), tenant=CHILD)


def test_master_only_needs_a_token_of_the_master_tenant(server):
    assert access(connect(server, master_tenant=MASTER), master_only=True, tenant=CHILD).tenant_uuid == CHILD
    with pytest.raises(NotMaster):
        access(connect(server, master_tenant=MASTER), token="child", master_only=True)
    with pytest.raises(MasterTenantUnknown) as unknown:
        access(connect(server), master_only=True)
    assert (unknown.value.status, unknown.value.content) == (503, [""])


def test_a_broken_server_is_503(server):
    server.broken = True
    with pytest.raises(AuthUnavailable) as refused:
        access(connect(server))
    assert (refused.value.status, refused.value.content) == (503, ["('auth', 9497, 'unexpected status 500')"])


def test_many_callers_at_once_are_looked_up_over_few_connections():
    at_once, most = 0, []

    async def refuse(request: Request) -> Response:
        nonlocal at_once
        at_once += 1
        most.append(at_once)
        while max(most) < MOST_CONNECTIONS:
            await asyncio.sleep(0.01)
        # Were there more connections, they would be here by then.
        await asyncio.sleep(0.2)
        at_once -= 1
        return Response(status_code=404)

    async def ask(url: str) -> list[Any]:
        auth = ServerAuth(url, None, None)
        asked = [auth.access(f"token-{number}", "confd.read", "", master_only=False) for number in range(100)]
        try:
            return await asyncio.gather(*asked, return_exceptions=True)
        finally:
            await auth.stop()

    with serving(Starlette(routes=[Route("/0.1/token/{token}", refuse, methods=["HEAD"])])) as url:
        answers = asyncio.run(ask(url))
    assert {type(answer) for answer in answers} == {TokenRefused}
    assert (len(most), max(most)) == (100, MOST_CONNECTIONS)


def test_a_server_that_is_not_there_is_503_without_the_token_in_its_text():
    auth = ServerAuth("http://127.0.0.1:1", None, None)
    with pytest.raises(AuthUnavailable) as refused:
        access(auth)
    assert refused.value.content == ["('127.0.0.1', 1, 'ConnectError')"]


def test_answers_are_believed_and_identical_questions_shared(server):
    auth = connect(server)

    async def run():
        await asyncio.gather(*(auth.access("all", "confd.things.read", "", master_only=False) for _ in range(20)))

    asyncio.run(run())
    asyncio.run(run())
    assert sorted(server.asked) == ["GET tenants", "GET token", "HEAD token"]


def test_a_deleted_session_ends_its_token_at_once_and_no_other(server):
    auth = connect(server)
    access(auth)
    access(auth, token="child")
    del server.tokens["all"], server.tokens["child"]
    auth.on_event("auth_session_deleted", {"data": {"uuid": "session-1"}})
    with pytest.raises(TokenRefused):
        access(auth)
    assert access(auth, token="child")
    malformed: list[Any] = [None, [], {}, {"data": None}, {"data": {"uuid": None}}]
    for payload in malformed:
        auth.on_event("auth_session_deleted", payload)
    auth.forget()
    with pytest.raises(TokenRefused):
        access(auth, token="child")


@pytest.mark.parametrize("event", ["auth_tenant_added", "auth_tenant_updated", "auth_tenant_deleted"])
def test_a_changed_tenant_tree_is_asked_for_again(server, event):
    auth = connect(server)
    access(auth)
    server.asked.clear()
    auth.on_event(event, {"data": {"uuid": CHILD}})
    access(auth)
    assert "GET tenants" in server.asked


def test_the_own_token_tells_the_master_tenant_and_is_tried_for_until_it_is_there(server, monkeypatch):
    monkeypatch.setattr("confd_gateway.auth_server.FIRST_RETRY", 0.01)
    server.broken = True

    async def run():
        auth = connect(server)
        await auth.start()
        while server.asked.count("POST token") < 2:
            await asyncio.sleep(0)
        before = auth.ready, auth.master_tenant
        server.broken = False
        async with asyncio.timeout(5):
            while not auth.ready:
                await asyncio.sleep(0.01)
        await auth.stop()
        return before, auth.master_tenant

    assert asyncio.run(run()) == ((False, None), MASTER)


def test_the_cache_keeps_little_and_forgets_in_time():
    cache = Cache(seconds=60, size=2)
    looked_up = []

    async def get(key):
        async def look_up():
            looked_up.append(key)
            return key

        return await cache.get(key, look_up)

    async def run():
        for key in "aabcab":
            await get(key)

    asyncio.run(run())
    assert looked_up == ["a", "b", "c", "a", "b"]


def test_a_look_up_that_an_event_overtakes_is_not_kept():
    cache = Cache(seconds=60)

    async def run():
        ready = asyncio.Event()

        async def slow():
            await ready.wait()
            return "old"

        async def fresh():
            return "new"

        asking = asyncio.create_task(cache.get("key", slow))
        await asyncio.sleep(0)
        cache.clear()
        after = await cache.get("key", fresh)
        ready.set()
        return await asking, after, await cache.get("key", slow)

    assert asyncio.run(run()) == ("old", "new", "new")


def test_the_whole_gateway_follows_the_server_and_its_events(server, start_gateway, worker):
    with serving(server.app) as url:
        client = start_gateway(
            auth_mode="wazo", auth_url=url, auth_username="confd", auth_password="secret", auth_cache=60
        )
        wait_until(lambda: client.get("/things/master").status_code == 200)
        assert client.get("/things", headers={"X-Auth-Token": "child"}).status_code == 200
        assert worker.calls[-1].headers["nameko.visible_tenants"] == [CHILD]
        del server.tokens["all"]
        assert client.get("/things/master").status_code == 200
        worker.publish("auth_session_deleted", {"uuid": "session-1"})
        wait_until(lambda: client.get("/things/master").status_code == 401)
    begun = time.monotonic()
    assert client.get("/things", headers={"X-Auth-Token": "other"}).status_code == 503
    assert time.monotonic() - begun < 5
