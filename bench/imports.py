"""The import of a CSV with 1,000 users of the full kind."""

import time

from . import data
from .accounting import peak_megabytes
from .run import Run

__all__ = ["imports"]

_ROWS = 1000
_TIMEOUT = 120


def imports(run: Run) -> None:
    """Rows a second, and how much more memory a second import of the same size takes at its peak."""
    run.say("import")
    rates, peaks = [], []
    with run.system.client(run.written.uuid, _TIMEOUT) as client:
        for number in range(2):
            text = data.import_rows(run.written, number * _ROWS, _ROWS)
            begun = time.perf_counter()
            made = client.call("users.import", body=text)
            rates.append(_ROWS / (time.perf_counter() - begun))
            peaks.append(peak_megabytes(run.system.pid("worker-1")))
            assert len(made["created"]) == _ROWS
    run.figures.single["import, rows a second"] = max(rates)
    run.figures.single["import, more memory the second time, MB"] = peaks[1] - peaks[0]
