"""Whether a token's ACL grants an access, in the words of the family's authentication server."""

import re
from collections.abc import Iterable, Iterator

from .auth import UUID

__all__ = ["Acl"]

WILDCARD = re.compile(r"([*#])")
WITHIN_WORD, ANYTHING = r"[^.#]*?", r".*?"


class Acl:
    """The compiled ACL of one token.

    `*` stands for anything but `.` and `#`, `#` for anything, a leading `!` denies and wins; a word `me` also stands
    for the token's user, `my_session` for its session, `edit` for `update`.

    Args:
        patterns: as `confd.users.#`.
        user_uuid, session_uuid: of the token.
    """

    def __init__(self, patterns: Iterable[str], user_uuid: str | None = None, session_uuid: str | None = None) -> None:
        words = {"me": user_uuid, "my_session": session_uuid, "edit": "update"}
        given = list(patterns)
        self._granted = [_compile(one, words) for one in given if not one.startswith("!")]
        self._denied = [_compile(one[1:], words) for one in given if one.startswith("!")]

    def grants(self, access: str) -> bool:
        """Whether the token may do what needs `access`, in which ids are in their usual form."""
        if any(pattern.fullmatch(access) for pattern in self._denied):
            return False
        return any(pattern.fullmatch(access) for pattern in self._granted)


def _compile(pattern: str, words: dict[str, str | None]) -> re.Pattern[str]:
    """A pattern that takes time by the square of a text's length at most.

    What stands behind a wildcard is looked for where it comes first, and once found nowhere else: were there a match
    with a later place, there would be one with the first. Only what ends the pattern must stand at the end.
    """
    *stretches, end = _stretches(pattern, words)
    before = [literals[0] + "".join(_first(WITHIN_WORD, each) for each in literals[1:]) for literals in stretches]
    opening = "".join(_first(ANYTHING, stretch) if place else stretch for place, stretch in enumerate(before))
    if before:
        opening += ANYTHING
    if len(end) > 1:
        opening += end[0] + "".join(_first(WITHIN_WORD, each) for each in end[1:-1]) + WITHIN_WORD
    return re.compile(opening + end[-1], re.DOTALL)


def _first(wildcard: str, following: str) -> str:
    return f"(?>{wildcard}{following})"


def _stretches(pattern: str, words: dict[str, str | None]) -> list[list[str]]:
    """What is between each `#`: the literal parts, as expressions, between each `*`."""
    stretches = [[""]]
    for token in _tokens(pattern, words):
        if token == "#":
            stretches.append([""])
        elif token == "*":
            stretches[-1].append("")
        else:
            stretches[-1][-1] += token
    return stretches


def _tokens(pattern: str, words: dict[str, str | None]) -> Iterator[str]:
    """Wildcards as they are, and what is between them as expressions."""
    for place, word in enumerate(pattern.split(".")):
        if place:
            yield r"\."
        same = words.get(word)
        if same:
            yield f"(?:{re.escape(word)}|{re.escape(same)})"
            continue
        for part in WILDCARD.split(_usual(word)):
            yield part if WILDCARD.fullmatch(part) else re.escape(part)


def _usual(word: str) -> str:
    """An id in the form that an access has it in."""
    if word.isascii() and word.isdigit():
        return word.lstrip("0") or "0"
    return word.lower() if UUID.fullmatch(word) else word
