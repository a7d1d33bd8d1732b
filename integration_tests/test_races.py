"""Two changes at once: what each of them did is there afterwards, whatever either had read before."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import JSON, inspect, select
from sqlalchemy.orm import Mapper

from confd_worker.client import Client
from confd_worker.conformance.items import RESOURCES, make
from confd_worker.conformance.system import System
from confd_worker.core import errors
from confd_worker.core.database.engine import Database
from confd_worker.core.database.id_blocks import IdBlocks
from confd_worker.core.database.rows import NotLocked
from confd_worker.core.database.session import ChangeSession
from confd_worker.core.query.loading import Load, typed
from confd_worker.core.work import Work
from confd_worker.models.users.user import User
from confd_worker.services.users.users import Users

Call = Callable[..., Any]

DOCUMENTS = [
    (name, column.key)
    for name, service in RESOURCES.items()
    for column in inspect(service.dao.model).column_attrs
    if isinstance(column.columns[0].type, JSON) and column.columns[0].computed is None
]
"""Every column of an item that holds a document or a list."""


@pytest.fixture
def sessions(database: Database) -> Iterator[tuple[ChangeSession, ChangeSession]]:
    """Two transactions that see all tenants."""
    pair = [ChangeSession(database.engine, None, IdBlocks()) for _ in range(2)]
    with pair[0], pair[1]:
        yield pair[0], pair[1]


def _row(mapper: Mapper[Any], session: ChangeSession, key: Any, *, lock: bool) -> Any:
    [primary] = mapper.primary_key
    load = Load(mapper.class_, (), lambda query: query.where(primary == typed(1, primary)), lock)
    return load.all(session, [str(key) if not isinstance(key, int) else key])[0]


def _user(session: ChangeSession, id: int, *, lock: bool) -> Any:
    return _row(inspect(User), session, id, lock=lock)


def test_who_locks_an_item_sees_what_another_change_did_since_he_read_it(
    sessions: tuple[ChangeSession, ChangeSession], call: Call
) -> None:
    mine, others = sessions
    id = call("users.create", body={"firstname": "Alice"})["id"]
    read = _user(mine, id, lock=False)
    assert read.voicemail is None
    _user(others, id, lock=True).firstname = "Bea"
    others.finish([])
    assert _user(mine, id, lock=True) is read
    assert read.firstname == "Bea"
    # What it is related to is asked for anew as well.
    assert "voicemail" not in vars(read)


def test_who_changed_an_item_before_he_locked_it_is_refused(
    sessions: tuple[ChangeSession, ChangeSession], call: Call
) -> None:
    mine, _ = sessions
    id = call("users.create", body={"firstname": "Alice"})["id"]
    _user(mine, id, lock=False).firstname = "Bea"
    with pytest.raises(NotLocked, match="was changed before it was locked"):
        _user(mine, id, lock=True)


def test_who_does_not_lock_an_item_does_not_write_it(sessions: tuple[ChangeSession, ChangeSession], call: Call) -> None:
    mine, _ = sessions
    id = call("users.create", body={"firstname": "Alice"})["id"]
    _user(mine, id, lock=False).firstname = "Bea"
    with pytest.raises(NotLocked, match=r"User \(\d+,\) is changed, but not locked"):
        mine.flush()


def test_a_query_that_locks_gives_what_is_there_then(sessions: tuple[ChangeSession, ChangeSession], call: Call) -> None:
    mine, others = sessions
    id = call("users.create", body={"firstname": "Alice"})["id"]
    read = _user(mine, id, lock=False)
    _user(others, id, lock=True).firstname = "Bea"
    others.finish([])
    assert mine.scalars(select(User).where(User.id == id).with_for_update()).one() is read
    read.lastname = f"{read.firstname}!"
    mine.finish([])
    assert call("users.get", id=id)["lastname"] == "Bea!"


def _at_once(system: System, tenant: str, *changes: Callable[[Client], Any]) -> list[Any]:
    """What changes give that are made at once, by a client each."""

    def run(change: Callable[[Client], Any]) -> Any:
        with system.client(tenant, timeout=30) as client:
            return change(client)

    with ThreadPoolExecutor(len(changes)) as pool:
        return list(pool.map(run, changes))


def test_users_who_are_made_at_once_open_a_range_each_for_their_incalls(
    system: System, tenant: str, call: Call
) -> None:
    context = call("contexts.create", body={"label": "from outside", "type": "incall"})
    extens = [str(5145551000 + number) for number in range(24)]

    def made(client: Client, given: list[str]) -> None:
        for exten in given:
            extension = {"exten": exten, "context": context["name"]}
            client.call("users.create", body={"firstname": "Zoë", "incalls": [{"extensions": [extension]}]})

    shares = [extens[place::8] for place in range(8)]
    _at_once(system, tenant, *(lambda client, share=share: made(client, share) for share in shares))
    ranges = call("contexts.get", id=context["id"])["incall_ranges"]
    assert sorted(each["start"] for each in ranges) == extens


def test_an_endpoint_keeps_its_new_option_while_its_user_is_renamed(system: System, tenant: str, call: Call) -> None:
    ranges = [{"start": "1000", "end": "1999"}]
    context = call("contexts.create", body={"label": "inside", "user_ranges": ranges})["name"]
    line = call("lines.create", body={"context": context, "endpoint_sip": {}})
    user = call("users.create", body={"firstname": "Zoë 0"})
    call("user_lines.associate", user_id=user["id"], line_id=line["id"])
    endpoint = line["endpoint_sip"]["uuid"]
    for number in range(1, 11):
        shown = call("endpoints_sip.get", uuid=endpoint)["endpoint_section_options"]
        options = [*(pair for pair in shown if pair[0] != "set_var"), ["set_var", f"number={number}"]]
        _at_once(
            system,
            tenant,
            lambda client, options=options: client.call(
                "endpoints_sip.update", uuid=endpoint, body={"endpoint_section_options": options}
            ),
            lambda client, number=number: client.call(
                "users.update", id=user["id"], body={"firstname": f"Zoë {number}", "caller_id": f'"Zoë {number}"'}
            ),
        )
        shown = call("endpoints_sip.get", uuid=endpoint)["endpoint_section_options"]
        assert ["set_var", f"number={number}"] in shown
        assert ["callerid", f'"Zoë {number}"'] in shown


@pytest.mark.parametrize(("name", "attribute"), DOCUMENTS)
def test_two_changes_of_a_document_are_both_there(
    name: str, attribute: str, sessions: tuple[ChangeSession, ChangeSession], call: Call
) -> None:
    mapper = inspect(RESOURCES[name].dao.model)
    mine, others = sessions
    key = make(call, name)[mapper.primary_key[0].name]
    read = _row(mapper, mine, key, lock=False)
    _extend(_row(mapper, others, key, lock=True), attribute, "theirs")
    others.finish([])
    assert _row(mapper, mine, key, lock=True) is read
    _extend(read, attribute, "mine")
    mine.finish([])
    with ChangeSession(mine.get_bind(), None, IdBlocks()) as later:
        shown = str(getattr(_row(mapper, later, key, lock=False), attribute))
    assert ("theirs" in shown, "mine" in shown) == (True, True)


def _extend(item: Any, attribute: str, word: str) -> None:
    document = getattr(item, attribute)
    longer = {**document, word: word} if isinstance(document, dict) else [*(document or []), [word, word]]
    setattr(item, attribute, longer)


def test_a_constraint_that_no_rule_knows_is_an_error_of_ours_at_once(
    system: System, call: Call, database: Database, work: Callable[[], Work], caplog: pytest.LogCaptureFixture
) -> None:
    made = call("users.create", body={"firstname": "Alice", "description": f"only once {uuid.uuid4()}"})
    users = Users()
    users.work = work()
    with system.database() as cursor:
        cursor.execute("CREATE UNIQUE INDEX no_rule_knows ON users (description) WHERE description LIKE 'only once%'")
    try:
        with pytest.raises(errors.Unexpected, match="the constraint no_rule_knows is broken") as refusal:
            users.create({"firstname": "Bob", "description": made["description"]})
        assert refusal.value.status == 500
        assert [record.getMessage() for record in caplog.records if "no_rule_knows" in record.getMessage()] == [
            "constraint_without_rule constraint=no_rule_knows call=('users', 'create')"
        ]
    finally:
        with system.database() as cursor:
            cursor.execute("DROP INDEX no_rule_knows")
