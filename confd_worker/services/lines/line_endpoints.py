"""The endpoint of a line: one, of one kind."""

from collections.abc import Callable
from typing import Any

from confd_schemas.lines.line_endpoints import line_endpoints_custom, line_endpoints_sccp, line_endpoints_sip

from ...models.lines.line import Line
from ...plugin import AssociationService, Notifier, SameTenant, Validator, Work, errors
from . import endpoints_custom, endpoints_sccp, endpoints_sip
from .dao import dao as lines_dao
from .dao import without_device

__all__ = ["LineEndpointsCustom", "LineEndpointsSCCP", "LineEndpointsSIP"]


def _line_is_free(work: Work, line: Line, endpoint: Any) -> None:
    present: Any = line.endpoint
    if present is not None:
        told = {"line_id": line.id, "endpoint": present.kind, "endpoint_id": getattr(present, present.key)}
        raise errors.Associated("Line", "Endpoint", metadata=told)


def _endpoint_is_free(work: Work, line: Line, endpoint: Any) -> None:
    for relation, label in (("line", "Line"), ("trunk", "Trunk")):
        other = getattr(endpoint, relation, None)
        if other is not None:
            key = endpoint.key
            told = {f"{relation}_id": other.id, "endpoint": endpoint.kind, f"endpoint_{key}": getattr(endpoint, key)}
            raise errors.Associated(label, "Endpoint", metadata=told)


def _without(relation: str, label: str, key: str) -> Any:
    def rule(work: Work, line: Line, endpoint: Any) -> None:
        found = getattr(line, relation)
        if found:
            ids = ",".join(str(each.id) for each in found)
            raise errors.Associated("Line", label, metadata={"line_id": line.id, key: ids})

    return rule


_RULES = Validator(
    associate=[SameTenant("line", "endpoint"), _line_is_free, _endpoint_is_free],
    dissociate=[
        _without("users", "User", "user_ids"),
        _without("extensions", "Extension", "extension_ids"),
        without_device,
    ],
)


def _notifier(kind: str, key: str, shown: Callable[[Any], dict[str, Any]], reload: list[str]) -> Notifier:
    return Notifier.association(
        f"line_endpoint_{kind}",
        f"config.lines.{{0.id}}.endpoints.{kind}.{{1.{key}}}",
        lambda line, endpoint: {
            "line": {"id": line.id, "tenant_uuid": line.tenant_uuid, "name": line.name},
            f"endpoint_{kind}": {key: getattr(endpoint, key), "tenant_uuid": endpoint.tenant_uuid, **shown(endpoint)},
        },
        reload=reload,
    )


class LineEndpointsSIP(AssociationService):
    spec = line_endpoints_sip
    left, right, relation = lines_dao, endpoints_sip.dao, "endpoint_sip"
    validator = _RULES
    notifier = _notifier(
        "sip",
        "uuid",
        lambda endpoint: {
            "label": endpoint.label,
            "name": endpoint.name,
            "auth_section_options": endpoint.pairs("auth", "username"),
        },
        ["module reload res_pjsip.so"],
    )

    def find(self, left: Any, right: Any) -> tuple[Any, Any]:
        """Both items, locked; the error for an unknown endpoint says that no template will do."""
        line = self.left.get(self.work, left)
        try:
            return line, self.right.get(self.work, right)
        except errors.NotFound as error:
            raise self.right.not_found(right, template=False) from error


class LineEndpointsSCCP(AssociationService):
    spec = line_endpoints_sccp
    left, right, relation = lines_dao, endpoints_sccp.dao, "endpoint_sccp"
    validator = _RULES
    notifier = _notifier("sccp", "id", lambda endpoint: {}, ["module reload chan_sccp.so"])


class LineEndpointsCustom(AssociationService):
    spec = line_endpoints_custom
    left, right, relation = lines_dao, endpoints_custom.dao, "endpoint_custom"
    validator = _RULES
    notifier = _notifier("custom", "id", lambda endpoint: {"interface": endpoint.interface}, [])
