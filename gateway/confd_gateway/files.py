"""Files between HTTP and the bus: in blocks, so that none is ever here as a whole."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import msgspec
import structlog
from confd_schemas.files import BLOCK
from confd_schemas.spec import Operation
from starlette.responses import Response, StreamingResponse

from .errors import BrokenOff, Failure, RemoteFailure
from .replies import UNEXPECTED, attachment, decode

__all__ = ["download", "upload"]

_log = structlog.get_logger(__name__)

Arguments = Mapping[str, Any]
Send = Callable[[Arguments], "asyncio.Future[bytes]"]


class _Block(msgspec.Struct):
    """A part of a file, as the service tells it; bytes are base64 in JSON."""

    filename: str
    size: int
    version: str
    content: bytes


_block = msgspec.json.Decoder(_Block)


async def upload(send: Send, arguments: Arguments, pieces: AsyncIterator[bytes]) -> dict[str, Any]:
    """Send all blocks of a file but the last one.

    Args:
        send: sends a call with these arguments.
        pieces: of the file, of any size.

    Returns:
        What the call with the last block has beside `arguments`.

    Raises:
        Failure: a block was not taken, or there is no more of them.
    """
    identity = {"upload": str(uuid.uuid4())}
    offset = 0
    block = bytearray()
    async for piece in pieces:
        block += piece
        # The last one, which is to be told, is known only once there is no more.
        while len(block) > BLOCK:
            body = bytes(block[:BLOCK])
            decode(await send({**arguments, **identity, "offset": offset, "last": False, "body": body}))
            del block[:BLOCK]
            offset += BLOCK
    last = {"body": bytes(block)}
    return {**identity, "offset": offset, **last} if offset else last


async def download(send: Send, arguments: Arguments, operation: Operation, *, head: bool) -> Response:
    """The answer that gives a file.

    Args:
        send: sends a call with these arguments.
        head: only its headers are wanted.

    Raises:
        Failure: there is no such file.
    """
    first = await _get(send, {**arguments, "length": 0} if head else arguments)
    headers = {"content-disposition": attachment(first.filename), "content-length": str(first.size)}
    if head:
        return Response(status_code=operation.success, headers=headers, media_type=operation.produces)
    content = _contents(send, arguments, first)
    return StreamingResponse(content, operation.success, headers, media_type=operation.produces)


async def _contents(send: Send, arguments: Arguments, first: _Block) -> AsyncIterator[bytes]:
    """The blocks of a file; raises BrokenOff when one cannot be had, so that no client takes a part for all."""
    block, offset = first, 0
    while True:
        yield block.content
        offset += len(block.content)
        if offset >= first.size:
            return
        try:
            block = await _get(send, {**arguments, "offset": offset, "version": first.version})
        except Failure as failure:
            _log.warning("download_broken_off", filename=first.filename, offset=offset, reason=failure.content)
            raise BrokenOff from None
        if not block.content:
            raise BrokenOff


async def _get(send: Send, arguments: Arguments) -> _Block:
    try:
        return _block.decode(decode(await send(arguments)))
    except (msgspec.MsgspecError, ValueError):
        raise RemoteFailure(500, [f"{UNEXPECTED}the service did not send a block of a file"]) from None
