"""Runs child processes and keeps them running: restarts what ends, and stops all in good order.

with Supervisor(report=print) as supervisor:
    supervisor.start([Process(Program("worker-1", [sys.executable, "-m", …]))])
    supervisor.watch()
"""

import contextlib
import ctypes
import dataclasses
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from .log_files import DEFAULT_LIMITS, LOGS, Limits

__all__ = ["Ledger", "Misconfigured", "Process", "Program", "Supervisor", "last_lines", "stop_all"]

MISCONFIGURED = 2
ERROR = "Error: "
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# A process that lived as long is not in a crash loop, in seconds.
STABLE = 10.0
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
SHOWN_LINES = 15
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Misconfigured(Exception):
    """A process ended because its settings are wrong: starting it again would not help.

    Attributes:
        problems: what it said about them, a line each.
    """

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


@dataclasses.dataclass(frozen=True)
class Program:
    """What to start and how to stop it.

    Attributes:
        environment: all variables of the process; those of this process when None.
        folder: where it runs.
        log: the file that takes its output; when None it shares this process's.
        limits: of the log.
        umask: what it takes from the modes of its files; as this process does when -1.
        stop_signal: what asks it to end.
        patience: seconds that it may take to end before it is killed.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] | None = None
    folder: Path | None = None
    log: Path | None = None
    limits: Limits = DEFAULT_LIMITS
    umask: int = -1
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 20.0


class Process:
    """A program that runs, or did. It is in a session of its own, so that a Ctrl-C reaches the supervisor alone."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.started = 0.0
        self._child: subprocess.Popen[bytes] | None = None
        self._log_begins = (0, 0)

    @property
    def name(self) -> str:
        """The program's name."""
        return self.program.name

    @property
    def pid(self) -> int | None:
        """The process id, once it was started."""
        return self._child.pid if self._child else None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._child is not None and self._child.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs; minus the signal's number when a signal ended it."""
        return self._child.poll() if self._child else None

    def start(self) -> None:
        """Start it. Raises OSError when that cannot be done."""
        self.started = time.monotonic()
        program = self.program
        output = LOGS.pipe(program.log, program.limits) if program.log else None
        self._log_begins = _end_of(program.log)
        self._child = subprocess.Popen(
            list(program.command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=program.folder,
            env=program.environment,
            umask=program.umask,
            start_new_session=True,
            preexec_fn=_ends_with_parent(program.stop_signal),
        )

    def ask_to_stop(self) -> None:
        """Send the stop signal."""
        if self._child and self.alive:
            self._child.send_signal(self.program.stop_signal)

    def kill(self) -> None:
        """End it and what it started, at once."""
        if self._child and self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)
            self._child.wait()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, after waiting for that at most so long."""
        if self._child is None:
            return True
        try:
            self._child.wait(max(seconds, 0))
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """Ask it to end, and kill it when it does not in time."""
        stop_all([self])

    def last_lines(self) -> str:
        """The end of its log, of what it wrote since it was started last."""
        return last_lines(self.program.log, self._log_begins)

    def problems(self) -> list[str]:
        """What it said is wrong: the lines of its end that begin with `Error: `, without that."""
        said = [line.removeprefix(ERROR) for line in self.last_lines().splitlines() if line.startswith(ERROR)]
        return said or [f"{self.name}: its settings are wrong"]


class Ledger:
    """A file in which a supervisor writes down how its processes are, for others to read while it runs.

    Args:
        path: of the file; with None nothing is written.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._processes: dict[str, dict[str, Any]] = {}

    def note(self, name: str, **facts: Any) -> None:
        """Write down facts of a process, in the place of those of the same names."""
        self._processes.setdefault(name, {"pid": None, "failures": 0, "story": "", "until": 0.0}).update(facts)
        if self._path is None:
            return
        fresh = self._path.with_name(self._path.name + ".new")
        # A full disk must not end the supervisor.
        with contextlib.suppress(OSError):
            fresh.write_text(json.dumps({"supervisor": os.getpid(), "processes": self._processes}))
            fresh.replace(self._path)

    def close(self) -> None:
        """Remove the file."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    @staticmethod
    def read(path: Path) -> dict[str, dict[str, Any]] | None:
        """What is written down of each process; None when no supervisor that lives writes there.

        Its `story` tells how it ended last, and is empty once it runs in a stable way.
        """
        try:
            kept = json.loads(path.read_text())
            os.kill(kept["supervisor"], 0)
            processes: dict[str, dict[str, Any]] = kept["processes"]
            return {
                name: {
                    "pid": one["pid"],
                    "failures": one["failures"],
                    "story": one["story"] if time.time() < one["until"] else "",
                }
                for name, one in processes.items()
            }
        except (OSError, ValueError, LookupError, TypeError):
            return None


class Supervisor:
    """Keeps processes running until SIGTERM, SIGINT or SIGHUP; a context manager that stops them at its end.

    Args:
        report: told, a line each, what happens to the processes.
        ledger: where it is written down.
    """

    def __init__(self, report: Callable[[str], None], ledger: Path | None = None) -> None:
        self._report = report
        self._ledger = Ledger(ledger)
        self._groups: list[list[_Watched]] = []
        self._signals = 0
        self._handlers: dict[int, Any] = {}
        self._wake_up, self._waker = socket.socketpair()

    def __enter__(self) -> "Supervisor":
        for end in (self._wake_up, self._waker):
            end.setblocking(False)
        self._former_fd = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        self._handlers = {number: signal.signal(number, self._on_signal) for number in STOPPING}
        self._handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self.stop()
        finally:
            self._ledger.close()
            signal.set_wakeup_fd(self._former_fd)
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            self._wake_up.close()
            self._waker.close()

    @property
    def stopping(self) -> bool:
        """Whether a signal to stop has come."""
        return self._signals > 0

    def start(self, processes: Iterable[Process]) -> None:
        """Start processes that belong together, those that do not run yet. What was started last is stopped first."""
        group = [_Watched(process) for process in processes]
        self._groups.append(group)
        for watched in group:
            if not watched.process.alive:
                watched.process.start()
            self._ledger.note(watched.process.name, pid=watched.process.pid)

    def watch(self, seconds: float | None = None) -> bool:
        """Restart what ends, for so long, or until a signal to stop comes; then False.

        Raises:
            Misconfigured: a process ended with status 2, which says that its settings are wrong.
        """
        until = None if seconds is None else time.monotonic() + seconds
        while not self.stopping:
            LOGS.look_after()
            due = [self._look_after(watched) for group in self._groups for watched in group]
            now = time.monotonic()
            if until is not None and now >= until:
                return True
            self._sleep(min(time_ for time_ in (*due, until, now + 3600) if time_ is not None) - now)
        return False

    def stop(self) -> None:
        """Stop all, the last started group first; a second signal to stop kills what still runs."""
        before = self._signals
        while self._groups:
            stop_all([watched.process for watched in self._groups.pop()], hurry=lambda: self._signals > max(before, 1))

    def _look_after(self, watched: "_Watched") -> float | None:
        """Restart a process that has ended, when its time has come; when to look again."""
        process = watched.process
        if process.alive:
            return None
        if watched.due is None:
            if process.exit_code == MISCONFIGURED:
                raise Misconfigured(process.problems())
            watched.ended()
            self._report(watched.story())
            self._ledger.note(
                process.name,
                pid=None,
                failures=watched.failures,
                story=watched.fate(),
                until=time.time() + watched.delay + STABLE,
            )
        if watched.due is not None and time.monotonic() >= watched.due:
            watched.due = None
            process.start()
            self._ledger.note(process.name, pid=process.pid)
        return watched.due

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1

    def _sleep(self, seconds: float) -> None:
        """Wait for a signal, of a child's end too."""
        if select.select([self._wake_up], [], [], max(seconds, 0))[0]:
            with contextlib.suppress(BlockingIOError):
                while self._wake_up.recv(4096):
                    pass


