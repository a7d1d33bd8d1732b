"""The absolute address that links start with, from headers that anybody can write."""

import re
from collections.abc import Mapping
from functools import lru_cache

from .routing import PREFIX

__all__ = ["base_url", "script_name"]

HOST = re.compile(rb"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
SCRIPT_NAME = re.compile(rb"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+")
MAX_SCRIPT_NAME = 255


def base_url(headers: Mapping[bytes, bytes], scheme: str, server: tuple[str, int | None] | None) -> str:
    """`{scheme}://{host}{script name}/1.1`, without a slash at its end.

    Args:
        headers: of the request; what is malformed in them is ignored.
        scheme: of the connection, used without `X-Forwarded-Proto`.
        server: host and port listened on, used without `Host`.
    """
    return _base(
        headers.get(b"x-forwarded-proto", b""),
        headers.get(b"host", b""),
        headers.get(b"x-script-name", b""),
        scheme,
        server,
    )


def script_name(given: bytes) -> str | None:
    """The path under which a proxy shows the gateway, without a slash at its end; None when malformed or empty."""
    given = given.strip().rstrip(b"/")
    if len(given) > MAX_SCRIPT_NAME or not SCRIPT_NAME.fullmatch(given):
        return None
    return given.decode("ascii")


@lru_cache(maxsize=256)
def _base(proto: bytes, host: bytes, script: bytes, scheme: str, server: tuple[str, int | None] | None) -> str:
    # Only the last proxy is trusted, and it writes at the end.
    forwarded = proto.rpartition(b",")[2].strip().lower()
    if forwarded in (b"http", b"https"):
        scheme = forwarded.decode()
    return f"{scheme}://{_host(host.strip(), server)}{script_name(script) or ''}{PREFIX}"


def _host(given: bytes, server: tuple[str, int | None] | None) -> str:
    if HOST.fullmatch(given):
        return given.decode("ascii")
    host, port = server or ("localhost", None)
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port}" if port else shown
