"""Log files that stay within a limit while they are written.

What processes write goes through pipes to one more process, which writes the files and puts them aside when they have
grown: `gateway.log` becomes `gateway.log.1`, and so on. It ends after the last of those that write, also when whoever
started them is killed, and so it has their last words as well.

    descriptor = LOGS.pipe(Path("gateway.log"), Limits(bytes=10_000_000, kept=2))

This file is run as a program of its own, and imports nothing but the standard library.
"""

import atexit
import contextlib
import dataclasses
import json
import os
import select
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["DEFAULT_LIMITS", "LOGS", "Limits", "LogFiles"]

# Files of everybody's last words are nobody else's business.
_MODE = 0o600
_ASKED_SECONDS = 5.0
_END_SECONDS = 2.0
# How long to gather what is written, so that a process that writes much does not wake the writer for each line.
_GATHER_SECONDS = 0.02
_CHUNK = 65536
_PIPE_BYTES = 1 << 20
_F_SETPIPE_SZ = 1031
_DONE, _NOT_DONE = b".", b"!"


@dataclasses.dataclass(frozen=True)
class Limits:
    """How much of a log there may be.

    Attributes:
        bytes: of one file, which ends with a whole line.
        kept: files that were put aside.
    """

    bytes: int = 10_000_000
    kept: int = 2


DEFAULT_LIMITS = Limits()


class LogFiles:
    """The log files of the processes that this one starts. The writer is started with the first of them."""

    def __init__(self) -> None:
        self._writer: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._pipes: dict[Path, tuple[int, int, Limits]] = {}

    @property
    def pid(self) -> int | None:
        """The process id of the writer, once there is one."""
        return self._writer.pid if self._writer else None

    def pipe(self, path: Path, limits: Limits) -> int:
        """A descriptor to write to, the same one for the same file; what is written there is added to the file.

        Raises:
            OSError: the file cannot be written, or the writer not be started.
        """
        path = path.absolute()
        os.close(_opened(path))
        if path not in self._pipes:
            self._pipes[path] = (*_pipe(), limits)
            if not self._hand_over(path):
                self._restart()
        self.look_after()
        return self._pipes[path][1]

    def flush(self) -> None:
        """Wait until all that was written so far is in the files, for a few seconds at the most."""
        self.look_after()
        if self._pipes:
            self._ask(None)

    def look_after(self) -> None:
        """Start the writer again if it has ended or does not answer; what was not written is still in the pipes."""
        ended = self._control is None or self._writer is None or self._writer.poll() is not None
        if self._pipes and ended:
            # Where that fails it is tried again later: those that write must go on.
            with contextlib.suppress(OSError):
                self._restart()

    def close(self) -> None:
        """Let the writer end once nobody writes any more."""
        for reading, writing, _ in self._pipes.values():
            os.close(reading)
            os.close(writing)
        self._pipes.clear()
        self._leave()

    def _restart(self) -> None:
        if self._writer is not None:
            self._writer.kill()
        self._leave()
        self._control, theirs = socket.socketpair()
        self._control.settimeout(_ASKED_SECONDS)
        with theirs:
            self._writer = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        handed_over = [self._hand_over(path) for path in self._pipes]
        if not all(handed_over):
            raise OSError("the writer of log files does not answer")

    def _leave(self) -> None:
        """Leave the writer alone: it ends after those that write."""
        if self._control is not None:
            self._control.close()
        if self._writer is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._writer.wait(_END_SECONDS)
        self._control = self._writer = None

    def _hand_over(self, path: Path) -> bool:
        reading, _, limits = self._pipes[path]
        return self._ask({"path": str(path), **dataclasses.asdict(limits)}, reading)

    def _ask(self, message: dict[str, Any] | None, *descriptors: int) -> bool:
        """Whether the writer did what it was asked; it first writes all that is in the pipes."""
        if self._control is None:
            return False
        try:
            socket.send_fds(self._control, [json.dumps(message).encode()], descriptors)
            return self._control.recv(1) == _DONE
        except OSError:
            self._control.close()
            self._control = None
            return False


def _pipe() -> tuple[int, int]:
    reading, writing = os.pipe()
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(writing, _F_SETPIPE_SZ, _PIPE_BYTES)
    return reading, writing


