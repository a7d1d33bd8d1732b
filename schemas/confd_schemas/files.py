"""Files that belong to items: their operations, and how their content goes over the bus.

Content goes in blocks, one a call, so that nobody holds a whole file. Up: `put` with `body` in base64, and for all but
files of one block `upload` (a UUID of the caller's choice, the same for all blocks), `offset` in bytes, and `last`.
Down: `get` with `offset` and `length` gives `{filename, size, version, content}`, the content in base64; `version`,
given with the following calls, makes sure that all blocks are of one file.
"""

import re

from .spec import Operation, operation

__all__ = ["BLOCK", "FILE_MAX", "files", "is_filename"]

BLOCK = 512 * 1024
"""Bytes of a block, before base64."""
FILE_MAX = 256 * 1024 * 1024
"""Bytes of a file at the most."""

_FILENAME = re.compile("(?![.])[^/\0\ud800-\udfff]{1,194}")
_MEDIA_TYPE = "application/octet-stream"
_SECONDS = 60
# Of the file systems in use.
_BYTES_MAX = 255


def is_filename(text: str) -> bool:
    """Whether a file may be called so: 1 to 194 characters, no slash, no dot at the start."""
    return _FILENAME.fullmatch(text) is not None and len(text.encode()) <= _BYTES_MAX


def files(path: str, *, limit: int = FILE_MAX) -> tuple[Operation, ...]:
    """Download, upload and deletion of one file.

    Args:
        path: of the file; its last variable is of the type `filename`.
        limit: bytes of a file at the most.
    """
    down = operation("GET", path, "get", produces=_MEDIA_TYPE, in_blocks=True, timeout=_SECONDS)
    up = operation("PUT", path, "put", accepts=_MEDIA_TYPE, in_blocks=True, limit=limit, timeout=_SECONDS)
    return down, up, operation("DELETE", path, "delete")