class _Watched:
    """A process under supervision, and how often it failed of late."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.failures = 0
        self.delay = 0.0
        self.due: float | None = None

    def ended(self) -> None:
        """Work out when to start it again: at once, but ever later when it does not live long."""
        now = time.monotonic()
        self.failures = self.failures + 1 if now - self.process.started < STABLE else 1
        self.delay = min(FIRST_DELAY * 2 ** (self.failures - 1), LONGEST_DELAY)
        self.due = now + self.delay

    def story(self) -> str:
        """What happened, for people; of a crash loop also what the process said last."""
        story = f"{self.process.name} {self.fate()}"
        words = self.process.last_lines() if self.failures > 2 else ""
        return f"{story}; its last words:\n{words}" if words else story

    def fate(self) -> str:
        """How it ended, when it is started again, and how often this happened in a row."""
        code = self.process.exit_code or 0
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        told = f"{how}; it is started again in {self.delay:g} s"
        return told if self.failures < 2 else f"{told}. It failed {self.failures} times in a row"


def stop_all(processes: Sequence[Process], hurry: Callable[[], bool] = lambda: False) -> None:
    """Ask all to end at the same time, wait for each as long as its patience, and kill those that still run.

    Args:
        hurry: whether to kill what still runs, asked while waiting.
    """
    begun = time.monotonic()
    for process in processes:
        process.ask_to_stop()
    for process in processes:
        while time.monotonic() < begun + process.program.patience and not hurry() and not process.wait(0.1):
            pass
        process.kill()


def last_lines(log: Path | None, begins: tuple[int, int] = (0, 0)) -> str:
    """The end of a log file; empty when there is none.

    Args:
        begins: the file as it was once, and how many of its bytes do not count.
    """
    now, _ = _end_of(log)
    if log is None or not now:
        return ""
    with log.open(encoding="utf-8", errors="replace") as lines:
        lines.seek(begins[1] if now == begins[0] else 0)
        return "".join(deque(lines, SHOWN_LINES)).rstrip()


def _end_of(log: Path | None) -> tuple[int, int]:
    """Which file the log is, another one once it was put aside, and how long; zeros where there is none."""
    if log is None:
        return 0, 0
    LOGS.flush()
    try:
        status = log.stat()
    except FileNotFoundError:
        return 0, 0
    return status.st_ino, status.st_size


def _ends_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """What a child runs before its program, so that it gets a signal should its parent die without stopping it."""
    if _libc is None:
        return None
    parent = os.getpid()

    def ask_for_signal() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:
            os.kill(os.getpid(), number)

    return ask_for_signal
