"""The daemon's own account at the authentication daemon."""

from typing import Any

import requests

from . import errors

__all__ = ["known_tenants"]

_TIMEOUT = (5, 30)
_TOKEN_SECONDS = 300


def known_tenants(url: str | None, username: str | None, password: str | None) -> list[dict[str, Any]]:
    """All tenants that the authentication daemon knows: `[{"uuid": …, "slug": …}, …]`.

    Args:
        url: of the daemon, as `http://localhost:9497`.
        username, password: of the daemon's own account.

    Raises:
        Unavailable: it cannot be reached, or refuses.
    """
    if not url or not username or not password:
        raise errors.Unavailable("auth_url, auth_username and auth_password must be set")
    base = url.rstrip("/") + "/0.1"
    try:
        answer = requests.post(
            f"{base}/token", json={"expiration": _TOKEN_SECONDS}, auth=(username, password), timeout=_TIMEOUT
        )
        answer.raise_for_status()
        headers = {"X-Auth-Token": answer.json()["data"]["token"]}
        answer = requests.get(f"{base}/tenants", headers=headers, timeout=_TIMEOUT)
        answer.raise_for_status()
        return answer.json()["items"]
    except (requests.RequestException, KeyError, ValueError) as error:
        raise errors.Unavailable(f"the authentication daemon: {type(error).__name__}") from error
