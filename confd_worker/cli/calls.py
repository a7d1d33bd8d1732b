"""The commands that speak to a running system: `call`, `events` and `sync-tenants`."""

import json
import sys
import time
from typing import TYPE_CHECKING, Any, NoReturn

import click

from .main import Place, placed

if TYPE_CHECKING:
    from ..client import Client
    from ..config import Settings

__all__ = ["call", "connected", "events", "parse_arguments", "sync_tenants", "tenant_option"]

RECONNECT_SECONDS = (1, 2, 5)
# Seeding or removing the tenants of a whole platform takes its time, in seconds.
SYNC_TIMEOUT = 300.0

tenant_option = click.option(
    "--tenant", type=click.UUID, metavar="UUID", help="The tenant to act in.  [default: the master tenant]"
)


def connected(settings: "Settings", tenant: Any, timeout: float | None = None, key: str | None = None) -> "Client":
    """A client that acts in `tenant`."""
    from ..client import Client, Context

    context = Context(tenant_uuid=str(tenant) if tenant else None, idempotency_key=key)
    return Client(
        settings.amqp_uri,
        timeout or settings.call_timeout,
        context,
        exchange=settings.rpc_exchange,
        prefix=settings.service_prefix,
        message_limit=settings.message_limit,
    )


def parse_arguments(words: tuple[str, ...]) -> dict[str, Any]:
    """The arguments of a call from words `name=value` and JSON objects.

    A value is JSON where it can be read as such, else text: `limit=5` is a number, `search=martin` a text, and
    `exten='"1000"'` a text of digits.

    Raises:
        click.UsageError: a word is neither, or a name comes twice.
    """
    arguments: dict[str, Any] = {}
    for word in words:
        if word.lstrip().startswith("{"):
            given = _json(word)
            if not isinstance(given, dict):
                raise click.UsageError(f"{word!r} is not a JSON object")
        else:
            name, equals, value = word.partition("=")
            if not equals or not name.isidentifier():
                raise click.UsageError(f"{word!r} is neither name=value nor a JSON object")
            parsed = _json(value)
            given = {name: value if parsed is NotImplemented else parsed}
        twice = given.keys() & arguments.keys()
        if twice:
            raise click.UsageError(f"{', '.join(sorted(twice))} is given twice")
        arguments |= given
    return arguments


def _json(text: str) -> Any:
    """What `text` says as JSON; NotImplemented when it is none."""

    def refuse(constant: str) -> NoReturn:
        raise ValueError(constant)

    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return NotImplemented


@click.command(short_help="Call a method of a service.")
@click.argument("method", metavar="SERVICE.METHOD")
@click.argument("arguments", nargs=-1, metavar="[NAME=VALUE | JSON]...")
@tenant_option
@click.option(
    "--timeout", type=click.FloatRange(0, 3600, min_open=True), metavar="SECONDS", help="How long the call may take."
)
@click.option("--key", help="An idempotency key: calls with the same key take effect once.")
@placed
def call(
    place: Place, method: str, arguments: tuple[str, ...], tenant: Any, timeout: float | None, key: str | None
) -> None:
    """Call a method of a service and print what it returns, as JSON.

    \b
      confd-worker call users.list search=martin limit=5
      confd-worker call users.create body='{"firstname": "Alice"}'
      confd-worker call user_lines.associate '{"user_id": 1, "line_id": 2}'

    A value is JSON where it can be read as such, else text; '"1000"' is a text of digits. `confd-worker services`
    lists the methods.
    """
    service, dot, name = method.rpartition(".")
    if not dot or not service or not name:
        raise click.UsageError(f"{method!r} is no method; they are called SERVICE.METHOD, such as users.list")
    given = parse_arguments(arguments)
    settings = place.settings("amqp_uri")
    with connected(settings, tenant, timeout, key) as client:
        result = client.call(method, **given)
    click.echo(json.dumps(result, indent=2, ensure_ascii=False))


@click.command(short_help="Follow the events as they happen.")
@click.option("--name", "names", multiple=True, help="Only events of this name; may be given several times.")
@click.option("--tenant", type=click.UUID, metavar="UUID", help="Only events of this tenant.")
@click.option("--json", "as_json", is_flag=True, help="Print each event as one line of JSON.")
@placed
def events(place: Place, names: tuple[str, ...], tenant: Any, as_json: bool) -> None:
    """Follow the events as they happen, until Ctrl-C.

    Shows time, name, tenant and content of each. What happens while the broker cannot be reached is not seen.
    """
    from ..client import Events

    settings = place.settings("amqp_uri")
    try:
        with Events(settings.amqp_uri, settings.events_exchange, names, str(tenant) if tenant else None) as stream:
            click.echo("Following events; Ctrl-C ends.", err=True)
            _follow(stream, _as_json if as_json else _as_line)
    except KeyboardInterrupt:
        click.echo(err=True)


def _follow(stream: Any, show: Any) -> None:
    """Print events for ever; connects again when the connection is lost."""
    from ..client import BusUnavailable

    failures = 0
    while True:
        try:
            stream.open()
            if failures:
                click.echo("Connected again.", err=True)
                failures = 0
            headers, payload = stream.get()
        except BusUnavailable as error:
            if not failures:
                click.echo(f"{error}; trying again …", err=True)
            time.sleep(RECONNECT_SECONDS[min(failures, len(RECONNECT_SECONDS) - 1)])
            failures += 1
            continue
        click.echo(show(headers, payload))
        sys.stdout.flush()


def _as_json(headers: dict[str, Any], payload: Any) -> str:
    return json.dumps({"headers": headers, "payload": payload}, ensure_ascii=False, default=str)


def _as_line(headers: dict[str, Any], payload: Any) -> str:
    data = payload.get("data") if isinstance(payload, dict) else payload
    when = str(headers.get("timestamp") or time.strftime("%Y-%m-%dT%H:%M:%S"))
    text = json.dumps(data, ensure_ascii=False, default=str)
    return f"{when:26}  {headers.get('name', '?')}  {headers.get('tenant_uuid', '-')}  {text}"


@click.command("sync-tenants", short_help="Follow the tenants of the auth server.")
@click.option("--quiet", "-q", is_flag=True, help="Print errors only.")
@click.option("--debug", "-d", is_flag=True, help="Print the whole reply.")
@click.option("--force", is_flag=True, help="Remove tenants also where that looks like a mistake of the server.")
@placed
def sync_tenants(place: Place, quiet: bool, debug: bool, force: bool) -> None:
    """Make the tenants here those of the authentication server: new ones are added, others removed.

    A list without the master tenant, or one that would remove a larger share of the tenants than the setting
    sync_remove_share allows, is refused unless --force is given. A tenant is removed only when the server, asked for
    it by itself, does not know it, and the master tenant never.
    """
    settings = place.settings("amqp_uri")
    with connected(settings, None, max(SYNC_TIMEOUT, settings.call_timeout)) as client:
        result = client.call("tenants.synchronize", **({"force": True} if force else {}))
    if debug:
        click.echo(json.dumps(result, indent=2, ensure_ascii=False))
    elif not quiet:
        for line in _changes(result):
            click.echo(line)


def _changes(result: Any) -> list[str]:
    """What a synchronisation did, a line for each tenant."""
    if not isinstance(result, dict):
        return ["Tenants are in sync."]
    lines = [
        f"{what}: {one.get('uuid', one) if isinstance(one, dict) else one}"
        for what, tenants in result.items()
        for one in (tenants if isinstance(tenants, list) else [])
    ]
    return lines or ["Tenants are in sync; nothing changed."]
