"""What a token grants."""

import time

import pytest
from confd_gateway.acl import Acl
from hypothesis import example, given, settings
from hypothesis import strategies as st

USER = "20000000-0000-4000-8000-000000000001"
USER_IN_CAPITALS = "8C5F0000-0000-4000-8000-00000000ABCD"
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


@pytest.mark.parametrize(
    ("pattern", "access"), [("007", "7"), ("0", "0"), (USER_IN_CAPITALS, USER_IN_CAPITALS.lower())]
)
def test_an_id_in_a_pattern_means_the_item_however_it_is_spelled(pattern, access):
    assert not Acl(["confd.#", f"!confd.users.{pattern}.read"]).grants(f"confd.users.{access}.read")
    assert Acl([f"confd.users.{pattern}.read"]).grants(f"confd.users.{access}.read")


def matches(pattern, access):
    """What the wildcards mean, in the plainest words; takes for ever for long ones."""
    if not pattern:
        return not access
    if pattern[0] not in "*#":
        return access[:1] == pattern[0] and matches(pattern[1:], access[1:])
    if matches(pattern[1:], access):
        return True
    return bool(access) and (pattern[0] == "#" or access[0] not in ".#") and matches(pattern, access[1:])


@settings(max_examples=2000, deadline=None)
@given(st.text("ab.*#", max_size=9), st.text("ab.#", max_size=9))
@example("#a*b.a", "ab.ab.a")
@example("*a*b#", "aab.b")
def test_wildcards_match_what_they_mean(pattern, access):
    assert Acl([pattern]).grants(access) == (not pattern.startswith("!") and matches(pattern, access))


@pytest.mark.parametrize("part", ["*a", "#a", "#*a", "*#a", "#a*a", "*.", "#.", "#a.*", "**", "##"])
def test_a_pattern_of_many_wildcards_takes_no_time(part):
    # With few of them, what takes all too long ends at least.
    for number, length in ((4, 300), (50, 500)):
        acl = Acl([part * number + "!", "!" + part * number + "!"])
        for access in ("a" * length, "a." * (length // 2), "." * length):
            begun = time.process_time()
            assert not acl.grants(access)
            assert time.process_time() - begun < 0.5
