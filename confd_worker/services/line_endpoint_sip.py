"""The SIP endpoint of a line."""

from typing import Any

from confd_schemas.line_endpoint_sip import line_endpoint_sip

from ..core import errors
from ..core.association import AssociationService
from ..core.notifier import Notifier
from ..core.validation import SameTenant, Validator
from ..core.work import Work
from ..models import EndpointSIP, Line
from . import endpoints_sip
from .lines.dao import dao as lines_dao
from .lines.dao import without_device

__all__ = ["LineEndpointsSIP"]


def _line_is_free(work: Work, line: Line, endpoint: EndpointSIP) -> None:
    if line.protocol is not None:
        raise errors.Associated(
            "Line",
            "Endpoint",
            metadata={"line_id": line.id, "endpoint": line.protocol, "endpoint_id": line.endpoint_sip_uuid},
        )


def _endpoint_is_free(work: Work, line: Line, endpoint: EndpointSIP) -> None:
    for relation, label, key in (("line", "Line", "line_id"), ("trunk", "Trunk", "trunk_id")):
        other = getattr(endpoint, relation, None)
        if other is not None:
            told = {key: other.id, "endpoint": "sip", "endpoint_uuid": endpoint.uuid}
            raise errors.Associated(label, "Endpoint", metadata=told)


def _without(relation: str, label: str, key: str) -> Any:
    def rule(work: Work, line: Line, endpoint: EndpointSIP) -> None:
        found = getattr(line, relation)
        if found:
            ids = ",".join(str(each.id) for each in found)
            raise errors.Associated("Line", label, metadata={"line_id": line.id, key: ids})

    return rule


class LineEndpointsSIP(AssociationService):
    spec = line_endpoint_sip
    left, right, relation = lines_dao, endpoints_sip.dao, "endpoint_sip"
    validator = Validator(
        associate=[SameTenant("line", "endpoint"), _line_is_free, _endpoint_is_free],
        dissociate=[
            _without("users", "User", "user_ids"),
            _without("extensions", "Extension", "extension_ids"),
            without_device,
        ],
    )
    notifier = Notifier.association(
        "line_endpoint_sip",
        "config.lines.{0.id}.endpoints.sip.{1.uuid}",
        lambda line, endpoint: {
            "line": {"id": line.id, "tenant_uuid": line.tenant_uuid, "name": line.name},
            "endpoint_sip": {
                "uuid": endpoint.uuid,
                "tenant_uuid": endpoint.tenant_uuid,
                "label": endpoint.label,
                "name": endpoint.name,
                "auth_section_options": endpoint.pairs("auth", "username"),
            },
        },
        reload=["module reload res_pjsip.so"],
    )

    def find(self, left: Any, right: Any) -> tuple[Line, EndpointSIP]:
        """Both items, locked; the error for an unknown endpoint says that no template will do."""
        line = self.left.get(self.work, left)
        try:
            return line, self.right.get(self.work, right)
        except errors.NotFound as error:
            raise self.right.not_found(right, template=False) from error
