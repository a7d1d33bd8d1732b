"""Bodies of answers, and those that are shown again."""

import pytest
from confd_gateway import bodies
from confd_gateway.bodies import Bodies

BASE = "http://confd.example/1.1"


def long_list(*names: str) -> bytes:
    items = ",".join(f'{{"name":"{name}","links":[{{"rel":"users","href":"/users/1"}}]}}' for name in names)
    return f'{{"items":[{items}]}}'.encode()


@pytest.mark.parametrize("length", [1, 1000])
def test_links_become_absolute_and_what_is_not_ascii_is_escaped(length):
    body = Bodies().of(long_list(*["Zoë"] * length), BASE)
    item = b'{"name":"Zo\\u00eb","links":[{"rel":"users","href":"http://confd.example/1.1/users/1"}]}'
    assert body == b'{"items":[' + b",".join([item] * length) + b"]}\n"


def test_a_long_result_that_comes_again_is_not_made_anew():
    made = Bodies()
    result = long_list(*["Zoë"] * 1000)
    assert made.of(result, BASE) is made.of(bytes(bytearray(result)), BASE)


def test_results_of_one_length_and_end_are_told_apart():
    made = Bodies()
    for _ in range(2):
        for first in ("Anna", "Bert"):
            assert made.of(long_list(first, *["Zoë"] * 1000), BASE) == Bodies().of(
                long_list(first, *["Zoë"] * 1000), BASE
            )


def test_each_address_of_the_server_gets_its_own_links():
    made, result = Bodies(), long_list(*["Zoë"] * 1000)
    for host in ("a", "b", "a"):
        assert f'"href":"http://{host}/users/1"'.encode() in made.of(result, f"http://{host}")


def test_what_is_kept_has_a_limit(monkeypatch):
    monkeypatch.setattr(bodies, "MOST_BYTES", 500_000)
    made = Bodies()
    first, *others = (long_list(*[f"user {number}"] * 1000) for number in range(20))
    shown = made.of(first, BASE)
    for other in others:
        assert made.of(other, BASE) is made.of(other, BASE)
    assert made.of(first, BASE) is not shown
