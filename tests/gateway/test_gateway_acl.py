"""What a token grants."""

import pytest
from confd_gateway.acl import Acl

USER = "20000000-0000-4000-8000-000000000001"
SESSION = "30000000-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("patterns", "access"),
    [
        (["confd.users.read"], "confd.users.read"),
        (["confd.#"], "confd.users.1.lines.read"),
        (["#"], "confd.users.read"),
        (["confd.users.*.read"], "confd.users.1.read"),
        (["confd.users.*.read"], "confd.users..read"),
        (["confd.us*.read"], "confd.users.read"),
        (["confd.users.me.#"], "confd.users.me.meetings.read"),
        (["confd.users.me.read"], f"confd.users.{USER}.read"),
        (["confd.sessions.my_session.read"], f"confd.sessions.{SESSION}.read"),
        (["confd.users.1.edit"], "confd.users.1.update"),
        (["confd.users.1.edit"], "confd.users.1.edit"),
        (["other.#", "confd.users.read"], "confd.users.read"),
    ],
)
def test_granted(patterns, access):
    assert Acl(patterns, USER, SESSION).grants(access)


@pytest.mark.parametrize(
    ("patterns", "access"),
    [
        ([], "confd.users.read"),
        (["confd.users.read"], "confd.users.create"),
        (["confd.users.*"], "confd.users.1.read"),
        (["confd.users.*.read"], "confd.users.#.read"),
        (["confd.users.read"], "confd.users.read.more"),
        (["confd.users.read"], "confdxusersxread"),
        (["confd.users.me.read"], "confd.users.20000000-0000-4000-8000-000000000009.read"),
        (["confd.#", "!confd.users.#"], "confd.users.1.read"),
        (["!confd.users.read", "confd.users.read"], "confd.users.read"),
        (["!confd.users.me.#"], f"confd.users.{USER}.read"),
        (["confd.users.edits"], "confd.users.updates"),
    ],
)
def test_refused(patterns, access):
    assert not Acl(patterns, USER, SESSION).grants(access)


def test_me_is_only_the_word_without_a_user():
    assert not Acl(["confd.users.me.read"]).grants("confd.users..read")
    assert Acl(["confd.users.me.read"]).grants("confd.users.me.read")
