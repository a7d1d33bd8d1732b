"""The commands that tell about the project itself: `services`, `openapi` and `config`."""

import inspect
import json
import sys
import warnings
from typing import Any

import click

from .main import Place, placed

__all__ = ["config", "methods_of", "openapi", "services"]


def methods_of(service: type[Any]) -> dict[str, str]:
    """The RPC methods of a service class by name, each with its arguments as a caller writes them."""
    from ..core.entrypoints.rpc import called

    found = {}
    for name in sorted(service.spec.methods):
        signature, _ = called(service, name if hasattr(service, name) else f"{name}_")
        found[name] = ", ".join(map(_argument, signature.parameters.values()))
    return found


def _argument(parameter: inspect.Parameter) -> str:
    if parameter.kind is parameter.VAR_KEYWORD:
        return f"**{parameter.name}"
    return parameter.name if parameter.default is parameter.empty else f"{parameter.name}={parameter.default!r}"


@click.command(short_help="List the services and their methods.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def services(as_json: bool) -> None:
    """List the services that are installed, with their methods and arguments."""
    # The services bring in eventlet, whose warning is not for who asks for a list.
    warnings.filterwarnings("ignore", r"\s*Eventlet is deprecated")
    from ..core.plugin.discovery import discover

    found = {name: methods_of(service) for name, service in discover().items()}
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for name, methods in found.items():
        click.secho(name, bold=True)
        for method, arguments in methods.items():
            click.echo(f"  {name}.{method}({arguments})")


@click.command(short_help="Print the OpenAPI document of the REST API.")
def openapi() -> None:
    """Print the OpenAPI document of the REST gateway."""
    from importlib.metadata import version

    from confd_schemas.openapi import document
    from confd_schemas.spec import discover

    click.echo(json.dumps(document(discover(), version=version("confd-worker")), indent=2, ensure_ascii=False))


@click.command(short_help="Print the settings in force.")
@click.option("--markdown", is_flag=True, help="Print a table of all settings for the documents instead.")
@placed
def config(place: Place, markdown: bool) -> None:
    """Print the settings in force, and where each comes from; secrets are masked."""
    from ..config import PREFIX, masked

    if markdown:
        click.echo(_table())
        return
    loaded = place.load()
    width = max(len(name) for name in loaded.sources)
    for name, value in loaded.settings:
        shown = ",".join(value) if isinstance(value, list) else masked(name, value)
        click.echo(f"{name:{width}}  {str(shown) or '-':40}  {loaded.sources[name]}")
    for variable in loaded.unknown:
        click.echo(
            f"{variable} is no setting: those of the environment are {PREFIX} and a name of this list.", err=True
        )
    sys.stdout.flush()


def _table() -> str:
    """All settings as a table in Markdown."""
    from ..config import PREFIX, Settings

    lines = ["| Variable | In the file | Default | Allowed | What it does |", "| --- | --- | --- | --- | --- |"]
    for name, option in Settings.model_fields.items():
        extra = option.json_schema_extra
        assert isinstance(extra, dict)
        default = f"`{option.default}`" if option.default not in ("", []) else ""
        lines.append(f"| `{PREFIX}{name.upper()}` | `{name}` | {default} | {extra['allowed']} | {option.description} |")
    return "\n".join(lines)
