"""What browsers are told about calls from other origins."""

import re
from collections.abc import Iterable, Mapping

from starlette.responses import Response

__all__ = ["Cors"]

METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
ORIGIN = re.compile(rb"[\x21-\x7e]{1,255}")


class Cors:
    """Adds the headers of cross-origin resource sharing; any origin may call.

    Args:
        allowed: request headers that a browser may send.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = {name.lower(): name for name in allowed}

    def add(self, response: Response, headers: Mapping[bytes, bytes]) -> None:
        """To any answer."""
        origin = headers.get(b"origin", b"")
        if ORIGIN.fullmatch(origin):
            response.raw_headers += [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]
        else:
            response.raw_headers.append((b"access-control-allow-origin", b"*"))

    def add_preflight(self, response: Response, headers: Mapping[bytes, bytes]) -> None:
        """To the answer to OPTIONS, where a browser asks what it may do."""
        if b"access-control-request-method" not in headers:
            return
        response.headers["access-control-allow-methods"] = METHODS
        wanted = headers.get(b"access-control-request-headers", b"").decode("latin-1").split(",")
        granted = [self._allowed[name] for one in wanted if (name := one.strip().lower()) in self._allowed]
        if granted:
            response.headers["access-control-allow-headers"] = ", ".join(granted)
