"""Every answer other than a good one that the gateway itself gives."""

from collections.abc import Iterable
from typing import Any

__all__ = [
    "AuthUnavailable",
    "BadBody",
    "BadRequest",
    "BrokenOff",
    "BusUnavailable",
    "ClientGone",
    "Failure",
    "Full",
    "HeadersTooLarge",
    "LineTooLong",
    "MasterTenantUnknown",
    "MessageTooLarge",
    "NoAnswer",
    "NotAllowed",
    "NotFound",
    "NotMaster",
    "OutcomeUnknown",
    "Overloaded",
    "RemoteFailure",
    "SlowBody",
    "SlowHeaders",
    "TenantRefused",
    "TokenRefused",
    "TooLarge",
    "UnknownService",
]

NOT_FOUND_PAGE = """<!doctype html>
<html lang=en>
<title>404 Not Found</title>
<h1>Not Found</h1>
<p>The requested URL was not found on the server. If you entered the URL manually please check your spelling and \
try again.</p>
"""


class ClientGone(Exception):
    """The client closed its connection before the answer was there."""


class BrokenOff(Exception):
    """The answer had begun, and its rest cannot be had."""


class Failure(Exception):
    """An answer that is an error.

    Args:
        status: of HTTP.
        content: what the body says, as JSON.

    Attributes:
        retry_after: seconds after which the client may try again; None where it is not known.
        revision: of the item that the client takes to be at another one; None where it was not compared.
    """

    retry_after: int | None = None
    revision: int | None = None

    def __init__(self, status: int, content: Any) -> None:
        super().__init__(content)
        self.status = status
        self.content = content


class NotFound(Failure):
    """No such URL; the body is a page, not JSON."""

    def __init__(self) -> None:
        super().__init__(404, NOT_FOUND_PAGE)


class NotAllowed(Failure):
    """The URL has no such method, or refuses it on purpose with a content of its own."""

    DEFAULT = {"message": "The method is not allowed for the requested URL."}

    def __init__(self, allowed: Iterable[str], content: Any = DEFAULT) -> None:
        super().__init__(405, content)
        self.allowed = allowed


class BadRequest(Failure):
    """What the client sent cannot be understood."""

    def __init__(self, message: str) -> None:
        super().__init__(400, [message])


class BadBody(BadRequest):
    """The body is not JSON, or is not there."""

    def __init__(self) -> None:
        super().__init__("The browser (or proxy) sent a request that this server could not understand.")


class SlowBody(Failure):
    """The rest of the body did not come in time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(408, [f"The body did not come: nothing for {seconds:g} s, or little by little for longer"])


class TooLarge(Failure):
    """The body is larger than allowed."""

    def __init__(self) -> None:
        super().__init__(413, {"message": "The data value transmitted exceeds the capacity limit."})


class MessageTooLarge(Failure):
    """The call is larger than what the broker takes; it was not sent."""

    def __init__(self, method: str, what: str, size: int, limit: int) -> None:
        super().__init__(
            413, [f"{method}: {what} of {size} bytes is larger than the {limit} that the message bus takes"]
        )


class LineTooLong(Failure):
    """The request line is longer than allowed."""

    def __init__(self, limit: int) -> None:
        super().__init__(414, [f"Input Error - the request line has more than {limit} bytes"])


class HeadersTooLarge(Failure):
    """Request line and headers, or trailers, are larger than allowed."""

    def __init__(self, limit: int, most: int) -> None:
        super().__init__(
            431, [f"Input Error - there are more than {limit} bytes of headers, or more than {most} headers"]
        )


class SlowHeaders(Failure):
    """The rest of the headers did not come in time."""

    def __init__(self) -> None:
        super().__init__(408, ["The headers did not come in time"])


class Full(Failure):
    """As many clients are connected as may be."""

    retry_after = 1

    def __init__(self) -> None:
        super().__init__(503, ["Overloaded: too many connections"])


class TokenRefused(Failure):
    """No token, an unknown one, or one that may not do this."""

    def __init__(self, *words: str | None) -> None:
        super().__init__(401, [str(words)])


class NotMaster(Failure):
    """The token's own tenant is not the master tenant."""

    def __init__(self, token: str) -> None:
        super().__init__(401, [token])


class TenantRefused(Failure):
    """The token may not see the tenants below the one chosen."""

    def __init__(self, tenant_uuid: str) -> None:
        super().__init__(401, [tenant_uuid])


class MasterTenantUnknown(Failure):
    """The daemon has no token of its own yet, and so does not know the master tenant."""

    def __init__(self) -> None:
        super().__init__(503, [""])


class AuthUnavailable(Failure):
    """The authentication server does not answer, or not as it should."""

    def __init__(self, host: str, port: int, reason: object) -> None:
        super().__init__(503, [str((host, port, reason))])


class BusUnavailable(Failure):
    """The broker cannot be reached; nothing was sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(503, [f"The message bus is not available: {reason}"])


class Overloaded(Failure):
    """More calls wait than may; this one was not run."""

    retry_after = 1

    def __init__(self, method: str) -> None:
        super().__init__(503, [f"{method}: overloaded: too many calls wait; this one was not taken"])


class OutcomeUnknown(Failure):
    """The call was sent, and the connection was lost before its answer."""

    def __init__(self, method: str) -> None:
        super().__init__(503, [f"{method}: the connection to the message bus was lost; the outcome is unknown"])


class NoAnswer(Failure):
    """The call was sent, and its time is over."""

    def __init__(self, method: str, seconds: float) -> None:
        super().__init__(503, [f"{method}: no answer within {seconds:g} s"])


class UnknownService(Failure):
    """No service of that name has ever been known to the broker."""

    def __init__(self, method: str) -> None:
        super().__init__(503, [f"{method}: service unknown: no worker serves '{method.rpartition('.')[0]}'"])


class RemoteFailure(Failure):
    """The service answered with an error; status and content come from it."""
