"""The command `status`."""

import json

import click

from .main import LEDGER_FILE, Place, placed

__all__ = ["status"]


@click.command(short_help="Tell how all parts are.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@placed
def status(place: Place, as_json: bool) -> None:
    """Tell how all parts of the system are, a line each; ends with status 1 when one is not well."""
    from ..health import examine

    ledger = None if place.config else place.state / LEDGER_FILE
    parts = examine(place.settings("db_uri", "amqp_uri"), ledger)
    well = all(part.well for part in parts)
    if as_json:
        told = {part.name: {"status": _word(part.well), "text": part.text, **part.facts} for part in parts}
        click.echo(json.dumps({"status": _word(well), "parts": told}, indent=2, ensure_ascii=False))
    else:
        width = max(len(part.name) for part in parts)
        for part in parts:
            click.echo(f"{part.name:{width}}  {_word(part.well):4}  {part.text}")
    if not well:
        raise SystemExit(1)


def _word(well: bool) -> str:
    return "ok" if well else "fail"
