"""Which events and reloads a change causes; how they are sent is not known here."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..work import Event, Work

__all__ = ["EventType", "Notifier"]


@dataclass(frozen=True)
class EventType:
    """An event that a change of some items causes.

    Attributes:
        name: of the event.
        key: routing key, a format string of the items: `config.users.{0.uuid}.lines.{1.id}.updated`.
        body: makes the event's data from the items.
        users: tells the uuids of the users whom it concerns; without it, it concerns the whole tenant.
        headers: further headers.
        tenant: whether it belongs to the first item's tenant; other events are for daemons.
    """

    name: str
    key: str
    body: Callable[..., dict[str, Any]] = lambda *items: {}
    users: Callable[..., Sequence[Any]] | None = None
    headers: Mapping[str, Any] | None = None
    tenant: bool = True

    def of(self, *items: Any) -> Event:
        """The event for these items as they are now."""
        return Event(
            self.name,
            self.key.format(*items),
            self.body(*items),
            items[0].tenant_uuid if self.tenant else None,
            self.users(*items) if self.users else None,
            dict(self.headers or {}),
        )


class Notifier:
    """The events and reloads of a plugin by what happened.

    Args:
        events: by what happened (`created`, `associated` …).
        reload: commands for asterisk, whatever happened, or by what happened.
    """

    def __init__(
        self,
        events: Mapping[str, EventType | Sequence[EventType]] | None = None,
        reload: Iterable[str] | Mapping[str, Iterable[str]] = (),
    ) -> None:
        self._events = {
            name: (given,) if isinstance(given, EventType) else tuple(given) for name, given in (events or {}).items()
        }
        self._reload = reload if isinstance(reload, Mapping) else dict.fromkeys(self._events, tuple(reload))

    @classmethod
    def resource(
        cls,
        name: str,
        key: str,
        body: Callable[..., dict[str, Any]] = lambda item: {"id": item.id},
        *,
        reload: Iterable[str] | Mapping[str, Iterable[str]] = (),
        tenant: bool = True,
    ) -> "Notifier":
        """`{name}_created`, `_edited` and `_deleted`, with the routing key `{key}.created` …"""
        return cls(
            {what: EventType(f"{name}_{what}", f"{key}.{what}", body, tenant=tenant)
             for what in ("created", "edited", "deleted")},
            reload,
        )  # fmt: skip

    @classmethod
    def association(
        cls,
        name: str,
        key: str,
        body: Callable[..., dict[str, Any]],
        *,
        users: Callable[..., Sequence[Any]] | None = None,
        reload: Iterable[str] = (),
    ) -> "Notifier":
        """`{name}_associated` and `_dissociated`, with the routing keys `{key}.updated` and `{key}.deleted`."""
        return cls(
            {
                "associated": EventType(f"{name}_associated", f"{key}.updated", body, users),
                "dissociated": EventType(f"{name}_dissociated", f"{key}.deleted", body, users),
            },
            reload,
        )

    @property
    def names(self) -> set[str]:
        """Names of all events."""
        return {event.name for events in self._events.values() for event in events}

    def tell(self, what: str, work: Work, *items: Any) -> None:
        """Send the events and reloads of what happened to the items, when the change is committed."""
        self.announce(what, work, *items)
        self.reload(what, work)

    def announce(self, what: str, work: Work, *items: Any) -> None:
        """Send the events alone."""
        for event in self._events.get(what, ()):
            work.publish(event.of(*items))

    def reload(self, what: str, work: Work) -> None:
        """Ask for the reloads alone."""
        work.reload(*self._reload.get(what, ()))
