"""What is asked of the authentication: its tenants, and accounts of users, with the daemon's own account there."""

from functools import cached_property
from pathlib import Path
from typing import Any

import requests
import yaml

from ..config import Settings
from . import errors

__all__ = ["AuthServer", "known_tenants"]

_TIMEOUT = (5, 30)
_TOKEN_SECONDS = 300


def known_tenants(settings: Settings) -> list[dict[str, Any]]:
    """All tenants: `[{"uuid": …, "slug": …}, …]`; without an authentication server those of the file of tokens, and
    the master tenant.

    Raises:
        Unavailable: the server or the file cannot be read.
    """
    if settings.auth_mode == "wazo":
        return AuthServer(settings).ask("GET", "/tenants")["items"]
    try:
        file = yaml.safe_load(Path(settings.auth_tokens).read_text()) if settings.auth_tokens else {}
        listed = list((file or {}).get("tenants") or ())
    except (OSError, yaml.YAMLError, AttributeError) as error:
        raise errors.Unavailable(f"the file of tokens ({type(error).__name__})") from error
    if settings.master_tenant_uuid:
        listed.append({"uuid": settings.master_tenant_uuid})
    return listed


class AuthServer:
    """The authentication server, for a short while: its token is not renewed.

    Args:
        settings: `auth_url`, and the account of the worker.
    """

    def __init__(self, settings: Settings) -> None:
        self._base = settings.auth_url.rstrip("/") + "/0.1"
        self._account = settings.auth_username, settings.auth_password

    def make_account(self, tenant_uuid: Any, **account: Any) -> Any:
        """Make the account of a user, and show it; what is None is left out.

        Raises:
            BadValue: the server refuses it.
            Unavailable: it cannot be reached.
        """
        given = {name: value for name, value in account.items() if value is not None}
        return self.ask("POST", "/users", json=given, tenant_uuid=str(tenant_uuid))

    def account(self, uuid: Any) -> Any:
        """The account of a user, or None when there is none; raises Unavailable."""
        try:
            return self.ask("GET", f"/users/{uuid}")
        except errors.BadValue:
            return None

    def remove_account(self, uuid: Any) -> None:
        """Remove the account of a user, if there is one; raises Unavailable."""
        try:
            self.ask("DELETE", f"/users/{uuid}")
        except errors.BadValue:
            return

    def ask(self, method: str, path: str, tenant_uuid: str | None = None, json: Any = None) -> Any:
        """What the server answers to a request.

        Raises:
            BadValue: it refuses the request.
            Unavailable: it cannot be reached, or does not know the worker.
        """
        headers = {"X-Auth-Token": self._token} | ({"Wazo-Tenant": tenant_uuid} if tenant_uuid else {})
        return _answer(method, self._base + path, headers=headers, json=json)

    @property
    def master_tenant_uuid(self) -> str:
        """The tenant of the worker's own account; raises Unavailable."""
        return self._granted["tenant_uuid"]

    @property
    def _token(self) -> str:
        return self._granted["token"]

    @cached_property
    def _granted(self) -> dict[str, str]:
        body = {"expiration": _TOKEN_SECONDS}
        try:
            granted = _answer("POST", f"{self._base}/token", json=body, auth=self._account)["data"]
            return {"token": str(granted["token"]), "tenant_uuid": str(granted["metadata"]["tenant_uuid"])}
        except errors.BadValue as error:
            raise errors.Unavailable("the authentication server refuses the worker's own account") from error
        except (KeyError, TypeError) as error:
            raise errors.Unavailable("the authentication server (it gives no token)") from error


def _answer(method: str, url: str, **content: Any) -> Any:
    try:
        response = requests.request(method, url, timeout=_TIMEOUT, **content)
        if 400 <= response.status_code < 500:
            raise errors.BadValue(f"{response.status_code} {response.text}", category="")
        response.raise_for_status()
        return response.json() if response.content else None
    except (requests.RequestException, ValueError) as error:
        raise errors.Unavailable(f"the authentication server ({type(error).__name__})") from error
