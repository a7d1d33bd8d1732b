"""The operations: how REST and RPC are joined."""

import pytest
from confd_schemas.spec import Operation, association, discover, operation, refused

OPERATIONS = {(one.method, one.plain_path): one for resource in discover() for one in resource.operations}


@pytest.mark.parametrize(
    ("method", "path", "rpc", "acl", "success"),
    [
        ("POST", "/users", "users.create", "confd.users.create", 201),
        ("HEAD", "/users/{id}", "users.exists", "confd.users.{id}.read", 200),
        ("PUT", "/users/{id}", "users.update", "confd.users.{id}.update", 204),
        ("POST", "/users/import", "users.import", "confd.users.import.create", 201),
        ("GET", "/users/export", "users.export", "confd.users.export.read", 200),
        ("GET", "/users/subscriptions", "users_subscriptions.list", "confd.users.subscriptions.read", 200),
        ("GET", "/users/{user_id}/services/incallfilter", "user_services.get_one",
         "confd.users.{user_id}.services.dnd.read", 200),
        ("PUT", "/users/{user_id}/forwards/{name}", "user_forwards.update_one",
         "confd.users.{user_id}.forwards.{name}.update", 204),
        ("GET", "/contexts/{context_id}/ranges/conference", "context_ranges.list",
         "confd.contexts.{context_id}.ranges.conference.read", 200),
        ("PUT", "/contexts/{context_id}/contexts", "context_contexts.replace",
         "confd.contexts.{context_id}.contexts.update", 204),
        ("DELETE", "/endpoints/sip/templates/{uuid}", "endpoints_sip_templates.delete",
         "confd.endpoints.sip.templates.{uuid}.delete", 204),
        ("PUT", "/lines/{line_id}/endpoints/sip/{endpoint_uuid}", "line_endpoints_sip.associate",
         "confd.lines.{line_id}.endpoints.sip.{endpoint_uuid}.update", 204),
        ("DELETE", "/users/{user_id}/voicemails", "user_voicemails.dissociate",
         "confd.users.{user_id}.voicemails.delete", 204),
        ("PUT", "/configuration/live_reload", "configuration_live_reload.update",
         "confd.configuration.live_reload.update", 204),
        ("GET", "/api/api.yml", "api.get", None, 200),
        ("POST", "/tenants", None, None, 405),
    ],
)  # fmt: skip
def test_an_operation_is_as_in_the_contract(
    method: str, path: str, rpc: str | None, acl: str | None, success: int
) -> None:
    found = OPERATIONS[method, path]
    assert (found.rpc, found.acl, found.success) == (rpc, acl, success)


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/users", "/users/{id}"),
        ("/contexts", "/contexts/{id}"),
        ("/endpoints/sip/templates", "/endpoints/sip/{uuid}"),
        ("/lines/{line_id}/extensions", "/extensions/{id}"),
        ("/users/{user_id}/voicemails", "/voicemails/{id}"),
        ("/users/import", None),
    ],
)
def test_a_created_item_has_a_location(path: str, location: str | None) -> None:
    assert OPERATIONS["POST", path].location == location


def test_every_body_is_loaded_whole_but_that_of_an_update() -> None:
    partial = {path for (method, path), one in OPERATIONS.items() if one.partial}
    assert partial >= {
        "/contexts/{id}",
        "/endpoints/sip/{uuid}",
        "/endpoints/sip/templates/{uuid}",
        "/extensions/{id}",
        "/lines/{id}",
        "/users/{id}",
        "/users/{user_id}/forwards",
        "/users/{user_id}/forwards/{name}",
        "/users/{user_id}/services",
        "/voicemails/{id}",
    }


def test_what_belongs_to_no_tenant_needs_the_master_tenant() -> None:
    assert {path for (_, path), one in OPERATIONS.items() if one.master_only} == {
        "/access_features",
        "/access_features/{id}",
        "/asterisk/iax/general",
        "/asterisk/rtp/general",
        "/asterisk/rtp/ice_host_candidates",
        "/asterisk/sccp/general",
        "/asterisk/voicemail/general",
        "/asterisk/voicemail/zonemessages",
        "/configuration/live_reload",
    }
    assert not OPERATIONS["GET", "/asterisk/voicemail/zonemessages"].master_only


def test_query_parameters_are_those_of_their_schema() -> None:
    assert OPERATIONS["DELETE", "/lines/{id}"].query == ("recursive",)
    assert OPERATIONS["GET", "/users"].query is None


def test_a_path_tells_the_types_of_its_variables() -> None:
    one = OPERATIONS["GET", "/users/{user_id}/forwards/{name}"]
    assert one.variables == {"user_id": "id", "name": "busy|noanswer|unconditional"}


def test_the_import_is_text_and_takes_its_time() -> None:
    one = OPERATIONS["POST", "/users/import"]
    assert (one.takes_body, one.accepts, one.timeout) == (True, "text/csv", 600)


@pytest.mark.parametrize(("method", "changes"), [("GET", False), ("HEAD", False), ("PUT", True), ("DELETE", True)])
def test_reads_change_nothing(method: str, changes: bool) -> None:
    assert operation(method, "/things", "things.do").changes is changes


def test_an_association_is_joined_and_parted() -> None:
    joined, parted = association("/users/{user_id:id}/things/{thing_id:int}").operations
    assert (joined.method, joined.name, joined.service) == ("PUT", "associate", "user_things")
    assert (parted.method, parted.name) == ("DELETE", "dissociate")


def test_a_refused_operation_calls_nothing() -> None:
    one = refused("PUT", "/things", {"message": "no"})
    assert one == Operation("PUT", "/things", None, None, 405, refusal={"message": "no"})
    assert (one.service, one.name, one.takes_body) == ("", "", False)


def test_every_operation_has_one_place() -> None:
    assert len(OPERATIONS) == sum(len(resource.operations) for resource in discover())
