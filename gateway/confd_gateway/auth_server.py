"""Tokens and tenants from a wazo-auth compatible server, over HTTP."""

import asyncio
import contextlib
from typing import Any
from urllib.parse import quote

import httpx
import structlog

from .auth import Access, Auth, chosen_tenant, usual_uuid
from .cache import Cache
from .errors import AuthUnavailable, TenantRefused, TokenRefused

__all__ = ["ServerAuth"]

TIMEOUT = 5.0
TOKEN_SECONDS = 3600
# Renewed in good time before it expires.
RENEW_AFTER = 0.8 * TOKEN_SECONDS
FIRST_RETRY, LAST_RETRY = 0.5, 30.0
MAX_TOKEN = 512
# At once; more look-ups wait for one. They are among the files that `connections` leaves free.
MOST_CONNECTIONS = 40

_log = structlog.get_logger(__name__)


class ServerAuth(Auth):
    """Asks the authentication server, and believes its answers for a few seconds.

    Args:
        url: of the server, without `/0.1`.
        username, password: the daemon's own account; its token tells which the master tenant is.
        master_tenant: uuid, where it is preset.
        cache_seconds: for which an answer is believed, unless an event ends it.
        transport: for tests.
    """

    events = ("auth_session_deleted", "auth_tenant_added", "auth_tenant_updated", "auth_tenant_deleted")

    def __init__(
        self,
        url: str,
        username: str | None,
        password: str | None,
        *,
        master_tenant: str | None = None,
        cache_seconds: float = 5.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.master_tenant = master_tenant
        self.ready = False
        self._url = httpx.URL(url)
        self._account = httpx.BasicAuth(username, password or "") if username else None
        self._client = httpx.AsyncClient(
            base_url=f"{url.rstrip('/')}/0.1",
            timeout=TIMEOUT,
            limits=httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS),
            transport=transport,
        )
        self._cache = Cache(cache_seconds)
        self._keeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to get the daemon's own token, in the background."""
        if self._account is None:
            _log.warning("service_token_impossible", reason="auth_username is not set")
            return
        self._keeper = asyncio.create_task(self._keep_token(self._account))

    async def stop(self) -> None:
        """Close the connections."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._client.aclose()

    async def access(self, token: str, acl: str, tenant: str, *, master_only: bool) -> Access:
        """As the interface says."""
        # A dot alone would lead to another URL of the server.
        if not token or len(token) > MAX_TOKEN or not token.strip("."):
            raise TokenRefused(token, acl)
        chosen = chosen_tenant(token, acl, tenant)
        await self._cache.get(("check", token, acl, chosen), lambda: self._check(token, acl, chosen))
        data = await self._cache.get(("data", token), lambda: self._data(token, acl))
        own, user = data["tenant"], data["user"]
        if master_only:
            self.check_master(token, own)
        chosen = chosen or own
        visible = await self._cache.get(("tenants", token, chosen), lambda: self._tenants(token, chosen, own))
        return Access(chosen, visible, user)

    def on_event(self, name: str, payload: Any) -> None:
        """Drop what a deleted session or a changed tenant makes untrue."""
        if name != "auth_session_deleted":
            self._cache.drop(lambda key, _: key[0] in ("tenants", "check"))
            return
        body = payload.get("data") if isinstance(payload, dict) else None
        session = body.get("uuid") if isinstance(body, dict) else None
        ended = {key[1] for key, value in self._cache.values() if key[0] == "data" and value["session"] == session}
        self._cache.drop(lambda key, _: key[1] in ended)

    def forget(self) -> None:
        """Ask again for everything."""
        self._cache.clear()

    async def _check(self, token: str, acl: str, tenant: str) -> bool:
        parameters = {"scope": acl} | ({"tenant": tenant} if tenant else {})
        answer = await self._ask("HEAD", f"/token/{quote(token, safe='')}", params=parameters)
        if answer.status_code == 404:
            raise TokenRefused(token, acl)
        if answer.status_code == 403:
            raise TokenRefused(token, acl, tenant or None)
        if answer.status_code != 204:
            raise self._unexpected(answer)
        return True

    async def _data(self, token: str, acl: str) -> dict[str, Any]:
        """The token's own tenant, its user and its session."""
        answer = await self._ask("GET", f"/token/{quote(token, safe='')}")
        if answer.status_code == 404:
            raise TokenRefused(token, acl)
        try:
            if answer.status_code == 200:
                data = answer.json()["data"]
                metadata = data["metadata"]
                # The account of a daemon may be called by anything: it is no user.
                user, session = usual_uuid(metadata.get("uuid")), data.get("session_uuid")
                tenant = usual_uuid(metadata["tenant_uuid"])
                if tenant is not None:
                    return {"tenant": tenant, "user": user, "session": session}
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        raise self._unexpected(answer)

    async def _tenants(self, token: str, tenant: str, own: str) -> tuple[str, ...]:
        """The tenant and those below it, as far as the token sees them."""
        answer = await self._ask("GET", "/tenants", headers={"X-Auth-Token": token, "Wazo-Tenant": tenant})
        if answer.status_code == 401:
            if tenant != own:
                raise TenantRefused(tenant)
            return (own,)
        try:
            if answer.status_code == 200:
                told = [usual_uuid(one["uuid"]) for one in answer.json()["items"]]
                return tuple(dict.fromkeys((tenant, *(uuid for uuid in told if uuid))))
        except (ValueError, KeyError, TypeError):
            pass
        raise self._unexpected(answer)

    async def _ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        try:
            return await self._client.request(method, path, **given)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            # What httpx says may show the URL, and so the token; its type tells enough.
            raise AuthUnavailable(self._url.host, self._port, type(error).__name__) from None

    @property
    def _port(self) -> int:
        return self._url.port or (443 if self._url.scheme == "https" else 80)

    def _unexpected(self, answer: httpx.Response) -> AuthUnavailable:
        return AuthUnavailable(self._url.host, self._port, f"unexpected status {answer.status_code}")

    async def _keep_token(self, account: httpx.BasicAuth) -> None:
        delay = FIRST_RETRY
        while True:
            reason = await self._renew(account)
            if reason is None:
                delay = FIRST_RETRY
                await asyncio.sleep(RENEW_AFTER)
                continue
            _log.warning("service_token_refused", reason=reason, again_in_seconds=delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_RETRY)

    async def _renew(self, account: httpx.BasicAuth) -> str | None:
        """Get a token for the daemon itself; why not, if it cannot be had."""
        answer = None
        with contextlib.suppress(httpx.HTTPError):
            answer = await self._client.post("/token", json={"expiration": TOKEN_SECONDS}, auth=account)
        if answer is None:
            return "no answer"
        if answer.status_code != 200:
            return f"status {answer.status_code}"
        try:
            tenant = str(answer.json()["data"]["metadata"]["tenant_uuid"]).lower()
        except (ValueError, KeyError, TypeError):
            return "the answer is not that of an authentication server"
        if self.master_tenant is None:
            self.master_tenant = tenant
        if not self.ready:
            _log.info("service_token_obtained", master_tenant_uuid=self.master_tenant)
        self.ready = True
        return None
