"""What a test of the contract needs: things of a tenant, what a refused call says, and the events of a call."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from confd_worker.client import Events, RemoteError

__all__ = ["Call", "Heard", "World", "firstnames", "listening", "names", "refusal"]

Call = Callable[..., Any]
RANGES = [{"start": "1000", "end": "1999"}]


class World:
    """Makes things in the tenant of `call`; what is left out of a body gets a sensible value.

    Args:
        call: calls a method in the tenant.
    """

    def __init__(self, call: Call) -> None:
        self.call = call

    @cached_property
    def context(self) -> dict[str, Any]:
        """An internal context with the extens 1000 to 1999 for users."""
        return self.a_context()

    def a_context(self, **body: Any) -> dict[str, Any]:
        """A context of its own."""
        return self.call("contexts.create", body={"label": "inside", "user_ranges": RANGES, **body})

    def user(self, **body: Any) -> dict[str, Any]:
        """A user, called Alice Martin."""
        return self.call("users.create", body={"firstname": "Alice", "lastname": "Martin", **body})

    def bare_line(self, **body: Any) -> dict[str, Any]:
        """A line without endpoint."""
        return self.call("lines.create", body={"context": self.context["name"], **body})

    def line(self, **body: Any) -> dict[str, Any]:
        """A line with a SIP endpoint."""
        return self.bare_line(**{"endpoint_sip": {}, **body})

    def endpoint(self, **body: Any) -> dict[str, Any]:
        """A SIP endpoint."""
        return self.call("endpoints_sip.create", body=body)

    def template(self, **body: Any) -> dict[str, Any]:
        """A SIP template."""
        return self.call("endpoints_sip_templates.create", body=body)

    def extension(self, exten: str = "1000", **body: Any) -> dict[str, Any]:
        """An extension, in the context unless it is given another."""
        return self.call("extensions.create", body={"exten": exten, "context": self.context["name"], **body})

    def voicemail(self, number: str = "1000", **body: Any) -> dict[str, Any]:
        """A voicemail, in the context unless it is given another."""
        context = body.pop("context", None) or self.context["name"]
        return self.call("voicemails.create", body={"name": "box", "number": number, "context": context, **body})

    def have(self, user: dict[str, Any], line: dict[str, Any]) -> None:
        """The user gets the line."""
        self.call("user_lines.associate", user_id=user["id"], line_id=line["id"])

    def number(self, line: dict[str, Any], exten: str = "1000") -> dict[str, Any]:
        """A new extension for the line."""
        body = {"exten": exten, "context": self.context["name"]}
        return self.call("line_extensions.create", line_id=line["id"], body=body)


def refusal(call: Call, method: str, **arguments: Any) -> str:
    """What the error of a call that the contract refuses says."""
    with pytest.raises(RemoteError) as refused:
        call(method, **arguments)
    assert refused.value.status == (404 if refused.value.message.startswith("Resource Not Found") else 400)
    return refused.value.message


@dataclass(frozen=True)
class Heard:
    """An event as it came.

    Attributes:
        key: routing key.
        headers: those that are not the same for all events.
        body: what it has under `data`.
    """

    name: str
    key: str
    headers: dict[str, Any]
    body: dict[str, Any]


USUAL = {"name", "event_id", "origin_uuid", "timestamp", "required_access", "required_acl"}


def listening(events: Events, call: Call) -> Callable[..., list[Heard]]:
    """A way to call that gives the events of the call, in their order, instead of its result."""

    def until_the_last() -> list[Heard]:
        last = call("contexts.create", body={"label": "the last word"})["id"]
        heard: list[Heard] = []
        while True:
            headers, payload = events.get(timeout=10)
            if headers["name"] == "context_created" and payload["data"]["id"] == last:
                return heard
            assert payload == {**headers, "data": payload["data"]}
            assert headers["required_access"] == f"event.{headers['name']}"
            key = headers["required_acl"].removeprefix("events.")
            own = {name: value for name, value in headers.items() if name not in USUAL}
            heard.append(Heard(headers["name"], key, own, payload["data"]))

    def told(method: str, **arguments: Any) -> list[Heard]:
        until_the_last()
        call(method, **arguments)
        return until_the_last()

    return told


def names(heard: list[Heard]) -> list[str]:
    """The names of events."""
    return [each.name for each in heard]


def firstnames(call: Call, **given: Any) -> list[str]:
    """The first names of the users that a list has, in its order."""
    return [user["firstname"] for user in call("users.list", **given)["items"]]
