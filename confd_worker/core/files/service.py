"""The generic service of files that belong to items; see `confd_schemas.files` for how their content is passed."""

import base64
import binascii
import contextlib
import logging
import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO, ClassVar

from confd_schemas.files import BLOCK

from .. import errors
from ..entrypoints.rpc import change, procedure, read
from ..plugin.service import Service
from ..query.dao import DAO
from .folder import Folder, UploadLost

__all__ = ["FilesService"]

_log = logging.getLogger(__name__)


class FilesService(Service):
    """The files of an item: get, put, delete; the notifier has the reloads of `put` and `deleted`.

    Attributes:
        parent: of the items.
    """

    parent: ClassVar[DAO]

    def folder(self, id: Any) -> Folder:
        """Where the item has its files; raises NotFound."""
        raise NotImplementedError

    def check(self, id: Any, file: BinaryIO) -> None:
        """Raise an error for a content that the item does not take; this runs in a transaction, and may lock the item.

        Args:
            file: the whole file, at its beginning.
        """

    @read
    def get(
        self, id: Any, filename: str, offset: int = 0, length: int = BLOCK, version: str | None = None
    ) -> dict[str, Any]:
        """A block of a file, as `{"filename": …, "size": …, "version": …, "content": …}`, the content in base64.

        Args:
            offset: where it begins, in bytes.
            length: bytes at the most; never more than 512 KiB.
            version: as the first block told it; refused with a conflict once the file is another one.
        """
        _check_number("offset", offset)
        _check_number("length", length)
        folder = self.folder(id)
        with self._telling(id, filename):
            block = folder.read(filename, offset, min(length, BLOCK))
        if version not in (None, block.version):
            raise errors.Conflict("the file is another one by now")
        content = base64.b64encode(block.content).decode("ascii")
        return {"filename": filename, "size": block.size, "version": block.version, "content": content}

    @procedure
    def put(
        self, id: Any, filename: str, body: str, upload: str | None = None, offset: int = 0, last: bool = True
    ) -> None:
        """Take a file, or one block of it after another; it is there as a whole once the last is taken.

        Args:
            body: the content in base64.
            upload: a UUID that all blocks of one upload have in common; None for a file that comes at once.
            offset: where the block begins, in bytes; one after the other.
            last: whether it is the last block.
        """
        if last:
            # Who sends a file again gives the upload another id.
            self.work.called(self.name, "put", id, filename, offset, body)
            self.work.once(partial(self._finish, id, filename, body, upload, offset))
            return
        folder = self.folder(id)
        with self._telling(id, filename):
            self._take(folder, _identified(upload), offset, body)

    @change
    def delete(self, id: Any, filename: str) -> None:
        """Delete a file."""
        folder = self.folder(id)
        with self._telling(id, filename):
            folder.delete(filename)
        self.notifier.reload("deleted", self.work)

    def not_found(self, id: Any, filename: str) -> errors.NotFound:
        """The error for a file that is not there."""
        return errors.NotFound(self.spec.label, metadata={self.parent.spec.id: str(id), "filename": filename})

    def _finish(self, id: Any, filename: str, body: Any, upload: Any, offset: Any) -> None:
        """Take the last block and put the file in its place; may be done again, as the upload stays until then."""
        folder = self.folder(id)
        upload = str(uuid.uuid4()) if upload is None else _identified(upload)
        with self._telling(id, filename):
            try:
                size = self._take(folder, upload, offset, body)
                with folder.uploaded(upload, size) as file:
                    self.check(id, file)
                folder.place(upload, filename)
            except (OSError, errors.ServiceError):
                folder.forget(upload)
                raise
        self.notifier.reload("put", self.work)
        self.work.afterwards(partial(folder.forget, upload))

    def _take(self, folder: Folder, upload: str, offset: Any, body: Any) -> int:
        """Write a block; how many bytes there are with it."""
        _check_number("offset", offset)
        content = _decoded(body)
        size = offset + len(content)
        limit = self.operation("put").limit
        if limit is not None and size > limit:
            raise errors.TooLarge(limit)
        folder.write(upload, offset, content)
        return size

    @contextlib.contextmanager
    def _telling(self, id: Any, filename: str) -> Iterator[None]:
        """What goes wrong with files, as errors of the call."""
        try:
            yield
        except FileNotFoundError:
            raise self.not_found(id, filename) from None
        except UploadLost:
            raise errors.Conflict("the blocks before this one are gone; send all of the file again") from None
        except OSError as error:
            _log.error("file_failed service=%s reason=%s", self.name, error)
            raise errors.Unavailable(f"the folder of files ({error.strerror})") from error


def _decoded(body: Any) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise errors.WrongType("body", "base64 text") from None


def _identified(upload: Any) -> str:
    """The upload's id in its one spelling."""
    try:
        return str(uuid.UUID(upload))
    except (TypeError, ValueError, AttributeError):
        raise errors.WrongType("upload", "UUID") from None


def _check_number(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**62:
        raise errors.WrongType(name, "positive number")
