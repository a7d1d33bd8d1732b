"""The rules that plugins share, each with items and a session of its own."""

from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import orm
from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from confd_worker.core import errors
from confd_worker.core.database.wire import Statement
from confd_worker.core.plugin import validation
from confd_worker.core.plugin.validation import Free, Refers, SameTenant, Unique, Validator, before, changed
from confd_worker.models.users.user import User

ONE = UUID("00000000-0000-4000-8000-00000000000a")
TWO = UUID("00000000-0000-4000-8000-00000000000b")


class Database:
    """Remembers what it is asked, and finds a value or none."""

    def __init__(self, found: Any = None) -> None:
        self.asked: list[tuple[str, tuple[Any, ...]]] = []
        self._found = found

    def read(self, statement: Statement, parameters: tuple[Any, ...]) -> Any:
        self.asked.append((" ".join(statement.sql.split()), parameters))
        return self._found

    def trusts(self) -> bool:
        return False

    def checking(self) -> AbstractContextManager[None]:
        return nullcontext()


def _work(found: Any = None) -> Any:
    return Database(found)


_stored_in: list[orm.Session] = []
"""Sessions that must outlive their items; none is ever connected."""


def _stored(**values: Any) -> User:
    """A user as the database has it."""
    user = User(id=5)
    make_transient_to_detached(user)
    for name, value in values.items():
        set_committed_value(user, name, value)
    _stored_in.append(database := orm.Session())
    database.add(user)
    return user


def _rule(name: str, told: list[str], error: Exception | None = None) -> Any:
    def rule(work: Any, *items: Any) -> None:
        told.append(name)
        if error:
            raise error

    return rule


def test_rules_are_checked_in_order_and_the_first_broken_one_is_told() -> None:
    told: list[str] = []
    broken = errors.NotPermitted("No.")
    validator = Validator(
        create=[_rule("create", told)], change=[_rule("change", told, broken), _rule("later", told)], delete=[]
    )
    with pytest.raises(errors.NotPermitted):
        validator.check("create", _work(), User())
    assert told == ["create", "change"]
    told.clear()
    with pytest.raises(errors.NotPermitted):
        validator.check("update", _work(), User())
    assert told == ["change"]
    validator.check("delete", _work(), User())
    validator.check("associate", _work(), User(), User())


def test_a_change_is_another_value_than_the_stored_one() -> None:
    user = _stored(firstname="Alice", email="a@acme.example")
    assert not changed(user)
    user.firstname = "Alice"
    assert not changed(user, "firstname")
    user.firstname = "Bob"
    assert changed(user)
    assert changed(user, "email", "firstname")
    assert not changed(user, "email")
    assert before(user, "firstname") == "Alice"
    assert before(user, "email") == "a@acme.example"
    assert changed(User(firstname="Alice"), "email"), "all of a new item is a change"


def test_a_value_that_another_item_has_is_refused() -> None:
    work = _work(found="7")
    with pytest.raises(errors.AlreadyExists) as refusal:
        Unique("username", label="User")(work, User(username="alice"))
    assert refusal.value.message == "Resource Error - User already exists ('username': 'alice')"
    Unique("username", label="User")(_work(), User(username="alice"))


@pytest.mark.parametrize("user", [User(), User(username=None), _stored(username="alice")])
def test_a_value_that_is_null_or_not_changed_is_not_looked_up(user: User) -> None:
    work = _work(found="7")
    Unique("username", label="User")(work, user)
    assert work.asked == []


def test_uniqueness_looks_at_all_tenants_but_not_at_the_item_itself_and_folds_case_where_told() -> None:
    user = _stored(email="a@acme.example")
    user.email = "B@acme.example"
    work = _work()
    Unique("email", label="User", fold=True)(work, user)
    [(asked, parameters)] = work.asked
    assert "lower(users.email) = lower($1::text) AND users.id != $2::integer" in asked
    assert parameters == ("B@acme.example", 5)
    assert "tenant_uuid" not in asked


def test_values_that_are_unique_together_are_looked_up_together() -> None:
    work = _work()
    Unique("firstname", "lastname", label="User")(work, User(firstname="Alice", lastname="Martin"))
    [(asked, parameters)] = work.asked
    assert "users.firstname = $1::text AND users.lastname = $2::text" in asked
    assert parameters == ("Alice", "Martin")


class Provided:
    """The DAO of another resource."""

    owned = True

    def __init__(self, *known: tuple[str, UUID]) -> None:
        self._known = known

    def find(self, work: Any, *, name: str, tenant_uuid: UUID) -> Any:
        return (name, tenant_uuid) if (name, tenant_uuid) in self._known else None


MUSIC = Refers("music_on_hold", "moh", "MOH", by="name", ignore=["default"])


@pytest.mark.parametrize(
    ("provided", "name", "found"),
    [
        (Provided(("rock", ONE)), "rock", True),
        (Provided(("rock", TWO)), "rock", False),
        (Provided(), "rock", False),
        (None, "rock", False),
        (None, "default", True),
        (None, None, True),
    ],
)
def test_a_reference_leads_to_an_item_of_the_same_tenant(
    provided: Any, name: str | None, found: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(validation, "of_resource", {"moh": provided}.get)
    user = User(music_on_hold=name, tenant_uuid=ONE)
    if found:
        MUSIC(_work(), user)
        return
    with pytest.raises(errors.ParameterNotFound) as refusal:
        MUSIC(_work(), user)
    assert refusal.value.message == "Input Error - field 'music_on_hold': MOH was not found ('music_on_hold': 'rock')"


def test_an_item_that_something_is_associated_with_is_not_free() -> None:
    rule = Free("users", lambda item, found: errors.Associated("Voicemail", "User", metadata={"ids": found}))
    rule(_work(), SimpleNamespace(users=[]))
    rule(_work(), SimpleNamespace())
    with pytest.raises(errors.Associated) as refusal:
        rule(_work(), SimpleNamespace(users=[1, 2]))
    assert refusal.value.message == "Resource Error - Voicemail is associated with a User ('ids': [1, 2])"


@pytest.mark.parametrize(
    ("swapped", "told"),
    [
        (False, f"'user_tenant_uuid': '{ONE}', 'line_tenant_uuid': '{TWO}'"),
        (True, f"'line_tenant_uuid': '{TWO}', 'user_tenant_uuid': '{ONE}'"),
    ],
)
def test_items_of_two_tenants_are_not_joined(swapped: bool, told: str) -> None:
    rule = SameTenant("user", "line", swapped=swapped)
    one, two = SimpleNamespace(tenant_uuid=ONE), SimpleNamespace(tenant_uuid=TWO)
    rule(_work(), one, SimpleNamespace(tenant_uuid=ONE))
    with pytest.raises(errors.DifferentTenants) as refusal:
        rule(_work(), one, two)
    assert refusal.value.message == f"Resource Error - different tenants ({told})"
