"""Calls, what they do if they take effect, and the two ways to make them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpx

from confd_worker.client import BusUnavailable, Client, ClientError, RemoteError, Reply, UnknownService

from .stage import CALL_SECONDS, Stage

__all__ = ["Call", "Effect", "OverHttp", "OverRpc", "State"]

Effect = tuple[str, str]
"""A row that a call makes or removes: its kind, and the name that the caller gave it."""

# By method: verb and path of the REST API.
ROUTES = {
    "users.create": ("POST", "/users"),
    "users.update": ("PUT", "/users/{id}"),
    "users.delete": ("DELETE", "/users/{id}"),
    "voicemails.create": ("POST", "/voicemails"),
    "voicemails.delete": ("DELETE", "/voicemails/{id}"),
    "lines.create": ("POST", "/lines"),
    "lines.delete": ("DELETE", "/lines/{id}"),
    "user_voicemails.associate": ("PUT", "/users/{user_id}/voicemails/{voicemail_id}"),
    "user_voicemails.dissociate": ("DELETE", "/users/{user_id}/voicemails"),
    "user_lines.associate": ("PUT", "/users/{user_id}/lines/{line_id}"),
}
# Types of errors that tell that nothing was done; the caller may try again.
NOT_DONE = {"unavailable", "deadline-exceeded", "overloaded", "conflict"}
# What the gateway says where the outcome is unknown.
DOUBT = ("is unknown", "no answer")
PATIENCE = 2 * CALL_SECONDS


class State(StrEnum):
    """What a caller knows of a call."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(eq=False)
class Call:
    """A change that somebody wants made, once.

    Attributes:
        key: idempotency key, with which it may be repeated; None to make it without.
        twin: whether it is sent twice at the same time.
        makes, removes: what it does if it takes effect.
        value: what the event of an edit tells.
        refusal: the type of error that it may be refused with.
        doubted: whether its outcome was unknown for a while.
        user: name of the user that it changes.
        begun: monotonic time of its first attempt.
        deadline: Unix time after which the last attempt may not begin.
        oddity: what an answer had that it must not.
    """

    method: str
    arguments: dict[str, Any]
    key: str | None = None
    twin: bool = False
    makes: Sequence[Effect] = ()
    removes: Sequence[Effect] = ()
    value: int = 0
    refusal: str = ""
    state: State = State.OPEN
    doubted: bool = False
    deadline: float = 0
    reply: Any = None
    oddity: str = ""
    user: str = ""
    begun: float = 0

    @property
    def settled(self) -> bool:
        """Whether there is nothing more to do."""
        return self.state is not State.OPEN

    def acknowledge(self, reply: Any) -> None:
        """It took effect."""
        if self.state is State.ACKNOWLEDGED and reply != self.reply:
            self.oddity = f"two replies: {self.reply} and {reply}"
        self.state, self.reply = State.ACKNOWLEDGED, reply

    def refuse(self, kind: str, message: str) -> None:
        """It was answered with an error that will not go away."""
        if kind != self.refusal or self.state is State.ACKNOWLEDGED:
            self.oddity = f"refused: {kind} {message}"
        if self.state is State.OPEN:
            self.state = State.REFUSED

    def lose(self) -> None:
        """There was no answer: with a key it is to be repeated."""
        if self.state is State.OPEN:
            self.doubted = True
            if self.key is None:
                self.state = State.UNKNOWN


class OverRpc:
    """Makes calls over the bus, many at once.

    Attributes:
        seconds: how long each may take.
    """

    def __init__(self, stage: Stage, tenant: str) -> None:
        self.seconds = CALL_SECONDS
        self._client = stage.client(tenant)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def attempt(self, calls: Sequence[Call]) -> None:
        """Send all, then wait for all answers."""
        sent = [(call, self._send(call)) for call in calls for _ in range(1 + call.twin)]
        for call, reply in sent:
            if reply is not None:
                self._take(call, reply)

    def _send(self, call: Call) -> Reply | None:
        client: Client = self._client.using(timeout=self.seconds, idempotency_key=call.key)
        call.deadline = time.time() + self.seconds
        try:
            return client.call_async(call.method, **call.arguments)
        except BusUnavailable as error:
            if error.sent:
                call.lose()
            return None

    def _take(self, call: Call, reply: Reply) -> None:
        try:
            call.acknowledge(reply.result())
        except RemoteError as error:
            if error.type == "outcome-unknown":
                call.lose()
            elif error.type not in NOT_DONE:
                call.refuse(str(error.type), error.message)
        except UnknownService:
            pass
        except ClientError as error:
            if getattr(error, "sent", True):
                call.lose()


class OverHttp:
    """Makes calls by the REST API, one after the other; how long each may take is a setting of the gateway."""

    def __init__(self, stage: Stage, tenant: str) -> None:
        self.seconds = CALL_SECONDS
        self._tokens = iter(f"{id(self)}-{number}" for number in range(10**9))
        self._session = httpx.Client(base_url=stage.url, timeout=PATIENCE, headers={"Wazo-Tenant": tenant})

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def attempt(self, calls: Sequence[Call]) -> None:
        """Make one after the other."""
        for call in calls:
            for _ in range(1 + call.twin):
                self._attempt(call)

    def _attempt(self, call: Call) -> None:
        verb, path = ROUTES[call.method]
        names = {name: value for name, value in call.arguments.items() if name != "body"}
        query = {name: str(value) for name, value in names.items() if "{" + name + "}" not in path}
        # A new token each time, so that the gateway has to ask.
        headers = {"X-Auth-Token": next(self._tokens)} | ({"Idempotency-Key": call.key} if call.key else {})
        call.deadline = time.time() + PATIENCE
        try:
            answer = self._session.request(
                verb, path.format(**names), params=query, json=call.arguments.get("body"), headers=headers
            )
        except httpx.ConnectError:
            return
        except httpx.HTTPError:
            call.lose()
            return
        self._take(call, answer)

    @staticmethod
    def _take(call: Call, answer: httpx.Response) -> None:
        if answer.is_success:
            call.acknowledge(answer.json() if answer.content else None)
        elif answer.status_code == 503:
            if any(words in answer.text for words in DOUBT):
                call.lose()
        elif answer.status_code != 409:
            kind = "resource-exists" if "already exists" in answer.text else str(answer.status_code)
            call.refuse(kind, answer.text)
