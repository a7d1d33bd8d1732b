"""The operations that are measured, as calls over RPC and as requests over HTTP.

Everything here can be pickled, as the load comes from a process of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from .data import FIRST_EXTEN, Pool, Tenant, family

__all__ = ["Call", "create", "growing", "operations"]

Request = tuple[str, str, Any]
"""Method, path below the base path, and body of a request."""


@dataclass(frozen=True)
class Call:
    """An operation, and what the n-th call of it says.

    Attributes:
        name: of the operation in tables.
        method: full RPC name.
        arguments: of the n-th call.
        request: the same over HTTP; None where there is no such route.
        tenant: uuid of the tenant to act in.
        pool: what calls of this kind use up; it is filled anew before each sample.
        unique: whether no two calls may say the same, from the first to the last sample.
    """

    name: str
    method: str
    arguments: Callable[[int], dict[str, Any]]
    request: Callable[[int], Request] | None = None
    tenant: str | None = None
    pool: Pool | None = None
    unique: bool = False


def _id(tenant: Tenant, number: int) -> int:
    # A prime step, so that neighbours in time are none in the table.
    return tenant.first + number * 7919 % tenant.users


def _get(tenant: Tenant, number: int) -> dict[str, Any]:
    return {"id": _id(tenant, number)}


def _get_request(tenant: Tenant, number: int) -> Request:
    return "GET", f"/users/{_id(tenant, number)}", None


def _list(number: int) -> dict[str, Any]:
    return {"limit": 50}


def _list_request(number: int) -> Request:
    return "GET", "/users?limit=50", None


def _page(tenant: Tenant, number: int) -> dict[str, Any]:
    # More pages than a worker keeps.
    return {"limit": 50, "offset": number * 7919 % min(tenant.users - 50, 900)}


def _page_request(tenant: Tenant, number: int) -> Request:
    return "GET", f"/users?limit=50&offset={_page(tenant, number)['offset']}", None


def _search(tenant: Tenant, number: int) -> dict[str, Any]:
    return {"search": family(_id(tenant, number)), "limit": 50}


def _search_request(tenant: Tenant, number: int) -> Request:
    return "GET", f"/users?search={family(_id(tenant, number))}&limit=50", None


def _new_user(number: int) -> dict[str, Any]:
    return {"firstname": "Zoë", "lastname": f"Nguyễn {number}", "email": f"zoe.{number}@new.example",
            "language": "fr_FR", "mobile_phone_number": "+33639981234", "ring_seconds": 20}  # fmt: skip


def _create(number: int) -> dict[str, Any]:
    return {"body": _new_user(number)}


def _create_request(number: int) -> Request:
    return "POST", "/users", _new_user(number)


def _new_nested_user(context: str, number: int) -> dict[str, Any]:
    exten = str(FIRST_EXTEN + 500_000 + number)
    line = {"context": context, "endpoint_sip": {"auth_section_options": [["username", f"n{exten}"]]},
            "extensions": [{"exten": exten}]}  # fmt: skip
    body = _new_user(number) | {"email": f"nested.{number}@new.example", "lines": [line]}
    return body | {"voicemail": {"name": f"Zoë {number}", "number": exten, "context": context}}


def _nested(context: str, number: int) -> dict[str, Any]:
    return {"body": _new_nested_user(context, number)}


def _nested_request(context: str, number: int) -> Request:
    return "POST", "/users", _new_nested_user(context, number)


def _change(number: int) -> dict[str, Any]:
    return {"lastname": f"Martin {number}", "ring_seconds": 10 + number % 50}


def _update(tenant: Tenant, number: int) -> dict[str, Any]:
    return {"id": _id(tenant, number), "body": _change(number)}


def _update_request(tenant: Tenant, number: int) -> Request:
    return "PUT", f"/users/{_id(tenant, number)}", _change(number)


def _associate(pool: Pool, number: int) -> dict[str, Any]:
    return {"user_id": pool.first + number, "line_id": pool.first + number}


def _associate_request(pool: Pool, number: int) -> Request:
    return "PUT", f"/users/{pool.first + number}/lines/{pool.first + number}", None


def _delete(pool: Pool, number: int) -> dict[str, Any]:
    return {"id": pool.first + number}


def _delete_request(pool: Pool, number: int) -> Request:
    return "DELETE", f"/users/{pool.first + number}", None


def _reads(tenant: Tenant) -> list[Call]:
    uuid = tenant.uuid
    return [
        Call("users.get", "users.get", partial(_get, tenant), partial(_get_request, tenant), uuid),
        Call("users.list any page", "users.list", partial(_page, tenant), partial(_page_request, tenant), uuid),
        Call("users.list search", "users.list", partial(_search, tenant), partial(_search_request, tenant), uuid),
    ]


def create(tenant: Tenant) -> Call:
    """Making users in a tenant."""
    return Call("users.create", "users.create", _create, _create_request, tenant.uuid, unique=True)


def growing(tenant: Tenant) -> list[Call]:
    """What is measured against the size of a tenant."""
    return [*_reads(tenant), create(tenant)]


def operations(read: Tenant, written: Tenant, unassociated: Pool, doomed: Pool) -> list[Call]:
    """All operations.

    Args:
        read: a tenant whose users stay as they are in number.
        written: a tenant that gets new users.
        unassociated: users and lines to join.
        doomed: users to delete.
    """
    context, uuid = written.context, written.uuid
    return [
        *_reads(read),
        Call("users.list", "users.list", _list, _list_request, read.uuid),
        create(written),
        Call("users.update", "users.update", partial(_update, read), partial(_update_request, read), read.uuid),
        Call("user_lines.associate", "user_lines.associate", partial(_associate, unassociated),
             partial(_associate_request, unassociated), uuid, unassociated),
        Call("users.create nested", "users.create", partial(_nested, context), partial(_nested_request, context), uuid,
             unique=True),
        Call("users.delete", "users.delete", partial(_delete, doomed), partial(_delete_request, doomed), uuid, doomed),
    ]  # fmt: skip
