"""The commands that look after messages that were set aside: `dead list`, `show`, `replay` and `drop`."""

import json
from collections.abc import Callable
from typing import Any

import click

from .calls import connected
from .main import Place, placed

__all__ = ["dead"]

ALL = "all"
# Many letters take their time, in seconds.
TIMEOUT = 60.0

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(short_help="Look after messages that were set aside.")
def dead() -> None:
    """Look after dead letters: messages that no service could do anything with, and events whose handler failed."""


@dead.command("list", short_help="List them.")
@click.option("--queue", help="Only those of this queue.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many at most.")
@click.option("--offset", type=click.IntRange(0), default=0, help="How many to leave out at the beginning.")
@as_json
@placed
def list_(place: Place, queue: str | None, limit: int, offset: int, as_json: bool) -> None:
    """List where they came from and why they were set aside, oldest first; not what they say."""
    found = _call(place, "list", limit=limit, offset=offset, **({"queue": queue} if queue else {}))
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for one in found["items"]:
        times = f" ({one['attempts']} times)" if one["attempts"] > 1 else ""
        where = f"{one['queue']}  {one['routing_key'] or '-'}"
        click.echo(f"{one['id']}  {one['received_at'][:19]}  {where}  {one['size']} B  {one['reason']}{times}")
    more = found["total"] - len(found["items"])
    if more:
        click.echo(f"{len(found['items'])} of {found['total']} are shown.", err=True)
    elif not found["total"]:
        click.echo("There are no dead letters.", err=True)


@dead.command(short_help="Show one, with its content.")
@click.argument("id", type=click.IntRange(1))
@placed
def show(place: Place, id: int) -> None:
    """Show the whole of one as JSON: headers, properties and body, too. Its body may hold secrets."""
    click.echo(json.dumps(_call(place, "show", id=id), indent=2, ensure_ascii=False))


def _chosen(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the argument `ids`: those named, or all."""
    every = click.option("--all", "every", is_flag=True, help="All of them.")
    return click.argument("ids", type=click.IntRange(1), nargs=-1, metavar="[ID]...")(every(command))


def _ids(ids: tuple[int, ...], every: bool) -> Any:
    if every == bool(ids):
        raise click.UsageError("name their ids, or all with --all")
    return ALL if every else list(ids)


@dead.command(short_help="Send them again.")
@_chosen
@placed
def replay(place: Place, ids: tuple[int, ...], every: bool) -> None:
    """Send them to their queues again, oldest first, and forget those that the broker took.

    A call is then run without anybody waiting for its reply. What cannot be dealt with this time either comes back.
    """
    done = _call(place, "replay", ids=_ids(ids, every))
    click.echo(f"{len(done['replayed'])} sent again.")
    for one in done["refused"]:
        click.echo(f"{one['id']} stays: {one['reason']}", err=True)
    if done["refused"]:
        raise SystemExit(1)


@dead.command(short_help="Forget them.")
@_chosen
@placed
def drop(place: Place, ids: tuple[int, ...], every: bool) -> None:
    """Forget them for good."""
    click.echo(f"{len(_call(place, 'drop', ids=_ids(ids, every))['dropped'])} dropped.")


def _call(place: Place, method: str, **arguments: Any) -> Any:
    settings = place.settings("amqp_uri")
    with connected(settings, None, TIMEOUT if "ids" in arguments else None) as client:
        return client.call(f"dead_letters.{method}", **arguments)
