"""SCCP endpoints."""

from confd_schemas.lines.endpoints_sccp import endpoints_sccp

from ...models.lines.endpoint_sccp import SCCP_OPTIONS, EndpointSCCP
from ...plugin import DAO, Example, Notifier, ResourceService, Validator, Work, errors

__all__ = ["EndpointsSCCP", "dao"]

dao = DAO(EndpointSCCP, endpoints_sccp)


def _options_known(work: Work, endpoint: EndpointSCCP) -> None:
    for name, _ in endpoint.options:
        if name not in SCCP_OPTIONS:
            raise errors.BadValue(f"Unknown SCCP options: {name}", category="")


class EndpointsSCCP(ResourceService):
    spec = endpoints_sccp
    dao = dao
    validator = Validator(change=[_options_known])
    notifier = Notifier.resource(
        "sccp_endpoint",
        "config.sccp_endpoint",
        lambda endpoint: {
            "id": endpoint.id,
            "tenant_uuid": endpoint.tenant_uuid,
            "line": {"id": endpoint.line.id} if endpoint.line else None,
        },
        reload={what: ["module reload chan_sccp.so", "dialplan reload"] for what in ("edited", "deleted")},
    )
    example = Example({}, {"options": [["allow", "alaw"]]})
