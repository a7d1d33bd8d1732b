"""What a request says: its body within limits, its parameters, and the context that goes with its call."""

import asyncio
import base64
import codecs
import re
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from confd_schemas.spec import Operation
from starlette.types import Receive

from .auth import Access
from .errors import BadBody, BadRequest, ClientGone, SlowBody, TooLarge
from .routing import Route

__all__ = [
    "body_pieces",
    "condition",
    "context",
    "json_body",
    "one_of_each",
    "query_arguments",
    "read_body",
    "request_id",
    "text_body",
]

# Bytes a second that a client sends at least, beside the seconds that it may send nothing.
SLOWEST = 1024
# Deeper than any resource; what is nested deeper breaks decoders.
MAX_DEPTH = 100
MAX_PARAMETERS = 1000
CHARSET = re.compile(rb"""charset\s*=\s*"?([^\s";]+)""", re.IGNORECASE)
# Codecs of Python that turn bytes into text as a charset does; others compress, or take very long.
CHARSETS = re.compile(r"utf-(8|8-sig|16|16-[bl]e|32|32-[bl]e)|ascii|iso8859-\d+|cp(125\d|437|85\d)|mac-roman|koi8-[ru]")
REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
REVISION_TAG = re.compile(rb'"([0-9]{1,10})"')
IDEMPOTENCY_KEY = re.compile(rb"[\x20-\x7e]{1,255}")
# Given twice, it is not known which one a proxy before the gateway has looked at.
GIVEN_ONCE = frozenset((b"x-auth-token", b"wazo-tenant", b"idempotency-key", b"host", b"content-type"))
EMPTY_OBJECT = msgspec.Raw(b"{}")


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], limit: int, seconds: float) -> bytes:
    """The whole body; see `body_pieces`."""
    pieces = [piece async for piece in body_pieces(receive, headers, limit, seconds)]
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def body_pieces(
    receive: Receive, headers: Mapping[bytes, bytes], limit: int, seconds: float
) -> AsyncIterator[bytes]:
    """The body in pieces as they come.

    Args:
        limit: bytes allowed.
        seconds: that may be waited for a piece, and for all of them beyond what the slowest client takes.

    Raises:
        TooLarge: before anything is read when Content-Length tells, else as soon as it is.
        SlowBody, ClientGone: the rest does not come.
    """
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and (len(announced) > 18 or int(announced) > limit):
        raise TooLarge
    size, waited = 0, 0.0
    now = asyncio.get_running_loop().time
    while True:
        begun = now()
        try:
            async with asyncio.timeout(seconds - max(0.0, waited - size / SLOWEST)):
                message = await receive()
        except TimeoutError:
            raise SlowBody(seconds) from None
        waited += now() - begun
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise TooLarge
        yield piece
        if not message.get("more_body"):
            return


def json_body(body: bytes) -> msgspec.Raw:
    """A JSON object, checked and left as it is; null and other empty values count as an empty one.

    Raises:
        BadBody: it is not JSON.
        BadRequest: it is something else than an object.
    """
    try:
        content = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise BadBody from None
    if not content:
        return EMPTY_OBJECT
    if not isinstance(content, dict):
        raise BadRequest("Input Error - _schema: ['Invalid input type.']")
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH and _deeper(content, MAX_DEPTH):
        raise BadBody
    return msgspec.Raw(body)


def text_body(body: bytes, media_type: str, content_type: bytes) -> str:
    """A body that is not JSON, as text: decoded by its charset, or in base64 when the operation takes bytes.

    Args:
        media_type: that the operation accepts.
        content_type: header of the request.

    Raises:
        BadRequest: the charset is unknown, or the bytes are not of it.
    """
    if not media_type.startswith("text/"):
        return base64.b64encode(body).decode("ascii")
    found = CHARSET.search(content_type)
    name = found[1].decode("latin-1") if found else "utf-8"
    try:
        codec = codecs.lookup(name).name
    except (LookupError, ValueError, UnicodeError):
        codec = ""
    if not CHARSETS.fullmatch(codec):
        raise BadRequest(f"Input Error - Content-Type: the charset {name!r} is not known")
    try:
        return body.decode("utf-8-sig" if codec == "utf-8" else codec)
    except UnicodeError:
        raise BadRequest(f"Input Error - body: not text in the charset {name!r}") from None


def query_arguments(route: Route, query: bytes) -> dict[str, str]:
    """The query parameters that the operation takes; of a repeated one, the first.

    Raises:
        BadRequest: there are far too many, or one holds what no text may hold.
    """
    if not query or route.operation.query == ():
        return {}
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise BadRequest(f"Input Error - query: more than {MAX_PARAMETERS} parameters") from None
    wanted = route.operation.query
    arguments: dict[str, str] = {}
    for name, value in pairs:
        if name in route.reserved or name in arguments or (wanted is not None and name not in wanted):
            continue
        if "\0" in value or "\0" in name:
            raise BadRequest(f"Input Error - parameter {name!r}: {value!r} is not valid")
        arguments[name] = value
    return arguments


def one_of_each(given: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The headers by name; of a repeated one the last, as proxies write behind what is there.

    Raises:
        BadRequest: one is repeated that tells who calls, or what.
    """
    headers: dict[bytes, bytes] = {}
    for name, value in given:
        if name in headers and name in GIVEN_ONCE:
            raise BadRequest(f"Input Error - {name.decode('ascii').title()}: must not be given twice")
        if name in headers and name == b"if-match":
            value = headers[name] + b"," + value
        headers[name] = value
    return headers


def request_id(headers: Mapping[bytes, bytes]) -> str:
    """The caller's own id of the request where it is a sane one, else a new one."""
    given = headers.get(b"x-request-id", b"")
    return given.decode("ascii") if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def context(headers: Mapping[bytes, bytes], access: Access | None, request: str) -> dict[str, Any]:
    """The AMQP headers that tell on whose behalf a call is made.

    Raises:
        BadRequest: the idempotency key is not usable.
    """
    told: dict[str, Any] = {"nameko.request_id": request}
    if access is not None:
        told["nameko.visible_tenants"] = list(access.visible)
        if access.tenant_uuid:
            told["nameko.tenant_uuid"] = access.tenant_uuid
        if access.user_uuid:
            told["nameko.user_uuid"] = access.user_uuid
    key = headers.get(b"idempotency-key")
    if key is not None:
        if not IDEMPOTENCY_KEY.fullmatch(key):
            raise BadRequest("Input Error - Idempotency-Key: must be 1 to 255 printable ASCII characters")
        told["nameko.idempotency_key"] = key.decode("ascii")
    return told


def condition(headers: Mapping[bytes, bytes], operation: Operation) -> dict[str, Any]:
    """The AMQP header that tells of which revisions the item to change must have one, as If-Match does.

    Raises:
        BadRequest: nothing is changed, or the header has something else than `*` or revisions.
    """
    given = headers.get(b"if-match")
    if given is None:
        return {}
    if not operation.changes:
        raise BadRequest(f"Input Error - If-Match: {operation.method} takes no condition")
    if given.strip() == b"*":
        return {"nameko.if_revision": "*"}
    tags = [REVISION_TAG.fullmatch(tag.strip()) for tag in given.split(b",")]
    revisions = [tag[1].decode("ascii") for tag in tags if tag]
    if len(revisions) < len(tags):
        raise BadRequest('Input Error - If-Match: must be *, or revisions as ETag has them: "7", or "6", "7"')
    return {"nameko.if_revision": revisions}


def _deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    if levels == 0:
        return True
    return any(_deeper(one, levels - 1) for one in (value.values() if isinstance(value, dict) else value))
