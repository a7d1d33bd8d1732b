"""Brings the tables of a database up to date; two that try at once wait for one another.

Plugins of other distributions name the package of their revisions in the entry-point group `confd_worker.migrations`.
Each one's revisions are counted in a table of its own, `{name of the entry point}_version`, so that they may be called
like ours.
"""

import contextlib
import time
from collections.abc import Iterator
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, NullPool, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, SQLAlchemyError

__all__ = ["ENTRY_POINTS", "MigrationError", "upgrade"]

ENTRY_POINTS = "confd_worker.migrations"
MIGRATIONS = Path(__file__).parent / "migrations"
PATIENCE = 30
# Any number will do for PostgreSQL, so long as all who migrate take the same one.
LOCK = 0x636F6E6664


class MigrationError(Exception):
    """The database is not reachable, or a migration is unknown or failed; then nothing of it was kept."""


def upgrade(
    db_uri: str, directory: str | Path | None = None, revision: str = "head", patience: float = PATIENCE
) -> None:
    """Run the migrations that the database lacks: ours, then those of each plugin, each set in one transaction.

    Args:
        directory: another set of migrations, in place of all these: a folder with an `alembic.ini`, or an `env.py`, or
            only revisions, which then run in this project's environment.
        revision: where to stop; when it is not `head`, the migrations of plugins are left out.
        patience: seconds to wait for a database that does not accept connections yet.

    Raises:
        MigrationError: with the reason on one line.
    """
    configs = [_config(Path(directory) if directory else MIGRATIONS)]
    if directory is None and revision == "head":
        configs += _plugins()
    try:
        url = make_url(db_uri)
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg2")
        engine = create_engine(url, poolclass=NullPool)
        with contextlib.closing(_connected(engine, patience)) as connection:
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
            connection.commit()
            for config in configs:
                config.set_main_option("sqlalchemy.url", _escaped(url.render_as_string(hide_password=False)))
                config.attributes["connection"] = connection
                command.upgrade(config, revision)
    except (CommandError, SQLAlchemyError) as error:
        raise MigrationError(_told(error)) from error


def _plugins() -> Iterator[Config]:
    """Alembic's configuration for the revisions of each plugin, in the order of names."""
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        try:
            spec = find_spec(entry.module)
        except ImportError:
            spec = None
        folders = list(spec.submodule_search_locations or ()) if spec else []
        if not folders:
            raise MigrationError(f"The migrations of the plugin {entry.name}: there is no package {entry.module}")
        config = _config(Path(folders[0]))
        config.attributes["version_table"] = f"{entry.name}_version"
        yield config


def _config(directory: Path) -> Config:
    """Alembic's configuration for a folder of migrations."""
    if not directory.is_dir():
        raise MigrationError(f"No such folder of migrations: {directory}")
    ini = directory / "alembic.ini"
    if ini.exists():
        config = Config(ini)
        own = config.get_main_option("script_location") or "."
        config.set_main_option("script_location", _escaped(directory / own))
        return config
    config = Config()
    if (directory / "env.py").exists():
        config.set_main_option("script_location", _escaped(directory))
    else:
        config.set_main_option("script_location", _escaped(MIGRATIONS))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", _escaped(directory))
    return config


def _escaped(value: object) -> str:
    """As text in which Alembic's configuration sees no placeholder."""
    return str(value).replace("%", "%%")


def _connected(engine: Engine, patience: float) -> Connection:
    """A connection, as soon as the database accepts one."""
    until = time.monotonic() + patience
    while True:
        try:
            return engine.connect()
        except OperationalError:
            if time.monotonic() >= until:
                raise
            time.sleep(0.5)


def _told(error: Exception) -> str:
    """What an error says, on one line and without the statement."""
    if isinstance(error, ArgumentError | NoSuchModuleError):
        return "The database's URI is not one that SQLAlchemy knows"
    return " ".join(str(getattr(error, "orig", None) or error).split())
