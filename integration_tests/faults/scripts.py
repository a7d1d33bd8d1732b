"""What the callers do: short scripts, each about items of its own, as generators of bursts of calls.

A script goes on only while it knows what became of its calls.
"""

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .calls import Call, Effect, State

__all__ = ["Script", "Scripts"]

Script = Iterator[Sequence[Call]]

KEYED, TWIN, DELETED = 0.6, 0.2, 0.4
TYPES = 11


class Scripts:
    """Draws scripts, the same ones for the same seed.

    Args:
        seed: of the random numbers.
        context: name of the context for numbers.
        first: of the numbers and names that are given.
        nested: whether users are made with their lines and voicemail in one call, too.
    """

    def __init__(self, seed: str, context: str, first: int, *, nested: bool) -> None:
        self._random = random.Random(seed)
        self._seed, self._context = seed, context
        self._numbers = itertools.count(first)
        self._kinds: list[Callable[[], Script]] = [
            self._person, self._person, self._passer_by, self._passer_by, self._mailbox, self._telephone, self._rivals,
        ]  # fmt: skip
        if nested:
            self._kinds.append(self._whole_user)

    def draw(self) -> Script:
        """The next script."""
        return self._random.choice(self._kinds)()

    def probe(self) -> Call:
        """A call that can be repeated."""
        call = self._user(self._number())
        call.key, call.twin = f"{self._seed}-probe-{self._number()}", False
        return call

    def _person(self) -> Script:
        """A user is made, changed several times, some of them at once, and perhaps deleted."""
        name = self._number()
        user = self._user(name)
        yield [user]
        value = 0
        for _ in range(self._random.randint(1, 3)):
            if user.state is not State.ACKNOWLEDGED:
                return
            edits = []
            for _ in range(self._random.choice((1, 1, 3))):
                value += 1
                body = {"firstname": str(value), "subscription_type": value % TYPES}
                edits.append(self._call("users.update", id=user.reply["uuid"], body=body))
                edits[-1].value, edits[-1].user = value % TYPES, name
            yield edits
            if not _known(edits):
                return
        if self._random.random() < DELETED:
            yield [self._call("users.delete", removes=[("user", name)], id=user.reply["uuid"])]

    def _passer_by(self) -> Script:
        """A user is made without a key, and left alone."""
        user = self._user(self._number())
        user.key, user.twin = None, False
        yield [user]

    def _mailbox(self) -> Script:
        """A user gets a voicemail, and perhaps loses it again."""
        name = self._number()
        user, voicemail = self._user(name), self._voicemail(name, name)
        yield [user, voicemail]
        if not _known([user, voicemail]):
            return
        pair = [("user_voicemail", f"{name}/{name}")]
        ids = {"user_id": user.reply["uuid"], "voicemail_id": voicemail.reply["id"]}
        join = self._call("user_voicemails.associate", makes=pair, **ids)
        yield [join]
        if not _known([join]) or self._random.random() > DELETED:
            return
        part = self._call("user_voicemails.dissociate", removes=pair, user_id=ids["user_id"])
        yield [part]
        if _known([part]):
            yield [
                self._call("users.delete", removes=[("user", name)], id=user.reply["id"]),
                self._call("voicemails.delete", removes=[("voicemail", name)], id=voicemail.reply["id"]),
            ]

    def _telephone(self) -> Script:
        """A user gets a line with its endpoint and extension, and perhaps loses it again."""
        name = self._number()
        body = {"context": self._context, "endpoint_sip": {}, "extensions": [{"exten": name}]}
        user, line = self._user(name), self._call("lines.create", makes=[("line", name)], body=body)
        yield [user, line]
        if not _known([user, line]):
            return
        pair = [("user_line", f"{name}/{name}")]
        join = self._call("user_lines.associate", makes=pair, user_id=user.reply["uuid"], line_id=line.reply["id"])
        yield [join]
        if _known([join]) and self._random.random() < DELETED:
            yield [self._call("lines.delete", removes=[("line", name), *pair], id=line.reply["id"], recursive="true")]

    def _rivals(self) -> Script:
        """Two callers want the same number at once."""
        number = self._number()
        rivals = [self._voicemail(self._number(), number) for _ in range(2)]
        for call in rivals:
            call.refusal = "resource-exists"
            call.key, call.twin = call.key or f"{self._seed}-{self._number()}", False
        yield rivals
        if [call.state for call in rivals].count(State.ACKNOWLEDGED) != 1:
            rivals[0].oddity = "not one of two rivals won"

    def _whole_user(self) -> Script:
        """A user is made with his line and his voicemail in one call, and perhaps deleted with them."""
        name = self._number()
        line = {"context": self._context, "endpoint_sip": {}, "extensions": [{"exten": name}]}
        mailbox = {"name": name, "number": name, "context": self._context}
        body = {"firstname": "0", "lastname": name, "lines": [line], "voicemail": mailbox}
        pair = f"{name}/{name}"
        whole = [("user", name), ("line", name), ("voicemail", name), ("user_line", pair), ("user_voicemail", pair)]
        user = self._call("users.create", makes=whole, body=body)
        yield [user]
        if _known([user]) and self._random.random() < DELETED:
            yield [self._call("users.delete", removes=whole, id=user.reply["uuid"], recursive="true")]

    def _user(self, name: str) -> Call:
        body = {"firstname": "0", "lastname": name, "subscription_type": 0}
        return self._call("users.create", makes=[("user", name)], body=body)

    def _voicemail(self, name: str, number: str) -> Call:
        body = {"name": name, "number": number, "context": self._context}
        return self._call("voicemails.create", makes=[("voicemail", name)], body=body)

    def _call(
        self, method: str, *, makes: Sequence[Effect] = (), removes: Sequence[Effect] = (), **arguments: Any
    ) -> Call:
        key = f"{self._seed}-{self._number()}" if self._random.random() < KEYED else None
        twin = key is not None and self._random.random() < TWIN
        return Call(method, arguments, key, twin, makes, removes)

    def _number(self) -> str:
        return str(next(self._numbers))


def _known(calls: Sequence[Call]) -> bool:
    return all(call.state is State.ACKNOWLEDGED for call in calls)
