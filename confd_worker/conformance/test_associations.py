"""What every association must honour: joined and parted once, told once, within one tenant."""

import uuid
from collections.abc import Callable

import httpx
import orjson
import pytest

from ..client import Client, Events
from .items import ASSOCIATIONS, Call, arguments, ends, make, pair_of, refused
from .system import OTHER, PARENT, System


class Heard:
    """The events of a tenant, as far as a call that is made last."""

    def __init__(self, events: Events, call: Call) -> None:
        self._events, self._call = events, call
        self.names()

    def names(self) -> list[str]:
        """Names of those that came since this was last asked."""
        last = make(self._call, "users")["id"]
        names: list[str] = []
        while True:
            headers, payload = self._events.get(timeout=10)
            if headers["name"] == "user_created" and payload["data"]["id"] == last:
                return names
            names.append(headers["name"])


def test_joining_or_parting_once_more_changes_and_tells_nothing(
    association: str, call: Call, tenant: str, system: System
) -> None:
    joining, parting = ends(association)
    ids = pair_of(call, association)
    told = ASSOCIATIONS[association].notifier.names
    with system.events(tenant=tenant) as events:
        heard = Heard(events, call)
        assert call(parting.rpc, **arguments(parting, ids)) is None
        assert heard.names() == []
        for operation in (joining, parting):
            assert call(operation.rpc, **arguments(operation, ids)) is None
            assert told & set(heard.names())
            assert call(operation.rpc, **arguments(operation, ids)) is None
            assert heard.names() == []


def test_it_raises_the_revision_of_the_item_that_its_path_names_first(association: str, client: Client) -> None:
    dao, operations = ASSOCIATIONS[association].left, ends(association)
    ids = pair_of(client.call, association)
    key = {dao.spec.id: ids[next(iter(operations[0].variables))]}

    def revision() -> int:
        return int(client.call(f"{dao.spec.name}.get", **key)["revision"])

    for expected, operation in enumerate(operations, revision()):
        given = arguments(operation, ids)
        refusal = refused(client.using(if_revision=expected + 1).call, operation.rpc, **given)
        assert refusal.details == {"revision": expected}
        client.using(if_revision=expected).call(operation.rpc or "", **given)
        client.call(operation.rpc or "", **given)
        assert revision() == expected + 1, "its key to the first item must be part_of(…)"


def test_over_http_each_answer_is_204_however_often(
    association: str, system: System, http: Callable[..., httpx.Response]
) -> None:
    joining, parting = ends(association)
    with system.client(PARENT) as client:
        ids = pair_of(client.call, association)
    for operation in (joining, joining, parting, parting):
        answer = http(operation.method, operation.plain_path.format(**ids))
        assert (answer.status_code, answer.content) == (204, b"")
        stranger = http(operation.method, operation.plain_path.format(**ids), token="other-token")
        assert stranger.status_code == 404
        assert "was not found" in stranger.json()[0]


def test_an_item_that_is_unknown_or_of_another_tenant_is_not_found(
    association: str, call: Call, system: System
) -> None:
    joining, parting = ends(association)
    ids = pair_of(call, association)
    with system.client(OTHER) as stranger:
        for operation in (joining, parting):
            given = arguments(operation, ids)
            for variable, id_ in given.items():
                unknown = 2_000_000_000 if isinstance(id_, int) else str(uuid.uuid4())
                refusal = refused(call, operation.rpc, **given | {variable: unknown})
                assert (refusal.status, refusal.type) == (404, "not-found"), variable
            assert refused(stranger.call, operation.rpc, **given).type == "not-found"
        assert call(joining.rpc, **ids) is None
        assert refused(stranger.call, parting.rpc, **arguments(parting, ids)).status == 404


def test_items_of_two_tenants_are_not_joined(association: str, call: Call, tenant: str, system: System) -> None:
    service, joining = ASSOCIATIONS[association], ends(association)[0]
    if not (service.left.owned and service.right.owned):
        pytest.skip("one of the items belongs to no tenant")
    other = str(uuid.uuid4())
    own = pair_of(call, association)
    with system.client(other, visible_tenants=[other, tenant]) as both:
        theirs = pair_of(both.call, association)
        left, right = own
        refusal = refused(both.call, joining.rpc, **{left: own[left], right: theirs[right]})
    assert (refusal.status, refusal.type) == (400, "different-tenants"), "its rules must begin with SameTenant"
    assert {tenant, other} <= set(refusal.details.values())


@pytest.mark.parametrize("side", [0, 1], ids=["left", "right"])
def test_an_item_that_is_joined_is_deleted_or_kept_with_a_reason(association: str, side: int, client: Client) -> None:
    service, joining = ASSOCIATIONS[association], ends(association)[0]
    ids = pair_of(client.call, association)
    client.call(joining.rpc or "", **ids)
    dao = (service.left, service.right)[side]
    key = {dao.spec.id: ids[list(joining.variables)[side]]}
    kept = orjson.loads(client.call_raw(f"{dao.spec.name}.delete", **key))["error"]
    if kept is None:
        assert refused(client.call, f"{dao.spec.name}.get", **key).status == 404
    else:
        assert (kept["status"], kept["type"]) == (400, "resource-associated")
        assert client.call(f"{dao.spec.name}.get", **key)
