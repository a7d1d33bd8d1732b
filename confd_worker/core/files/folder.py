"""A folder for files whose names callers choose: nothing outside of it can be read or written.

Uploads come in blocks, which any process may take, and so all that is known of an upload is in the file system: its
part in a hidden folder beside those of the files.
"""

import contextlib
import errno
import os
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from confd_schemas.files import is_filename

from ..greenlets import in_thread

__all__ = ["Block", "Folder", "UploadLost"]

_UPLOADS = ".uploads"
# Of an upload between two blocks, in seconds; after that nobody will send the rest.
_PATIENCE = 3600
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
# A pipe must not make the open wait.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
# A link, or a folder in the place of a file, or the other way round.
_OTHER_KIND = {errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.EISDIR}


class UploadLost(Exception):
    """The blocks before this one are not there: removed as too old, or in another folder."""


@dataclass(frozen=True)
class Block:
    """A part of a file.

    Attributes:
        size: of the whole file, in bytes.
        version: another one as soon as the file is replaced.
    """

    content: bytes
    size: int
    version: str


class Folder:
    """The files of one item.

    Everything raises `FileNotFoundError` for what is not there, including names that no file may have and what is no
    plain file, and other kinds of `OSError` as the operating system does.

    Args:
        root: a folder that need not be there yet; uploads are in it.
        names: of the folders that lead from there to the files.
    """

    def __init__(self, root: str, *names: str) -> None:
        for name in names:
            if not is_filename(name):
                raise ValueError(f"no name for a folder: {name!r}")
        self._root, self._names = Path(root), names

    def make(self) -> None:
        """Make the folder, unless it is there."""
        self._root.mkdir(parents=True, exist_ok=True)
        path = self._root
        for name in self._names:
            path = path / name
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                path.chmod(0o775)

    def remove(self) -> None:
        """Remove the folder with its files, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self._root.joinpath(*self._names))

    def files(self) -> list[str]:
        """Names of all that is in the folder, in order; nothing when it cannot be read."""
        try:
            with self._opened() as directory:
                found = os.listdir(directory)
        except OSError:
            return []
        return sorted(os.fsencode(name).decode(errors="replace") for name in found)

    def read(self, filename: str, offset: int, length: int) -> Block:
        """At most `length` bytes of a file from `offset` on."""
        with self._opened() as directory:
            descriptor = os.open(_checked(filename), _FILE, dir_fd=directory)
            with open(descriptor, "rb", buffering=0) as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise FileNotFoundError(filename)
                version = f"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}"
                return Block(os.pread(descriptor, length, offset), status.st_size, version)

    def delete(self, filename: str) -> None:
        """Remove a file."""
        with self._opened() as directory:
            os.unlink(_checked(filename), dir_fd=directory)

    def write(self, upload: str, offset: int, content: bytes) -> None:
        """Take a block of an upload; the same one may come twice.

        Raises:
            UploadLost: some block before it is not there.
        """
        if offset == 0:
            self._begin()
        flags = os.O_RDWR | os.O_NOFOLLOW | (os.O_CREAT if offset == 0 else 0)
        try:
            descriptor = os.open(self._part(upload), flags, 0o660)
        except FileNotFoundError:
            raise UploadLost from None
        with open(descriptor, "r+b") as file:
            if os.fstat(descriptor).st_size < offset:
                raise UploadLost
            file.seek(offset)
            file.write(content)

    @contextlib.contextmanager
    def uploaded(self, upload: str, size: int) -> Iterator[BinaryIO]:
        """The file that the blocks of an upload make, cut off at `size`."""
        with self._part(upload).open("r+b") as file:
            file.truncate(size)
            yield file

    def place(self, upload: str, filename: str) -> None:
        """Give the folder the file that was uploaded, in place of one of that name: all of it or nothing.

        The upload stays until `forget`, so that this may be done again.
        """
        _checked(filename)
        self.make()
        part = self._part(upload)
        placed = part.with_suffix(".placed")
        with part.open("rb") as file:
            os.fchmod(file.fileno(), 0o660)
            # Elsewhere, as it takes its time, for which the other calls of the process must not wait.
            in_thread(os.fsync, file.fileno())
        with self._opened() as directory:
            placed.unlink(missing_ok=True)
            os.link(part, placed)
            os.replace(placed, filename, dst_dir_fd=directory)
            # Two links to one file are not replaced by one another.
            placed.unlink(missing_ok=True)
            os.fsync(directory)

    def forget(self, upload: str) -> None:
        """Remove what is left of an upload."""
        self._part(upload).unlink(missing_ok=True)

    def _part(self, upload: str) -> Path:
        return self._root / _UPLOADS / f"{upload}.part"

    def _begin(self) -> None:
        """Make the folder of uploads, and remove those from it that nobody will finish."""
        uploads = self._root / _UPLOADS
        uploads.mkdir(mode=0o770, parents=True, exist_ok=True)
        oldest = time.time() - _PATIENCE
        with os.scandir(uploads) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    if entry.stat(follow_symlinks=False).st_mtime < oldest:
                        os.unlink(entry.path)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        """The folder's descriptor; no link on the way from the root is followed."""
        try:
            with contextlib.ExitStack() as opened:
                directory = os.open(self._root, _DIRECTORY)
                opened.callback(os.close, directory)
                for name in self._names:
                    directory = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
                    opened.callback(os.close, directory)
                yield directory
        except OSError as error:
            if error.errno in _OTHER_KIND:
                raise FileNotFoundError(*error.args) from None
            raise


def _checked(filename: Any) -> str:
    if not isinstance(filename, str) or not is_filename(filename):
        raise FileNotFoundError(filename)
    return filename
