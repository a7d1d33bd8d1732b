"""What endpoints hold of the options that they inherit is right after any changes of them and of their templates."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from confd_worker.client import Client
from confd_worker.conformance.system import System

TEMPLATES, ITEMS = 5, 8
"""The first items are templates, the others endpoints."""

_OPTIONS = st.lists(
    st.sampled_from([["webrtc", "yes"], ["webrtc", "no"], ["callerid", "a"], ["callerid", "b"], ["language", "fr_FR"]]),
    max_size=3,
)
_NUMBERS = st.integers(0, ITEMS - 1)
# An item inherits from templates before it, so that there is no loop.
_ABOVE = st.lists(st.integers(0, TEMPLATES - 1), unique=True, max_size=3)
_CHANGES = st.tuples(_NUMBERS, st.none() | _OPTIONS, st.none() | _ABOVE, st.integers(0, 9))


@dataclass
class Item:
    """A template or an endpoint."""

    uuid: str
    options: list[list[str]] = field(default_factory=list)
    above: list["Item"] = field(default_factory=list)

    def value(self, option: str) -> str | None:
        """The item's own value of the option, or that of the first template that has one, depth first."""
        for key, value in self.options:
            if key == option:
                return value
        return next(filter(None, (template.value(option) for template in self.above)), None)


class Items:
    """What the changes have made: in the system, and as it should be."""

    def __init__(self, client: Client) -> None:
        self._call = client.call
        self._items: dict[int, Item] = {}

    def change(self, number: int, options: list[list[str]] | None, above: list[int] | None, kind: int) -> None:
        """Make the item or change it; one kind of ten deletes it."""
        service = "endpoints_sip_templates" if number < TEMPLATES else "endpoints_sip"
        item = self._items.get(number)
        if item and not kind:
            self._call(f"{service}.delete", uuid=item.uuid)
            del self._items[number]
            for other in self._items.values():
                other.above = [each for each in other.above if each is not item]
            return
        body: dict[str, Any] = {}
        templates = [self._items[each] for each in above or () if each < number and each in self._items]
        if options is not None:
            body["endpoint_section_options"] = options
        if above is not None:
            body["templates"] = [{"uuid": template.uuid} for template in templates]
        if item is None:
            item = self._items[number] = Item(self._call(f"{service}.create", body=body)["uuid"])
        else:
            self._call(f"{service}.update", uuid=item.uuid, body=body)
        item.options = item.options if options is None else options
        item.above = item.above if above is None else templates

    def expected(self) -> dict[str, tuple[bool, str | None]]:
        """Whether each item is webrtc, and its caller ID."""
        return {item.uuid: (item.value("webrtc") == "yes", item.value("callerid")) for item in self._items.values()}


@settings(max_examples=25, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate])
@given(changes=st.lists(_CHANGES, min_size=10, max_size=30))
def test_options_are_inherited_whatever_changes(changes: list[Any], system: System) -> None:
    tenant = str(uuid.uuid4())
    with system.client(tenant) as client, system.database() as cursor:
        items = Items(client)
        for change in changes:
            items.change(*change)
            cursor.execute("SELECT uuid::text, webrtc, caller_id FROM endpoint_sip WHERE tenant_uuid = %s", (tenant,))
            held = {made: (webrtc, caller_id) for made, webrtc, caller_id in cursor.fetchall()}
            assert {made: held[made] for made in items.expected()} == items.expected()
