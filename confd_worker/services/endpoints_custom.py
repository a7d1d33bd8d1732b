"""Custom endpoints."""

from confd_schemas.endpoints_custom import endpoints_custom

from ..core.dao import DAO
from ..core.notifier import Notifier
from ..core.resource import ResourceService
from ..core.validation import Unique, Validator
from ..models import EndpointCustom

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
