"""The names of RPC methods, which follow from the paths of the REST API.

The service is the path's words joined by `_`, without its variables; a word that ends in `s`, is followed by a variable
and is not the last one loses its `s`: `/users/{user_id}/lines/{line_id}` is served by `user_lines`. The method follows
from the HTTP method and from what the path leads to: a collection, an item, or a pair of items.
"""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

__all__ = ["nearest", "rpc_name"]

_VARIABLE = re.compile(r"\{.*\}")
_OF_COLLECTION = {"GET": "list", "POST": "create", "PUT": "replace"}
_OF_ITEM = {"GET": "get", "HEAD": "exists", "PUT": "update", "DELETE": "delete"}
_OF_PAIR = {"PUT": "associate", "DELETE": "dissociate"}
# What others call our methods.
_SYNONYMS = {
    "add": "create", "edit": "update", "find": "list", "get_all": "list", "insert": "create", "modify": "update",
    "new": "create", "put": "update", "read": "get", "remove": "delete", "save": "update", "search": "list",
    "set": "update", "show": "get",
}  # fmt: skip
_ALIKE = 0.6


def rpc_name(method: str, path: str, given: str | None = None) -> str:
    """The RPC name of an operation, `service.method`.

    Args:
        method: HTTP method.
        path: its variables are in braces, with or without types.
        given: what does not follow from the path: the method alone, or both.

    Raises:
        ValueError: no method follows from the path, and none is given.
    """
    if given is not None and "." in given:
        return given
    segments = path.strip("/").split("/")
    name = given or _method(method, segments)
    if name is None:
        raise ValueError(f"The RPC method of {method} {path} does not follow from the path; it must be given")
    return f"{_service(segments)}.{name}"


def _service(segments: list[str]) -> str:
    words = [place for place, each in enumerate(segments) if not _VARIABLE.match(each)]
    return "_".join(_word(segments, place, last=place == words[-1]) for place in words)


def _word(segments: list[str], place: int, *, last: bool) -> str:
    word = segments[place].replace("-", "_")
    followed = place + 1 < len(segments) and _VARIABLE.match(segments[place + 1])
    return word.removesuffix("s") if followed and not last else word


def _method(method: str, segments: list[str]) -> str | None:
    if not _VARIABLE.match(segments[-1]):
        return _OF_COLLECTION.get(method)
    pair = sum(1 for each in segments if _VARIABLE.match(each)) > 1
    return (_OF_PAIR if pair else _OF_ITEM).get(method)


def nearest(wanted: str, known: Iterable[str]) -> list[str]:
    """Up to three of the known RPC names that are most like the one that somebody wanted, the best first."""
    sought = _comparable(wanted)
    scored = [(SequenceMatcher(None, sought, _comparable(name)).ratio(), name) for name in known]
    return [name for score, name in sorted(scored, key=lambda pair: (-pair[0], pair[1])) if score >= _ALIKE][:3]


def _comparable(name: str) -> str:
    service, _, method = name.rpartition(".")
    return f"{service.replace('.', '_')}.{_SYNONYMS.get(method, method)}"
