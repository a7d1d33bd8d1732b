"""One trial: calls are made, one fault happens, and the books are checked."""

import time
import uuid
from dataclasses import dataclass

from confd_worker.conformance.system import until

from .books import Findings, Rows, check
from .calls import State
from .faults import ENDING, PEACE, Fault
from .load import Load
from .recorder import Recorder
from .stage import Stage

__all__ = ["ZERO", "Outcome", "try_fault"]

ZERO = ("lost", "doubled", "uncalled", "late", "events lost", "invented", "out of order", "odd")
"""What must be 0 whatever fails."""
SETTLE_SECONDS = 60


@dataclass(frozen=True)
class Outcome:
    """A line of the table.

    Attributes:
        acknowledged, unknown: calls of that outcome; of the unknown ones, those with a key were repeated until known.
        events, events_doubled: that came, and those of them that had come before.
        seconds: from the end of the fault until calls by RPC and by REST are acknowledged and their events have come.
        findings: what was found wrong.
    """

    fault: str
    acknowledged: int
    unknown: int
    events: int
    events_doubled: int
    seconds: float
    findings: Findings

    @property
    def kept(self) -> bool:
        """Whether all that is promised was kept."""
        return not any(self.findings.count(column) for column in ZERO)


def try_fault(stage: Stage, fault: Fault, seed: str, calls: int, *, nested: bool) -> Outcome:
    """Make `calls` calls or more, with the fault amid them.

    Args:
        seed: of the random numbers.
        nested: whether whole users are made in one call, too.
    """
    if fault.name not in ENDING:
        stage.await_whole()
    pids = stage.pids()
    tenant = str(uuid.uuid4())
    context = stage.make_context(tenant)
    with Recorder(stage.amqp_uri, tenant) as recorder:
        with Load(stage, tenant, f"{seed}-{fault.name}", context, calls, nested=nested) as load:
            load.reach(calls // 2)
            fault.strike(stage, load)
            seconds = _recovery(load, recorder)
            load.reach(calls)
        until(lambda: not stage.count("outbox"), "all events are told", SETTLE_SECONDS)
        until(lambda: not stage.count("sysconfd_requests"), "all requests are sent", SETTLE_SECONDS)
        recorder.drain()
        told = recorder.first()
    findings = check(load.calls, told, Rows(stage, tenant))
    _check_mailboxes(stage, load, findings)
    doubled = len(recorder.seen) - len(told)
    if doubled and fault.name == PEACE:
        findings.note("odd", f"{doubled} events came twice while nothing failed")
    if fault.name not in ENDING and stage.pids() != pids:
        findings.note("odd", "a process ended, which should have gone on by itself")
    return Outcome(
        fault=fault.name,
        acknowledged=sum(call.state is State.ACKNOWLEDGED for call in load.calls),
        unknown=sum(call.doubted for call in load.calls),
        events=len(recorder.seen),
        events_doubled=doubled,
        seconds=seconds,
        findings=findings,
    )


def _recovery(load: Load, recorder: Recorder) -> float:
    begun = time.monotonic()
    probes = load.probe()
    until(lambda: all(recorder.heard(call.reply["uuid"]) for call in probes), "new events come", SETTLE_SECONDS)
    return time.monotonic() - begun


def _check_mailboxes(stage: Stage, load: Load, findings: Findings) -> None:
    """The system daemon was told of every voicemail that was deleted."""
    deleted = stage.sysconfd.deleted_mailboxes()
    for call in load.calls:
        for kind, name in call.removes:
            if kind == "voicemail" and call.state is State.ACKNOWLEDGED and name not in deleted:
                findings.note("events lost", f"the system daemon does not know that voicemail {name} is deleted")
