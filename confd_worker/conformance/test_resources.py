"""What every resource must honour whose items can be made: reads, changes, tenants, and what is refused."""

import uuid
from typing import Any

from confd_schemas.dialplan.destinations import Destination
from confd_schemas.fields import Nested, Options, Reference, Whole
from confd_schemas.schema import Schema

from ..client import RemoteError
from .items import RESOURCES, Call, body_of, change_of, key_of, make, offered, refused
from .system import System


def _has(item: dict[str, Any], values: dict[str, Any]) -> bool:
    return item | values == item


def _fields(resource: str, method: str) -> dict[str, Any]:
    """The fields of an operation's body."""
    schema = RESOURCES[resource].operation(method).body
    assert schema is not None, f"{resource}.{method} has no body"
    instance: Schema = schema()
    return instance.load_fields


def test_what_is_made_can_be_read_listed_changed_and_deleted(resource: str, call: Call) -> None:
    made = make(call, resource)
    key, methods = key_of(resource, made), offered(resource, "update", "delete")
    shown = call(f"{resource}.get", **key)
    if RESOURCES[resource]().answer("create") is None:
        assert shown == made
    listed = call(f"{resource}.list")["items"]
    assert shown in listed

    if "update" in methods:
        call(f"{resource}.update", **key, body=change_of(resource))
        assert _has(call(f"{resource}.get", **key), change_of(resource))

        call(f"{resource}.update", **key, body={})
        assert _has(call(f"{resource}.get", **key), change_of(resource))

    if "delete" in methods:
        call(f"{resource}.delete", **key)
        assert refused(call, f"{resource}.get", **key).type == "not-found"
        assert refused(call, f"{resource}.delete", **key).status == 404


def test_an_unknown_id_is_not_found(resource: str, call: Call) -> None:
    spec = RESOURCES[resource].spec
    key = {spec.id: str(uuid.uuid4()) if spec.id == "uuid" else 2_000_000_000}
    for method in offered(resource, "get", "update", "delete"):
        # The id is looked up first, so that a bad body does not matter.
        body: dict[str, Any] = {"body": {next(iter(change_of(resource))): {}}} if method == "update" else {}
        refusal = refused(call, f"{resource}.{method}", **key, **body)
        assert (refusal.status, refusal.type) == (404, "not-found")
        assert refusal.message.startswith(f"Resource Not Found - {spec.label} was not found")


def test_what_there_may_be_once_is_refused_as_what_is_there(resource: str, call: Call) -> None:
    body = body_of(call, resource)
    call(f"{resource}.create", body=body)
    try:
        call(f"{resource}.create", body=body)
    except RemoteError as refusal:
        told = (refusal.status, refusal.type)
        assert told == (400, "resource-exists"), "where a constraint keeps values unique, a rule must tell: Unique(…)"


def test_another_tenant_sees_and_changes_nothing(owned: str, call: Call, system: System) -> None:
    made = make(call, owned)
    key = key_of(owned, made)
    with system.client(str(uuid.uuid4())) as stranger:
        assert call(f"{owned}.get", **key)
        assert made not in stranger.call(f"{owned}.list", recurse=True)["items"]
        for method in offered(owned, "get", "update", "delete"):
            body = {"body": change_of(owned)} if method == "update" else {}
            assert refused(stranger.call, f"{owned}.{method}", **key, **body).status == 404
    assert call(f"{owned}.get", **key)


def test_a_parent_reaches_the_items_of_its_child_tenant(owned: str, call: Call, tenant: str, system: System) -> None:
    key, methods = key_of(owned, make(call, owned)), offered(owned, "update", "delete")
    parent = str(uuid.uuid4())
    with system.client(parent, visible_tenants=[parent, tenant]) as client:
        assert client.call(f"{owned}.list")["total"] == 0
        assert any(_has(item, key) for item in client.call(f"{owned}.list", recurse=True)["items"])
        if "update" in methods:
            client.call(f"{owned}.update", **key, body=change_of(owned))
        if "delete" in methods:
            client.call(f"{owned}.delete", **key)


def _wrong(field: Any) -> Any:
    """A value of a type that the field does not take."""
    return 5 if isinstance(field, Nested | Reference | Destination | Options | Whole) else {"a": ["b"]}


def test_a_field_of_another_type_is_named_and_nothing_is_stored(resource: str, call: Call) -> None:
    fields, example = _fields(resource, "create"), body_of(call, resource)
    before = call(f"{resource}.list")["total"]
    for field, shape in fields.items():
        refusal = refused(call, f"{resource}.create", body=example | {field: _wrong(shape)})
        assert (refusal.status, refusal.type) == (400, "schema"), field
        assert field in refusal.details["fields"]
        assert any(message.startswith(f"Input Error - {field}: ") for message in refusal.details["messages"])
    refusal = refused(call, f"{resource}.create", body={field: _wrong(shape) for field, shape in fields.items()})
    assert [field for field in refusal.details["fields"] if field != "_schema"] == list(fields)
    assert call(f"{resource}.list")["total"] == before


def test_a_change_to_another_type_or_to_null_is_refused_and_changes_nothing(changeable: str, call: Call) -> None:
    key = key_of(changeable, make(call, changeable))
    shown = call(f"{changeable}.get", **key)
    for field, shape in _fields(changeable, "update").items():
        refusal = refused(call, f"{changeable}.update", **key, body={field: _wrong(shape)})
        assert (refusal.status, field in refusal.details["fields"]) == (400, True), field
        if not shape.allow_none:
            refusal = refused(call, f"{changeable}.update", **key, body={field: None})
            assert "Field may not be null." in str(refusal.details["fields"][field])
    assert call(f"{changeable}.get", **key) == shown


def test_what_was_read_may_be_written_back(changeable: str, call: Call) -> None:
    key = key_of(changeable, make(call, changeable))
    shown = call(f"{changeable}.get", **key)
    # Of users, it conflicts with the four that it stands for.
    body = {field: value for field, value in shown.items() if field != "call_record_enabled"}
    call(f"{changeable}.update", **key, body=body)
    assert call(f"{changeable}.get", **key) == shown


def test_a_field_that_is_required_must_be_there(resource: str, call: Call) -> None:
    for field in (field for field, shape in _fields(resource, "create").items() if shape.required):
        body = body_of(call, resource)
        refusal = refused(call, f"{resource}.create", body={each: body[each] for each in body if each != field})
        assert refusal.details["messages"] == [f"Input Error - {field}: ['Missing data for required field.']"]


def test_a_body_that_is_no_object_is_refused(resource: str, call: Call) -> None:
    for body in ("text", 5, [1]):
        refusal = refused(call, f"{resource}.create", body=body)
        assert refusal.details["messages"] == ["Input Error - _schema: ['Invalid input type.']"]


def test_a_bad_list_parameter_is_refused(resource: str, call: Call) -> None:
    for given, message in BAD_PARAMETERS:
        refusal = refused(call, f"{resource}.list", **given)
        assert refusal.status == 400
        assert message in refusal.message


BAD_PARAMETERS: list[tuple[dict[str, Any], str]] = [
    ({"limit": "x"}, "Input Error - limit: ['Not a valid integer.']"),
    ({"limit": 0}, "Input Error - field 'limit': wrong type. Should be a positive number"),
    ({"limit": -1}, "limit"),
    ({"offset": "-1"}, "offset"),
    ({"recurse": "perhaps"}, "Input Error - recurse: ['Not a valid boolean.']"),
    ({"order": "nonsense"}, "Input Error - order: column 'nonsense' was not found"),
    ({"direction": "up"}, "Input Error - direction: must be 'asc' or 'desc'"),
]
