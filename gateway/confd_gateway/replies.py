"""From the reply to a call to the answer to a request; a good result is passed on without being decoded."""

import base64
import binascii
import re
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from .bodies import Bodies, in_ascii
from .errors import Failure, NotAllowed, NotFound, Overloaded, RemoteFailure
from .routing import PLACEHOLDER, Match

__all__ = ["attachment", "decode", "failure_response", "json_response", "render"]

JSON = "application/json"
# How the worker writes a good reply; the closing part cannot stand at the end of any other JSON that begins so.
GOOD, NO_ERROR = b'{"result":', b',"error":null}'
FILENAME = re.compile(r"[^A-Za-z0-9._-]")
UNEXPECTED = "Unexpected error: "


class _Error(msgspec.Struct):
    """The error of a reply: nameko's own keys, and those that the worker adds."""

    exc_type: str | None = None
    value: Any = None
    status: int | None = None
    type: str | None = None
    message: str | None = None
    details: Any = None


class _Reply(msgspec.Struct):
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: _Error | None = None


class _Revised(msgspec.Struct):
    """Of an item, what its entity tag is made of."""

    revision: int | None = None


_reply = msgspec.json.Decoder(_Reply)
_revised = msgspec.json.Decoder(_Revised)


def decode(body: bytes) -> bytes:
    """The result in a reply, as JSON.

    Raises:
        RemoteFailure: the reply is an error, or no reply at all.
    """
    if body.startswith(GOOD) and body.endswith(NO_ERROR):
        return body[len(GOOD) : -len(NO_ERROR)]
    try:
        reply = _reply.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise RemoteFailure(500, [f"{UNEXPECTED}the service sent a malformed reply"]) from None
    if reply.error is not None:
        raise _failure(reply.error)
    return bytes(reply.result)


def _failure(error: _Error) -> RemoteFailure:
    status = error.status
    if status is None or not 400 <= status <= 599:
        told = f"{error.exc_type}: {error.value}"
        if error.exc_type == "MethodNotFound":
            return RemoteFailure(503, [f"The service has no such method: {error.value}"])
        return RemoteFailure(500, [UNEXPECTED + (error.message or told)])
    details = error.details if isinstance(error.details, dict) else {}
    if "body" in details:
        return RemoteFailure(status, details["body"])
    if error.type == "schema" and isinstance(details.get("messages"), list):
        return RemoteFailure(status, details["messages"])
    failure = RemoteFailure(status, [error.message or ""])
    if error.type == "overloaded":
        failure.retry_after = Overloaded.retry_after
    if error.type == "revision-mismatch":
        failure.revision = details.get("revision")
    return failure


def render(match: Match, result: bytes, base: str, bodies: Bodies) -> Response:
    """The answer that the operation promises.

    Args:
        result: JSON as the service wrote it.
        base: what paths in links are put behind.
        bodies: makes the body.
    """
    operation = match.route.operation
    if operation.success == 204:
        response = Response(status_code=204)
    elif operation.produces == JSON:
        response = Response(bodies.of(result, base), operation.success, media_type=JSON)
    else:
        response = _other(operation.produces, operation.success, result)
    location = _location(match, result, base)
    if location is not None:
        response.headers["location"] = location
    if match.route.shows_item:
        _tag(response, _revision(result))
    return response


def _revision(item: bytes) -> int | None:
    try:
        return _revised.decode(item).revision
    except (msgspec.MsgspecError, ValueError):
        return None


def _tag(response: Response, revision: int | None) -> None:
    if revision is not None:
        response.raw_headers.append((b"etag", b'"%d"' % revision))


def json_response(status: int, body: bytes) -> Response:
    """An answer in JSON; what is not ASCII is escaped, as clients expect."""
    return Response(in_ascii(body), status, media_type=JSON)


def failure_response(failure: Failure) -> Response:
    """The answer that an error is."""
    if isinstance(failure, NotFound):
        return Response(failure.content, failure.status, media_type="text/html")
    response = json_response(failure.status, msgspec.json.encode(failure.content))
    if isinstance(failure, NotAllowed):
        response.headers["allow"] = ", ".join(failure.allowed)
    if failure.retry_after is not None:
        response.headers["retry-after"] = str(failure.retry_after)
    _tag(response, failure.revision)
    return response


def _location(match: Match, result: bytes, base: str) -> str | None:
    """The absolute URL of what was made, from the fields of the result and the variables of the path."""
    route = match.route
    if route.located is None:
        return None
    try:
        made = route.located.decode(result)
    except (msgspec.MsgspecError, ValueError):
        made = None
    fields: dict[str, Any] = {}
    for name in route.location_fields:
        value = getattr(made, name, None)
        fields[name] = match.values.get(name) if value is None else value
    if None in fields.values():
        return None
    template = route.operation.location or ""
    return base + PLACEHOLDER.sub(lambda found: quote(str(fields[found[1]]), safe=""), template)


def _other(media_type: str, status: int, result: bytes) -> Response:
    """Text as it is; bytes are `{"filename", "content"}` or the content alone, in base64."""
    try:
        content = msgspec.json.decode(result)
        if media_type.startswith("text/") or media_type.endswith("yaml"):
            return Response(_text(content), status, media_type=media_type)
        named = isinstance(content, dict)
        response = Response(
            base64.b64decode(content["content"] if named else content, validate=True), status, media_type=media_type
        )
        if named and content.get("filename"):
            response.headers["content-disposition"] = attachment(str(content["filename"]))
        return response
    except (msgspec.MsgspecError, TypeError, KeyError, binascii.Error, ValueError):
        raise RemoteFailure(500, [f"{UNEXPECTED}the service did not send {media_type}"]) from None


def _text(content: Any) -> str:
    if not isinstance(content, str):
        raise TypeError
    return content


def attachment(filename: str) -> str:
    """The Content-Disposition of a file; clients that know no other names than ASCII ones get such a one."""
    plain = FILENAME.sub("_", filename)
    if plain == filename:
        return f"attachment; filename={filename}"
    return f"attachment; filename={plain}; filename*=UTF-8''{quote(filename, safe='')}"
