"""JSON bodies as clients expect them: all in ASCII, with absolute links and a newline at the end."""

import codecs
from collections import OrderedDict
from json.encoder import encode_basestring_ascii

__all__ = ["Bodies", "in_ascii"]

ESCAPED = "confd-json-escaped"
LINK = b'"href":"/'
# Shorter ones are made as quickly as they are found.
LONG, MOST_BYTES = 8 * 1024, 8 * 1024 * 1024
# What tells results apart before they are compared; lists begin alike and end differently.
END = 64


class Bodies:
    """Makes bodies of results; a long result that comes again and again, as a list does, gets the one that was made."""

    def __init__(self) -> None:
        self._made: OrderedDict[tuple[str, int, bytes], tuple[bytes, bytes]] = OrderedDict()
        self._bytes = 0

    def of(self, result: bytes, base: str) -> bytes:
        """The body that shows a result.

        Args:
            result: JSON as the service wrote it.
            base: what paths in links are put behind.
        """
        if len(result) < LONG:
            return _body(result, base)
        key = base, len(result), result[-END:]
        known, body = self._made.get(key, (None, b""))
        if known != result:
            body = _body(result, base)
            self._forget(key)
            self._made[key] = result, body
            self._bytes += len(result) + len(body)
            while self._bytes > MOST_BYTES:
                self._forget(next(iter(self._made)))
        else:
            self._made.move_to_end(key)
        return body

    def _forget(self, key: tuple[str, int, bytes]) -> None:
        result, body = self._made.pop(key, (b"", b""))
        self._bytes -= len(result) + len(body)


def _body(result: bytes, base: str) -> bytes:
    # One search, where `replace` makes two.
    return in_ascii((LINK[:-1] + base.encode() + b"/").join(result.split(LINK)))


def in_ascii(body: bytes) -> bytes:
    """JSON with what is not ASCII escaped, and a newline."""
    if not body.isascii():
        body = body.decode().encode("ascii", ESCAPED)
    return body + b"\n"


def _escape(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return encode_basestring_ascii(error.object[error.start : error.end])[1:-1], error.end


codecs.register_error(ESCAPED, _escape)
