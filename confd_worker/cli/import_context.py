"""The context of imported users where the file names none: names are generated, and so differ between systems."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..client import Client

__all__ = ["fill_contexts", "ranges"]

GENERATED = "ctx-"
MAX_DIGITS = 16

Columns = dict[str, str]


def fill_contexts(client: "Client", rows: Iterable[Columns], wanted: str) -> None:
    """Write the name of a context into the columns `context` and `voicemail_context` that are needed and empty.

    A voicemail goes to the context of its user's line where the row names one.

    Args:
        wanted: name or label of the context. A label that the tenant does not have makes an internal context, with a
            range for users that holds the extens of the rows.

    Raises:
        click.ClickException: several contexts have that label, or it is a generated name that none has.
        ClientError: the system refuses or does not answer.
    """
    rows = list(rows)
    lines = [row for row in rows if not row.get("context") and (row.get("exten") or row.get("line_protocol"))]
    voicemails = [row for row in rows if row.get("voicemail_number") and not row.get("voicemail_context")]
    name = ""
    if lines or any(not row.get("context") for row in voicemails):
        name = _found(client, wanted) or _made(client, wanted, [row.get("exten", "") for row in lines])
    for row in lines:
        row["context"] = name
    for row in voicemails:
        row["voicemail_context"] = row.get("context") or name


def ranges(extens: Iterable[str]) -> list[dict[str, str]]:
    """One range for each length of exten, from the lowest to the highest; what is not digits is left out."""
    by_length: dict[int, list[str]] = {}
    for exten in extens:
        if exten.isascii() and exten.isdigit() and len(exten) <= MAX_DIGITS:
            by_length.setdefault(len(exten), []).append(exten)
    return [{"start": min(same), "end": max(same)} for _, same in sorted(by_length.items())]


def _found(client: "Client", wanted: str) -> str | None:
    """Name of the context of that name or label; None when the tenant has none."""
    for column in ("name", "label"):
        found = [each["name"] for each in client.call("contexts.list", **{column: wanted})["items"]]
        if len(found) > 1:
            raise click.ClickException(f"{len(found)} contexts are called {wanted}; take a name: {', '.join(found)}")
        if found:
            return found[0]
    return None


def _made(client: "Client", label: str, extens: list[str]) -> str:
    if label.startswith(GENERATED):
        raise click.ClickException(f"There is no context named {label}")
    held = ranges(extens)
    body = {"label": label, "type": "internal", "user_ranges": held}
    name = client.call("contexts.create", body=body)["name"]
    told = ", ".join(f"{each['start']}-{each['end']}" for each in held) or "none"
    click.echo(f"Made the context {name}, labelled {label}; extens of users: {told}", err=True)
    return name
