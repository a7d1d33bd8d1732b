"""The command group, and what all its commands share: settings, and errors as one clear line each."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..config import Loaded, Settings

__all__ = ["LEDGER_FILE", "STATE_FILE", "Place", "main", "placed"]

STATE_FILE = "confd.yml"
LEDGER_FILE = "processes.json"
MISCONFIGURED = 2

Command = TypeVar("Command", bound=Callable[..., Any])


class Commands(click.Group):
    """Lists commands in the order they were added, and shows errors without tracebacks."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order in which one meets the commands."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what it cannot do is told on standard error."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # Whoever read our output has enough; nothing more may be written, not even at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            lines, status = _told(error)
            for line in lines:
                click.echo(f"Error: {line}", err=True)
            sys.exit(status)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(None, "-V", "--version", package_name="confd-worker", message="confd-worker %(version)s")
def main() -> None:
    """The configuration daemon of a telephony platform.

    `confd-worker up` starts all that is needed, in a folder of its own; the other commands then find that system by
    themselves. Settings come from a YAML file (--config or CONFD_CONFIG) and from variables CONFD_…, which win;
    `confd-worker config` lists them.
    """


class Place:
    """Where a command finds its settings.

    Args:
        config: the settings file that was named.
        state: the state folder; the settings of a system that runs there hold when no file was named.
    """

    def __init__(self, config: Path | None, state: Path) -> None:
        self.config = config
        self.state = state

    @property
    def file(self) -> Path | None:
        """The settings file in force."""
        if self.config:
            return self.config
        file = self.state / STATE_FILE
        return file if file.exists() else None

    def load(self) -> "Loaded":
        """The settings and their sources. Raises SettingsError."""
        from ..config import load_with_sources

        return load_with_sources(self.file)

    def settings(self, *required: str) -> "Settings":
        """The settings, of which these must be set. Raises SettingsError."""
        from ..config import SettingsError

        settings = self.load().settings
        try:
            settings.require(*required)
        except SettingsError as error:
            hint = f"no system runs in {self.state}: start one with `confd-worker up`, or name its settings"
            raise SettingsError([*error.problems, hint] if self.file is None else error.problems) from None
        return settings


def placed(command: Command) -> Command:
    """Give a command the options --config and --state, as its argument `place`."""

    def run(config: Path | None, state: Path, **arguments: Any) -> Any:
        return command(place=Place(config, state), **arguments)

    run.__doc__, run.__name__ = command.__doc__, command.__name__
    run.__dict__.update(command.__dict__)
    path = click.Path(path_type=Path, dir_okay=False)
    folder = click.Path(path_type=Path, file_okay=False)
    with_state = click.option(
        "--state",
        type=folder,
        default=Path(".confd"),
        envvar="CONFD_STATE",
        show_default=True,
        show_envvar=True,
        help="The folder of the embedded system.",
    )(run)
    return click.option(
        "--config", type=path, envvar="CONFD_CONFIG", show_envvar=True, help="A YAML file of settings."
    )(with_state)  # type: ignore[return-value]


def _told(error: Exception) -> tuple[list[str], int]:
    """What an error of the project says, and the exit status; any other is raised on."""
    from ..client import ClientError, RemoteError
    from ..config import SettingsError

    if isinstance(error, SettingsError):
        return error.problems, MISCONFIGURED
    if isinstance(error, RemoteError):
        return [error.message if error.status else f"the service failed: {error.message}"], 1
    # Compared by name, since importing the modules of both takes long.
    if isinstance(error, ClientError) or type(error).__name__ in ("EmbeddedError", "MigrationError"):
        return [str(error)], 1
    if type(error).__name__ == "Misconfigured":
        return error.problems, MISCONFIGURED  # type: ignore[attr-defined]
    if type(error).__name__ == "ConfigurationError":
        return [str(error)], MISCONFIGURED
    raise error
