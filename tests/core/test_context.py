"""On whose behalf a call is made, as its headers tell it."""

import time
from typing import Any

import pytest

from confd_worker.core import errors
from confd_worker.core.context import Context

MASTER = "00000000-0000-4000-8000-000000000001"
ONE = "00000000-0000-4000-8000-00000000000a"
TWO = "00000000-0000-4000-8000-00000000000b"


def _context(headers: dict[str, Any], **given: Any) -> Context:
    return Context.from_headers(headers, **({"master": MASTER} | given))


@pytest.mark.parametrize(
    ("headers", "tenant", "visible"),
    [
        ({}, MASTER, None),
        ({"tenant_uuid": ONE}, ONE, (ONE,)),
        ({"tenant_uuid": ONE.upper()}, ONE, (ONE,)),
        ({"tenant_uuid": ONE, "visible_tenants": [ONE, TWO.upper()]}, ONE, (ONE, TWO)),
        ({"tenant_uuid": ONE, "visible_tenants": []}, ONE, ()),
        ({"tenant_uuid": ONE, "visible_tenants": ["*"]}, ONE, None),
        ({"visible_tenants": [TWO]}, MASTER, (TWO,)),
    ],
)
def test_a_caller_acts_in_one_tenant_and_sees_some(
    headers: dict[str, Any], tenant: str, visible: tuple[str, ...] | None
) -> None:
    context = _context(headers)
    assert (context.tenant, context.visible) == (tenant, visible)
    assert context.sees(TWO) == (visible is None or TWO in visible)


@pytest.mark.parametrize(
    ("given", "revisions"),
    [(None, None), (7, (7,)), ("7", (7,)), (["6", 7], (6, 7)), ("*", ())],
    ids=str,
)
def test_a_condition_names_revisions_or_takes_any(given: Any, revisions: tuple[int, ...] | None) -> None:
    assert _context({"if_revision": given}).if_revision == revisions


def test_without_a_master_tenant_a_caller_must_name_one() -> None:
    context = _context({}, master=None)
    assert context.visible is None
    with pytest.raises(errors.MissingParameters) as refusal:
        _ = context.tenant
    assert refusal.value.message == "Input Error - missing parameters: tenant_uuid"


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ({"tenant_uuid": "x"}, "tenant_uuid"),
        ({"tenant_uuid": 5}, "tenant_uuid"),
        ({"tenant_uuid": {"uuid": ONE}}, "tenant_uuid"),
        ({"user_uuid": ""}, "user_uuid"),
        ({"visible_tenants": ONE}, "visible_tenants"),
        ({"visible_tenants": {ONE: True}}, "visible_tenants"),
        ({"visible_tenants": [ONE, None]}, "visible_tenants"),
        ({"request_id": 5}, "request_id"),
        ({"request_id": ["x"]}, "request_id"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"idempotency_key": "k" * 256}, "idempotency_key"),
        ({"idempotency_key": "k\0"}, "idempotency_key"),
        ({"if_revision": ""}, "if_revision"),
        ({"if_revision": True}, "if_revision"),
        ({"if_revision": -1}, "if_revision"),
        ({"if_revision": 7.0}, "if_revision"),
        ({"if_revision": "12345678901"}, "if_revision"),
        ({"if_revision": ["7", "*"]}, "if_revision"),
        ({"if_revision": []}, "if_revision"),
        ({"deadline": "soon"}, "deadline"),
        ({"deadline": []}, "deadline"),
        ({"deadline": "nan"}, "deadline"),
        ({"deadline": "inf"}, "deadline"),
    ],
)
def test_a_header_of_another_type_is_named(headers: dict[str, Any], field: str) -> None:
    with pytest.raises(errors.WrongType) as refusal:
        _context(headers)
    assert refusal.value.message.startswith(f"Input Error - field '{field}': wrong type.")


def test_a_call_is_known_by_its_own_key_or_by_its_message() -> None:
    keyed = _context({"tenant_uuid": ONE, "idempotency_key": "k"}, correlation_id="message", redelivered=True)
    assert (keyed.keyed, keyed.redelivered) == (True, True)
    assert keyed.key != _context({"tenant_uuid": TWO, "idempotency_key": "k"}).key
    assert keyed.key == _context({"tenant_uuid": ONE, "idempotency_key": "k"}, correlation_id="another").key
    plain = _context({}, correlation_id="message")
    assert (plain.keyed, plain.redelivered) == (False, False)
    assert _context({}).key is None


def test_a_call_is_overdue_once_its_deadline_has_passed() -> None:
    assert _context({"deadline": f"{time.time() - 1}"}).overdue
    assert not _context({"deadline": time.time() + 10}).overdue
    assert not _context({}).overdue
