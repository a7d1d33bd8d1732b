"""The commands `import` and `export`: users as CSV files."""

import csv
import hashlib
import sys
import time
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .calls import connected, tenant_option
from .import_context import fill_contexts
from .main import Place, placed

if TYPE_CHECKING:
    from ..client import Client, Reply

__all__ = ["Row", "export_users", "import_users", "read_rows"]

CHUNK = 20
# Of a chunk, in bytes: the report tells of each row that is refused what it holds, and both have to fit into a message.
CHUNK_BYTES = 256 * 1024
IN_FLIGHT = 2
# A row makes up to a dozen items, in seconds for a whole chunk.
CHUNK_TIMEOUT = 60.0
RETRY_SECONDS = (0.5, 1, 2, 5, 10)
STANDARD_STREAM = "-"


@dataclass(frozen=True)
class Row:
    """One data row of a file: its number from 1, and its columns or what is wrong with it."""

    number: int
    columns: dict[str, str] = field(default_factory=dict)
    fault: str | None = None


def read_rows(text: str) -> list[Row]:
    """The data rows of a CSV text: a header, commas, double quotes; blank lines and unnamed columns do not count.

    Raises:
        click.ClickException: the header cannot be used.
    """
    lines = [line for line in (line.rstrip("\r") for line in text.split("\n")) if line.strip()]
    if not lines:
        raise click.ClickException("The file is empty; its first line must name the columns")
    try:
        header = [name.strip() for name in _split(lines[0])]
    except csv.Error as error:
        raise click.ClickException(f"The header cannot be read: {error}") from None
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise click.ClickException(f"The header names {', '.join(twice)} twice")
    return [_row(number, header, line) for number, line in enumerate(lines[1:], 1)]


def _row(number: int, header: list[str], line: str) -> Row:
    try:
        values = _split(line)
    except csv.Error as error:
        return Row(number, fault=f"cannot be read: {error}")
    if len(line.encode()) > CHUNK_BYTES:
        return Row(number, fault=f"has more than {CHUNK_BYTES} bytes")
    if len(values) > len(header):
        return Row(number, fault=f"has {len(values)} values for {len(header)} columns")
    return Row(number, {name: value for name, value in zip(header, values, strict=False) if name})


def _split(line: str) -> list[str]:
    return next(csv.reader([line], strict=True))


@click.command("import", short_help="Import users from a CSV file.")
@click.argument("file", type=click.File("rb"))
@click.option("--charset", default="utf-8", show_default=True, help="The character set of the file.")
@click.option(
    "--context",
    default="internal",
    show_default=True,
    metavar="NAME|LABEL",
    help="The context of rows that name none; made for their extens when there is none of that label.",
)
@tenant_option
@placed
def import_users(place: Place, file: Any, charset: str, context: str, tenant: Any) -> None:
    """Import users from a CSV file ('-' for standard input), each row for itself.

    A row that is refused is told with the reason, and nothing of it is kept; the others are imported. Ends with
    status 1 when a row was refused. A call of users.import, in contrast, takes all rows or none.
    """
    settings = place.settings("amqp_uri")
    content = file.read()
    try:
        rows = read_rows(content.decode("utf-8-sig" if charset.lower() in ("utf-8", "utf8") else charset))
    except LookupError:
        raise click.UsageError(f"--charset: {charset} is not known") from None
    except UnicodeDecodeError as error:
        raise click.ClickException(f"The file is not {charset}: {error.reason} at byte {error.start}") from None
    with connected(settings, tenant, max(CHUNK_TIMEOUT, settings.call_timeout)) as client:
        fill_contexts(client, [row.columns for row in rows], context)
        run = _Import(client, hashlib.sha256(content).hexdigest())
        try:
            run.all(rows)
        finally:
            click.echo(f"{run.created} imported, {run.refused} refused, of {len(rows)}", err=True)
    if run.refused or run.created < len(rows):
        sys.exit(1)


class _Import:
    """One run over a file: sends chunks of rows, two at a time, and tells which rows were refused."""

    def __init__(self, client: "Client", file_key: str) -> None:
        self.created = 0
        self.refused = 0
        self._client = client
        self._key = f"import-{file_key[:32]}-{uuid.uuid4()}"

    def all(self, rows: list[Row]) -> None:
        """Import the rows. Raises ClientError when the system refuses or does not answer any more."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("Importing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        console = Console(stderr=True)
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("rows", total=len(rows))
            waiting: deque[tuple[list[Row], Reply | None]] = deque()
            for chunk in _chunks(rows):
                waiting.append((chunk, None if chunk[0].fault else self._send(chunk)))
                if len(waiting) == IN_FLIGHT:
                    self._finish(*waiting.popleft(), progress=progress, task=task)
            while waiting:
                self._finish(*waiting.popleft(), progress=progress, task=task)

    def _send(self, chunk: list[Row]) -> "Reply | None":
        """Send a chunk; None when the connection does not stand, which `_finish` sees to."""
        from ..client import BusUnavailable

        key = f"{self._key}-{chunk[0].number}"
        try:
            return self._client.using(idempotency_key=key).call_async(
                "users.import_rows", rows=[row.columns for row in chunk], first=chunk[0].number
            )
        except BusUnavailable:
            return None

    def _finish(self, chunk: list[Row], reply: "Reply | None", progress: Any, task: Any) -> None:
        """Take in the outcome of a chunk, and show it."""
        result = {"errors": _faults(chunk)} if chunk[0].fault else self._result(chunk, reply)
        refused = result.get("errors", [])
        for error in refused:
            progress.console.out(f"Row {error['details']['row_number']}: {error['message']}", highlight=False)
        self.created += len(result.get("created", []))
        self.refused += len(refused)
        progress.advance(task, len(chunk))

    def _result(self, chunk: list[Row], reply: "Reply | None") -> dict[str, Any]:
        """The reply; a chunk whose outcome is unknown is sent again, which its key makes safe."""
        from ..client import BusUnavailable, Timeout

        for pause in RETRY_SECONDS:
            try:
                if reply is not None:
                    return reply.result()
            except (BusUnavailable, Timeout):
                pass
            time.sleep(pause)
            reply = self._send(chunk)
        if reply is None:
            raise BusUnavailable("The broker cannot be reached any more", sent=True)
        return reply.result()


def _chunks(rows: list[Row]) -> Iterator[list[Row]]:
    """Rows in chunks to send; a row that cannot be read is a chunk of its own, so that numbers follow one another."""
    chunk: list[Row] = []
    size = 0
    for row in rows:
        more = sum(len(name) + len(value.encode()) for name, value in row.columns.items())
        if chunk and (len(chunk) == CHUNK or size + more > CHUNK_BYTES or row.fault or chunk[-1].fault):
            yield chunk
            chunk, size = [], 0
        chunk.append(row)
        size += more
    if chunk:
        yield chunk


def _faults(chunk: list[Row]) -> list[dict[str, Any]]:
    """Rows that cannot be read, as the service tells of those it refuses."""
    return [{"message": row.fault, "details": {"row_number": row.number}} for row in chunk]


@click.command("export", short_help="Write all users to a CSV file.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@tenant_option
@placed
def export_users(place: Place, file: Path, tenant: Any) -> None:
    """Write all users to a CSV file ('-' for standard output), which only its owner may read: there are passwords."""
    from ..embedded import write_private

    settings = place.settings("amqp_uri")
    with connected(settings, tenant, max(CHUNK_TIMEOUT, settings.call_timeout)) as client:
        content = client.call("users.export")
    if str(file) == STANDARD_STREAM:
        click.echo(content.encode(), nl=False)
        return
    try:
        write_private(file, content)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None
