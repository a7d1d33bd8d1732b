"""What the registered plugins and specs promise each other; no call is made."""

import inspect
import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from confd_gateway.routing import Router
from confd_schemas.openapi import document, swagger
from confd_schemas.spec import Operation, discover

from confd_worker.config import Settings
from confd_worker.core.entrypoints.rpc import Rpc, called
from confd_worker.core.plugin import discovery as plugins
from confd_worker.core.plugin.discovery import UnknownPlugin
from confd_worker.core.plugin.service import Service

SERVICES = plugins.discover()
SPECS = list(discover())
OPERATIONS = [operation for spec in SPECS for operation in spec.operations]
CALLS = [operation for operation in OPERATIONS if operation.rpc]
SEGMENTS: dict[str, Any] = {"int": 12, "id": 12, "uuid": str(uuid.uuid4()), "text": "word"}


def _name(operation: Operation) -> str:
    return f"{operation.method} {operation.plain_path}"


def _path(operation: Operation) -> str:
    segments = {name: SEGMENTS.get(kind, kind.split("|")[0]) for name, kind in operation.variables.items()}
    return "/1.1" + operation.plain_path.format(**segments)


def _methods(service: type[Service]) -> dict[str, Any]:
    """Those with one of the decorators that make entrypoints."""
    return {
        name.rstrip("_"): method
        for name, method in inspect.getmembers(service, callable)
        if any(isinstance(each, Rpc) for each in getattr(method, "nameko_entrypoints", ()))
    }


def _method(operation: Operation) -> Any:
    return _methods(SERVICES[operation.service])[operation.name]


class Recorded(Exception):
    """The method began a transaction that is recorded."""


class NothingElse:
    """A unit of work that tells whether a change is what it is first asked for."""

    context = SimpleNamespace(keyed=False, tenant=str(uuid.uuid4()))
    settings = Settings()
    running = False

    def called(self, *call: Any) -> None:
        """What the call is does not matter."""

    def recorded(self, *arguments: Any) -> None:
        """The call is no repeat."""

    def stable_uuid(self, *arguments: Any) -> uuid.UUID:
        """What is made gets any uuid."""
        return uuid.uuid4()

    def once(self, *arguments: Any) -> Any:
        raise Recorded


@pytest.mark.parametrize("operation", CALLS, ids=_name)
def test_changes_are_recorded_and_reads_are_not(operation: Operation) -> None:
    method = _method(operation)
    service = SERVICES[operation.service]()
    service.work = NothingElse()  # type: ignore[assignment]
    parameters = list(inspect.signature(method).parameters.values())[1:]
    needed = [parameter for parameter in parameters if parameter.default is parameter.empty]
    arguments = {each.name: "1" for each in needed if each.kind is each.POSITIONAL_OR_KEYWORD}
    try:
        method(service, **arguments)
    except Recorded:
        recorded = True
    except Exception:
        recorded = False
    else:
        recorded = False
    assert recorded is operation.changes


@pytest.mark.parametrize("operation", CALLS, ids=_name)
def test_a_method_takes_the_arguments_of_its_operation(operation: Operation) -> None:
    signature, _ = called(SERVICES[operation.service], _method(operation).__name__)
    body = {"body"} if operation.takes_body else set()
    given = {*operation.variables, *(operation.query or ()), *operation.constants, *body}
    signature.bind(**dict.fromkeys(given, None))


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_each_method_of_its_spec(name: str) -> None:
    assert set(SERVICES[name].spec.methods) <= set(_methods(SERVICES[name]))


@pytest.mark.parametrize("operation", OPERATIONS, ids=_name)
def test_an_operation_is_reached_by_its_url(operation: Operation) -> None:
    match = Router(SPECS).match(operation.method, _path(operation), None)
    assert match.route.operation is operation
    assert set(match.values) == set(operation.variables)


@pytest.mark.parametrize("make", [document, swagger])
def test_an_operation_has_its_entry_in_the_documents(make: Any) -> None:
    paths = make(SPECS, version="1")["paths"]
    for operation in OPERATIONS:
        entry = paths[operation.plain_path][operation.method.lower()]
        assert (entry.get("x-rpc"), entry.get("x-acl")) == (operation.rpc, operation.acl), _name(operation)


def test_every_service_serves_a_spec() -> None:
    names = {spec.name for spec in SPECS}
    assert {service.spec.name for service in SERVICES.values()} <= names
    assert {operation.service for operation in CALLS} <= set(SERVICES)


def test_an_operation_without_token_is_one_that_everybody_may_call() -> None:
    open_to_all = {operation.rpc for operation in CALLS if operation.acl is None}
    assert open_to_all <= {"api.get"}


def test_no_two_services_send_an_event_of_one_name() -> None:
    owners: dict[str, str] = {}
    for name, service in SERVICES.items():
        for event in service.events():
            assert owners.setdefault(event, name) == name, event


def test_services_can_be_chosen_and_an_unknown_one_is_named() -> None:
    assert list(plugins.discover(["users", "lines"])) == ["users", "lines"]
    with pytest.raises(UnknownPlugin, match=r"^Unknown service: nonsense\. There are: .*users"):
        plugins.discover(["nonsense", "users"])
