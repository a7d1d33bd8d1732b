"""Which services there are: those of the modules that the entry points of `confd_worker.services` name."""

from collections.abc import Iterable

from confd_schemas.spec import modules

from .service import Service

__all__ = ["ENTRY_POINTS", "UnknownPlugin", "discover"]

ENTRY_POINTS = "confd_worker.services"


class UnknownPlugin(ValueError):
    """A service was asked for that no distribution provides."""


def discover(only: Iterable[str] = ()) -> dict[str, type[Service]]:
    """The service classes by the name of their service, in the order of names.

    An entry point names a module or a package; every service that is written in it counts, which is one with a spec.

    Args:
        only: names of the services wanted; all when empty.

    Raises:
        UnknownPlugin: one of the names is not known.
    """
    found: dict[str, type[Service]] = {}
    for module in modules(ENTRY_POINTS):
        found |= {each.name: each for each in vars(module).values() if _written_in(module.__name__, each)}
    wanted = list(only)
    unknown = [name for name in wanted if name not in found]
    if unknown:
        raise UnknownPlugin(f"Unknown service: {', '.join(unknown)}. There are: {', '.join(sorted(found))}")
    return {name: found[name] for name in wanted or sorted(found)}


def _written_in(module: str, found: object) -> bool:
    return (
        isinstance(found, type) and issubclass(found, Service) and found.__module__ == module and "spec" in vars(found)
    )
