"""Whether a token's ACL grants an access, in the words of the family's authentication server."""

import re
from collections.abc import Iterable

__all__ = ["Acl"]

WILDCARDS = {"*": r"[^.#]*", "#": r".*"}


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
        """Whether the token may do what needs `access`."""
        if any(pattern.fullmatch(access) for pattern in self._denied):
            return False
        return any(pattern.fullmatch(access) for pattern in self._granted)


def _compile(pattern: str, words: dict[str, str | None]) -> re.Pattern[str]:
    def word(text: str) -> str:
        same = words.get(text)
        if same:
            return f"(?:{re.escape(text)}|{re.escape(same)})"
        return "".join(WILDCARDS.get(part) or re.escape(part) for part in re.split(r"([*#])", text))

    return re.compile(r"\.".join(word(text) for text in pattern.split(".")), re.DOTALL)