def _opened(path: Path) -> int:
    """A descriptor that adds to the file, which nobody else may read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != _MODE:
        os.fchmod(descriptor, _MODE)
    return descriptor


class _File:
    """One log file as the writer sees it.

    Args:
        path: of the file.
        limits: of it.
        pipe: where what is to be written comes from.
    """

    def __init__(self, path: Path, limits: Limits, pipe: int) -> None:
        self.pipe = pipe
        os.set_blocking(pipe, False)
        self._path, self._limits = path, limits
        self._lost = 0
        self._begin(_opened(path))

    def take(self) -> bool:
        """Write what is in the pipe; False once nobody can write to it any more."""
        for _ in range(_PIPE_BYTES // _CHUNK):
            try:
                chunk = os.read(self.pipe, _CHUNK)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            self._follow()
            self._write(chunk)
        return True

    def close(self) -> None:
        """Leave pipe and file."""
        os.close(self.pipe)
        os.close(self._file)

    def _begin(self, file: int) -> None:
        self._file = file
        self._size = os.fstat(file).st_size
        # Whether the next byte begins a line.
        self._whole = True

    def _follow(self) -> None:
        """Begin a new file where somebody has moved or removed the old one."""
        with contextlib.suppress(OSError):
            if not self._path.exists() or not os.path.samestat(self._path.stat(), os.fstat(self._file)):
                former = self._file
                self._begin(_opened(self._path))
                os.close(former)

    def _write(self, chunk: bytes) -> None:
        """Add to the file, or to a new one from the line on that does not fit."""
        fits = self._limits.bytes - self._size
        if len(chunk) > fits:
            end = chunk.rfind(b"\n", 0, max(fits, 0)) + 1
            if not end and not self._whole and fits > -self._limits.bytes:
                end = chunk.find(b"\n") + 1 or len(chunk)
            self._add(chunk[:end])
            chunk = chunk[end:]
            if chunk and self._size:
                self._put_aside()
        self._add(chunk)

    def _add(self, data: bytes) -> None:
        """Write to the file; what a full disk does not take is counted, and told when there is room again."""
        if self._lost and data:
            notice = f"… {self._lost} bytes of this log could not be written …\n".encode()
            if self._add_all(notice) == len(notice):
                self._lost = 0
        self._lost += len(data) - self._add_all(data)
        if data:
            self._whole = data.endswith(b"\n")

    def _add_all(self, data: bytes) -> int:
        written = 0
        with contextlib.suppress(OSError):
            while written < len(data):
                written += os.write(self._file, data[written:])
        self._size += written
        return written

    def _put_aside(self) -> None:
        """Begin a new file; where that cannot be done the old one stays."""
        fresh = self._named(".new")
        try:
            fresh.unlink(missing_ok=True)
            file = _opened(fresh)
        except OSError:
            return
        number = self._limits.kept
        while self._numbered(number + 1).exists():
            number += 1
            self._numbered(number).unlink()
        for number in range(self._limits.kept, 0, -1):
            with contextlib.suppress(OSError):
                self._numbered(number - 1).replace(self._numbered(number))
        fresh.replace(self._path)
        os.close(self._file)
        self._begin(file)

    def _numbered(self, number: int) -> Path:
        return self._named(f".{number}") if number else self._path

    def _named(self, ending: str) -> Path:
        return self._path.with_name(self._path.name + ending)


def _serve(control: socket.socket) -> None:
    """Write until nobody asks any more and all pipes have ended."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # It ends after the others, whose last words it is there for.
        signal.signal(number, signal.SIG_IGN)
    files: dict[int, _File] = {}
    asking = True
    while asking or files:
        asked = [control.fileno()] if asking else []
        ready = set(select.select([*files, *asked], [], [])[0])
        for pipe in files.keys() & ready:
            if not files[pipe].take():
                files.pop(pipe).close()
        if ready & set(asked) or select.select(asked, [], [], _GATHER_SECONDS)[0]:
            asking = _answer(control, files)


def _answer(control: socket.socket, files: dict[int, _File]) -> bool:
    """Do what is asked; False when there is nobody left to ask."""
    try:
        message, descriptors, _, _ = socket.recv_fds(control, _CHUNK, 1)
        if not message:
            return False
        for file in files.values():
            file.take()
        asked = json.loads(message)
        answer = _DONE
        for pipe in descriptors:
            try:
                files[pipe] = _File(Path(asked["path"]), Limits(asked["bytes"], asked["kept"]), pipe)
            except OSError:
                os.close(pipe)
                answer = _NOT_DONE
        control.sendall(answer)
    except OSError:
        return False
    return True


LOGS = LogFiles()
"""Those of this process."""

if __name__ == "__main__":
    _serve(socket.socket(fileno=0))
else:
    atexit.register(LOGS.close)
