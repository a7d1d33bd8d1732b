"""The long form: `python -m integration_tests.faults --seed 1 --calls 1000`."""

import argparse
import contextlib
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from confd_worker.embedded import Broker, Postgres
from confd_worker.migrate import upgrade

from .faults import FAULTS, Fault
from .stage import Stage
from .table import table
from .trial import Outcome, try_fault


def main() -> int:
    """Try the faults; 1 when something promised was not kept."""
    arguments = _arguments()
    print(f"seed {arguments.seed}, {arguments.calls} calls for each fault", flush=True)
    outcomes: list[Outcome] = []
    with _stage() as stage:
        nested = stage.nests()
        for fault in arguments.fault:
            print(f"{fault.name}: {fault.about} …", end=" ", flush=True)
            try:
                stage.await_whole()
                outcome = try_fault(stage, fault, arguments.seed, arguments.calls, nested=nested)
            except AssertionError as error:
                print(f"NOT KEPT\n  {error}", flush=True)
                continue
            print("kept" if outcome.kept else f"NOT KEPT\n{outcome.findings.story()}", flush=True)
            outcomes.append(outcome)
    print(table(outcomes))
    kept = [outcome.fault for outcome in outcomes if outcome.kept]
    return 0 if len(kept) == len(arguments.fault) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m integration_tests.faults",
        description="Breaks one thing after the other while calls are made, checks that nothing was lost or happened "
        "twice, and prints a table. The exit status is 1 when something was.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="faults:\n" + "\n".join(f"  {fault.name:20}{fault.about}" for fault in FAULTS.values()),
    )
    parser.add_argument("--seed", default=str(random.randrange(10**6)), help="of the random numbers; default: any")
    parser.add_argument("--calls", type=_number, default=1000, help="how many for each fault at least; default: 1000")
    parser.add_argument(
        "--fault", nargs="+", type=_fault, default=list(FAULTS.values()), metavar="NAME", help="which; default: all"
    )
    return parser.parse_args()


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of calls from 1 on")
    return int(text)


def _fault(name: str) -> Fault:
    if name not in FAULTS:
        raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(FAULTS)}")
    return FAULTS[name]


@contextlib.contextmanager
def _stage() -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="confd-faults-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        postgres, broker = Postgres(folder), Broker(folder)
        try:
            postgres.start()
            broker.start()
            upgrade(postgres.uri)
            stage = Stage(folder, postgres, broker)
            try:
                stage.start()
                yield stage
            finally:
                stage.close()
        finally:
            broker.stop()
            postgres.stop()


if __name__ == "__main__":
    sys.exit(main())
