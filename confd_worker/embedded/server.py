"""What the embedded servers have in common: a folder, ports and a password that stay, and a start that ends."""

import contextlib
import fcntl
import json
import os
import secrets
import signal
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ..log_files import DEFAULT_LIMITS, Limits
from ..supervisor import Process, last_lines

__all__ = [
    "LOOPBACK",
    "STOP_SECONDS",
    "UMASK",
    "USER",
    "EmbeddedError",
    "Server",
    "close_to_others",
    "end_if_in",
    "free_port",
    "is_free",
    "locked",
    "write_private",
]

LOOPBACK = "127.0.0.1"
# What the servers keep holds passwords: calls that wait in queues, too.
UMASK = 0o077
USER = "confd"
START_SECONDS = 90.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.1


class EmbeddedError(Exception):
    """A server could not be started; the message tells why, with the last lines of its log."""


@contextlib.contextmanager
def locked(state_dir: Path) -> Iterator[None]:
    """Make the state folder and keep it to oneself; meanwhile others may not read what this process writes.

    Raises:
        EmbeddedError: another process has it, or it cannot be written.
    """
    before = os.umask(UMASK)
    try:
        with _lock_file(state_dir) as lock:
            _hold(lock, state_dir)
            yield
    finally:
        os.umask(before)


def _lock_file(state_dir: Path) -> IO[str]:
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        return (state_dir / "lock").open("a+")
    except OSError as error:
        raise EmbeddedError(f"The state folder {state_dir} cannot be used: {error.strerror}") from error


def _hold(lock: IO[str], state_dir: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        raise EmbeddedError(
            f"The state folder {state_dir} is in use by process {lock.read().strip() or '(unknown)'}; "
            "stop that one first, or name another folder with --state"
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


class Server:
    """A server in a folder of its own; `start` is `launch` and `wait_until_ready`."""

    name: str
    title: str
    ports: tuple[str, ...]
    stop_signal = signal.SIGTERM
    # What its log says when it can be started a moment later.
    passing_fault = "(none)"

    def __init__(
        self, state_dir: Path | str, deadline: float = START_SECONDS, log_limits: Limits = DEFAULT_LIMITS
    ) -> None:
        """
        Args:
            state_dir: the state folder; made when it is not there.
            deadline: seconds that starting may take.
            log_limits: of each of its logs.
        """
        self.folder = Path(state_dir).resolve() / self.name
        self.log = self.folder / f"{self.name}.log"
        self._deadline = deadline
        self._log_limits = log_limits
        self._processes: list[Process] = []
        self._kept: dict[str, str | int] = {}

    @property
    def uri(self) -> str:
        """Where it is, with its password; once launched."""
        raise NotImplementedError

    @property
    def processes(self) -> list[Process]:
        """Its processes, once launched; the server itself is the last."""
        return self._processes

    def start(self) -> None:
        """Start it and wait until it answers. Raises EmbeddedError; then nothing of it runs on."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start it without waiting. Raises EmbeddedError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._end_leftovers()
            close_to_others(self.folder)
            self._kept = self._read_kept()
            self._processes = self._prepared()
            for process in self._processes:
                process.start()
            write_private(self.folder / "pids", json.dumps([process.pid for process in self._processes]))
        except OSError as error:
            self.stop()
            raise EmbeddedError(f"{self.title} cannot be started in {self.folder}: {error}") from error

    def wait_until_ready(self) -> None:
        """Wait until it answers. Raises EmbeddedError; then nothing of it runs on."""
        until = time.monotonic() + self._deadline
        while not self._answers():
            over = time.monotonic() > until
            server = self._processes[-1]
            if not over and not server.alive and self.passing_fault in server.last_lines():
                server.start()
            elif over or not server.alive:
                why = f"did not answer within {self._deadline:g} s" if over else "ended while it started"
                self.stop()
                raise EmbeddedError(f"{self.title} {why}; the end of {self.log}:\n{last_lines(self.log)}")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Stop it cleanly, so that it need not recover when it starts next."""
        for process in reversed(self._processes):
            process.stop()

    def _prepared(self) -> list[Process]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def _read_kept(self) -> dict[str, str | int]:
        """The ports and the password of former runs; a port that someone else has taken meanwhile is given up."""
        file = self.folder / "server.json"
        kept: dict[str, str | int] = {"password": secrets.token_hex(16)}
        with contextlib.suppress(FileNotFoundError, ValueError):
            kept |= json.loads(file.read_text())
        for name in self.ports:
            if name not in kept or not is_free(int(kept[name])):
                kept[name] = free_port()
        write_private(file, json.dumps(kept))
        return kept

    def _end_leftovers(self) -> None:
        """Stop what a killed run left behind: processes of ours that still run in this folder."""
        pids: list[int] = []
        with contextlib.suppress(FileNotFoundError, ValueError):
            pids = json.loads((self.folder / "pids").read_text())
        for pid in reversed(pids):
            end_if_in(self.folder, pid, self.stop_signal)


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read, all of it or nothing."""
    new = file.with_name(file.name + ".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
    new.replace(file)


def close_to_others(path: Path) -> None:
    """Let nobody but its owner use a file, or a folder and all that is in it, where there is one."""
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            return
        if mode & UMASK:
            path.chmod(stat.S_IMODE(mode) & ~UMASK)
        inside = list(path.iterdir()) if stat.S_ISDIR(mode) else []
    except FileNotFoundError:
        return
    for each in inside:
        close_to_others(each)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def end_if_in(folder: Path, pid: int, number: signal.Signals) -> None:
    """End a process when it runs in `folder` or below; its number alone would not tell that it is ours."""
    if not _runs_in(folder, pid):
        return
    os.kill(pid, number)
    until = time.monotonic() + STOP_SECONDS
    while _runs_in(folder, pid):
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def _runs_in(folder: Path, pid: int) -> bool:
    try:
        place = Path(os.readlink(f"/proc/{pid}/cwd"))
    except OSError:
        return False
    return place == folder or folder in place.parents
