"""Custom endpoints."""

from confd_schemas.lines.endpoints_custom import endpoints_custom

from ...models.lines.endpoint_custom import EndpointCustom
from ...plugin import DAO, Example, Notifier, ResourceService, Unique, Validator

__all__ = ["EndpointsCustom", "dao"]

dao = DAO(EndpointCustom, endpoints_custom)


class EndpointsCustom(ResourceService):
    spec = endpoints_custom
    dao = dao
    validator = Validator(change=[Unique("interface", label="CustomEndpoint")])
    notifier = Notifier.resource(
        "custom_endpoint",
        "config.custom_endpoint",
        lambda endpoint: {
            "id": endpoint.id,
            "tenant_uuid": endpoint.tenant_uuid,
            "interface": endpoint.interface,
            "trunk": None,
            "line": {"id": endpoint.line.id} if endpoint.line else None,
        },
    )
    example = Example({"interface": "local/{uuid}"}, {"interface_suffix": "changed"})
