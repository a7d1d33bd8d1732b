"""The supervisor: what ends is started again, ever later; a signal stops all, and kills what does not stop."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from confd_worker.supervisor import Ledger, Misconfigured, Process, Program, Supervisor

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(600)"
)


def python(name: str, program: str, log: Path | None = None, patience: float = 10) -> Process:
    return Process(Program(name, [sys.executable, "-c", program], log=log, patience=patience))


def watch_until(supervisor: Supervisor, condition: object, seconds: float = 20) -> None:
    assert callable(condition)
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        supervisor.watch(0.05)


def test_a_process_that_was_killed_is_started_again() -> None:
    told: list[str] = []
    process = python("sleeper", "import time; time.sleep(600)")
    with Supervisor(told.append) as supervisor:
        supervisor.start([process])
        first = process.pid
        assert first
        os.kill(first, signal.SIGKILL)
        watch_until(supervisor, lambda: process.alive and process.pid != first)
    assert not process.alive
    assert told == ["sleeper was ended by SIGKILL; it is started again in 0.5 s"]


def test_a_crash_loop_is_slowed_and_reported_with_the_last_words(tmp_path: Path) -> None:
    told: list[str] = []
    process = python("crasher", "print('no such thing'); raise SystemExit(3)", tmp_path / "log")
    with Supervisor(told.append) as supervisor:
        supervisor.start([process])
        watch_until(supervisor, lambda: len(told) == 3)
    assert [line.split(" in ")[1].split(" s")[0] for line in told] == ["0.5", "1", "2"]
    assert "It failed" not in told[0]
    assert "It failed 2 times in a row" in told[1]
    assert "It failed 3 times in a row; its last words:\nno such thing" in told[2]


def test_a_crash_loop_is_written_down_for_others_to_read(tmp_path: Path) -> None:
    ledger, told = tmp_path / "processes.json", []
    sleeper = python("sleeper", "import time; time.sleep(600)")
    crasher = python("crasher", "raise SystemExit(3)")
    with Supervisor(told.append, ledger) as supervisor:
        supervisor.start([sleeper, crasher])
        watch_until(supervisor, lambda: len(told) == 2)
        kept = Ledger.read(ledger)
        assert kept is not None
        assert kept["sleeper"] == {"pid": sleeper.pid, "failures": 0, "story": ""}
        assert kept["crasher"]["failures"] == 2
        assert kept["crasher"]["story"].startswith("ended with status 3; it is started again in 1 s")
    assert Ledger.read(ledger) is None


def test_what_a_supervisor_that_is_gone_wrote_down_counts_no_more(tmp_path: Path) -> None:
    ended = python("ended", "pass")
    ended.start()
    ended.wait(20)
    ledger = tmp_path / "processes.json"
    for content in (f'{{"supervisor": {ended.pid}, "processes": {{}}}}', "{", "[]", ""):
        ledger.write_text(content)
        assert Ledger.read(ledger) is None


def test_wrong_settings_end_the_supervisor_with_what_the_process_says_of_them(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("Error: of an earlier run\n")
    process = python("worker", "print('a warning\\nError: CONFD_X\\nError: CONFD_Y'); raise SystemExit(2)", log)
    with Supervisor(print) as supervisor:
        supervisor.start([process])
        with pytest.raises(Misconfigured) as refused:
            supervisor.watch(20)
    assert refused.value.problems == ["CONFD_X", "CONFD_Y"]


def test_a_signal_ends_watching_and_a_stubborn_process_is_killed(tmp_path: Path) -> None:
    process = python("stubborn", STUBBORN, tmp_path / "log", patience=0.5)
    with Supervisor(print) as supervisor:
        supervisor.start([process])
        watch_until(supervisor, lambda: process.last_lines() == "on")
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
        assert supervisor.watch(20) is False
    assert process.exit_code == -signal.SIGKILL


def test_children_end_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys; from confd_worker.supervisor import *\n"
        "child = Process(Program('child', [sys.executable, '-c', 'import time; time.sleep(600)']))\n"
        "with Supervisor(print) as supervisor:\n"
        "    supervisor.start([child]); print(child.pid, flush=True); supervisor.watch()\n"
    )
    parent = python("parent", program, tmp_path / "log")
    parent.start()
    until = time.monotonic() + 20
    while not parent.last_lines():
        assert time.monotonic() < until
        time.sleep(0.05)
    child = Path("/proc", parent.last_lines(), "stat")
    if sys.platform != "linux":
        parent.stop()
        pytest.skip("only Linux tells children of their parent's end")
    assert parent.pid
    os.kill(parent.pid, signal.SIGKILL)
    # A zombie that nobody waits for has ended too.
    while child.exists() and child.read_text().split()[2] != "Z":
        assert time.monotonic() < until
        time.sleep(0.05)
