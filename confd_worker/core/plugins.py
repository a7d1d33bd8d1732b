"""Which services there are: the entry points of the installed distributions in the group `confd_worker.services`."""

from collections.abc import Iterable
from importlib.metadata import entry_points

from .service import Service

__all__ = ["ENTRY_POINTS", "UnknownPlugin", "discover"]

ENTRY_POINTS = "confd_worker.services"


class UnknownPlugin(ValueError):
    """A service was asked for that no distribution provides."""


def discover(only: Iterable[str] = ()) -> dict[str, type[Service]]:
    """The service classes by the name of their service, in the order of names.

    Args:
        only: names of the services wanted; all when empty.

    Raises:
        UnknownPlugin: one of the names is not known.
    """
    classes = (entry.load() for entry in entry_points(group=ENTRY_POINTS))
    found: dict[str, type[Service]] = {found.name: found for found in sorted(classes, key=lambda each: each.name)}
    wanted = list(only)
    unknown = [name for name in wanted if name not in found]
    if unknown:
        raise UnknownPlugin(f"Unknown service: {', '.join(unknown)}. There are: {', '.join(found)}")
    return {name: found[name] for name in wanted} if wanted else found
