"""What the authentication knows of tenants, asked with the daemon's own account."""

from pathlib import Path
from typing import Any

import requests
import yaml

from ..config import Settings
from . import errors

__all__ = ["known_tenants"]

_TIMEOUT = (5, 30)
_TOKEN_SECONDS = 300


def known_tenants(settings: Settings) -> list[dict[str, Any]]:
    """All tenants: `[{"uuid": …, "slug": …}, …]`; without an authentication server those of the file of tokens, and
    the master tenant.

    Raises:
        Unavailable: the server or the file cannot be read.
    """
    try:
        if settings.auth_mode == "wazo":
            return _of_server(settings)
        file = yaml.safe_load(Path(settings.auth_tokens).read_text()) if settings.auth_tokens else {}
        listed = list((file or {}).get("tenants") or ())
        if settings.master_tenant_uuid:
            listed.append({"uuid": settings.master_tenant_uuid})
        return listed
    except (requests.RequestException, OSError, yaml.YAMLError, LookupError, ValueError) as error:
        raise errors.Unavailable(f"the list of tenants ({type(error).__name__})") from error


def _of_server(settings: Settings) -> list[dict[str, Any]]:
    base = settings.auth_url.rstrip("/") + "/0.1"
    account = settings.auth_username, settings.auth_password
    token = _answer(requests.post(f"{base}/token", json={"expiration": _TOKEN_SECONDS}, auth=account, timeout=_TIMEOUT))
    headers = {"X-Auth-Token": token["data"]["token"]}
    return _answer(requests.get(f"{base}/tenants", headers=headers, timeout=_TIMEOUT))["items"]


def _answer(response: requests.Response) -> dict[str, Any]:
    response.raise_for_status()
    return response.json()
