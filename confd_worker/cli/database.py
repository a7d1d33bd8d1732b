"""The command `migrate`."""

from pathlib import Path

import click

from .main import Place, placed

__all__ = ["migrate"]


@click.command(short_help="Bring the database up to date.")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    envvar="MIGRATIONS_DIR",
    show_envvar=True,
    help="Another folder of Alembic migrations.",
)
@click.option("--revision", default="head", show_default=True, help="Where to stop.")
@placed
def migrate(place: Place, directory: Path | None, revision: str) -> None:
    """Bring the tables of the database up to date."""
    from ..migrate import upgrade

    settings = place.settings("db_uri")
    upgrade(settings.db_uri, directory, revision)
    click.echo("The database is up to date.")
