"""Log files: they stay within their limits while they are written, and no line is lost, whoever is killed."""

import os
import shutil
import signal
import stat
import sys
import time
from pathlib import Path

import pytest

from confd_worker.conformance.system import until
from confd_worker.log_files import LOGS, Limits, LogFiles
from confd_worker.supervisor import Process, Program, Supervisor

LIMIT = 200_000
COUNTING = "import sys\nfor number in range(int(sys.argv[1])): print(f'{number:08} ' + 'x' * (number % 150))"


def counting(log: Path, lines: int, kept: int) -> Process:
    """A process that writes so many numbered lines."""
    command = [sys.executable, "-c", COUNTING, str(lines)]
    return Process(Program("counting", command, log=log, limits=Limits(LIMIT, kept)))


def parts(log: Path) -> list[Path]:
    """The files of a log, the oldest first."""
    return [*sorted(log.parent.glob(f"{log.name}.*"), key=lambda path: -int(path.suffix[1:])), log]


def numbers(log: Path) -> list[int]:
    """The numbers of all lines that are kept."""
    return [int(line.split()[0]) for path in parts(log) for line in path.read_text().splitlines()]


def test_a_log_is_put_aside_while_it_is_written_and_no_line_is_lost(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = counting(log, 100_000, kept=100)
    process.start()
    assert process.wait(60)
    LOGS.flush()
    assert numbers(log) == list(range(100_000))
    assert len(parts(log)) > 20
    assert max(path.stat().st_size for path in parts(log)) <= LIMIT
    assert all(path.read_bytes().endswith(b"\n") for path in parts(log))


def test_of_a_log_no_more_files_are_kept_than_may_be(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for kept in (3, 1, 0):
        logs = LogFiles()
        descriptor = logs.pipe(log, Limits(LIMIT, kept))
        os.write(descriptor, b"".join(b"%08d %s\n" % (number, b"x" * 90) for number in range(9_000)))
        logs.close()
        assert len(parts(log)) == kept + 1
        assert numbers(log)[-1] == 8_999
        assert sum(path.stat().st_size for path in parts(log)) <= LIMIT * (kept + 1)


def test_a_log_that_is_too_long_already_is_put_aside(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("an old line\n" * LIMIT)
    log.chmod(0o644)
    process = counting(log, 1, kept=2)
    process.start()
    assert process.wait(20)
    assert process.last_lines() == "00000000"
    assert log.read_text() == "00000000 \n"
    assert (tmp_path / "log.1").stat().st_size == 12 * LIMIT


def test_a_line_longer_than_the_limit_does_not_keep_the_log_from_ending(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = Process(
        Program("long", [sys.executable, "-c", "print('x' * 5_000_000)"], log=log, limits=Limits(LIMIT, 1))
    )
    process.start()
    assert process.wait(20)
    LOGS.flush()
    assert max(path.stat().st_size for path in parts(log)) <= 3 * LIMIT


def test_nobody_else_may_read_a_log(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        log = tmp_path / "log"
        process = counting(log, 10_000, kept=3)
        process.start()
        assert process.wait(20)
        LOGS.flush()
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in parts(log)} == {0o600}
    assert len(parts(log)) == 4


def test_what_is_no_file_of_its_own_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="log"):
        counting(tmp_path / "log", 1, kept=1).start()
    assert not (tmp_path / "other").exists()


IN_TURNS = """
import itertools, signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
for turn in itertools.count():
    for number in range(turn * 100, turn * 100 + 100): print(f"{number:08}", flush=True)
    signal.sigwait({signal.SIGUSR1})
"""


def test_the_writer_is_started_again_and_nothing_is_lost(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = Process(Program("in turns", [sys.executable, "-c", IN_TURNS], log=log))
    with Supervisor(print) as supervisor:
        supervisor.start([process])
        for turn in (1, 2, 3):
            until(lambda turn=turn: supervisor.watch(0.05) and len(numbers(log)) == turn * 100, "the turn is over")
            writer = LOGS.pid
            assert writer
            assert process.pid
            os.kill(writer, signal.SIGKILL)
            os.kill(process.pid, signal.SIGUSR1)
        until(lambda: supervisor.watch(0.05) and len(numbers(log)) == 400, "the last turn is over")
        assert LOGS.pid != writer
    assert numbers(log) == list(range(400))


def test_a_log_that_somebody_removes_or_moves_begins_anew(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "log"
    process = Process(Program("in turns", [sys.executable, "-c", IN_TURNS], log=log))
    process.start()
    ways = [log.unlink, lambda: log.rename(tmp_path / "moved"), lambda: shutil.rmtree(log.parent)]
    for turn, away in enumerate(ways):
        until(lambda turn=turn: log.exists() and turn * 100 + 99 in numbers(log), "the turn is over")
        away()
        assert process.pid
        os.kill(process.pid, signal.SIGUSR1)
    until(lambda: log.exists() and numbers(log) == list(range(300, 400)), "the last turn is over")
    assert process.last_lines().endswith("00000399")
    process.stop()


def test_the_last_words_of_a_process_whose_supervisor_is_killed_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "log"
    words = (
        "import signal, time\n"
        "def say(*_): time.sleep(0.5); print('my last words', flush=True); raise SystemExit\n"
        "signal.signal(signal.SIGTERM, say)\n"
        "print('on', flush=True)\n"
        "time.sleep(600)\n"
    )
    program = (
        "import sys; from pathlib import Path; from confd_worker.supervisor import *\n"
        f"child = Process(Program('child', [sys.executable, '-c', {words!r}], log=Path({str(log)!r})))\n"
        "with Supervisor(print) as supervisor: supervisor.start([child]); supervisor.watch()\n"
    )
    parent = Process(Program("parent", [sys.executable, "-c", program]))
    parent.start()
    until(lambda: log.exists() and log.read_text() == "on\n", "the child runs")
    assert parent.pid
    os.kill(parent.pid, signal.SIGKILL)
    until(lambda: log.read_text() == "on\nmy last words\n", "its last words are there")


def test_a_signal_that_ends_all_does_not_end_the_writer_before_the_others(tmp_path: Path) -> None:
    logs = LogFiles()
    descriptor = logs.pipe(tmp_path / "log", Limits())
    writer = logs.pid
    assert writer
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        logs.flush()
        os.kill(writer, number)
        os.write(descriptor, f"{number.name}\n".encode())
    logs.flush()
    assert logs.pid == writer
    assert (tmp_path / "log").read_text() == "SIGTERM\nSIGINT\nSIGHUP\n"
    logs.close()


def test_a_writer_ends_with_those_that_write(tmp_path: Path) -> None:
    logs = LogFiles()
    logs.pipe(tmp_path / "log", Limits())
    writer = logs.pid
    assert writer
    begun = time.monotonic()
    logs.close()
    assert time.monotonic() - begun < 1.5
    with pytest.raises(ProcessLookupError):
        os.kill(writer, 0)
