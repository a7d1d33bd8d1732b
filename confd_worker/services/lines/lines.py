"""Lines, made and deleted with what belongs to them."""

import secrets
from typing import Any

from confd_schemas.lines.lines import lines

from ...models.lines.line import Line
from ...plugin import (
    AssociationService,
    Example,
    Notifier,
    Of,
    Refers,
    ResourceService,
    Unique,
    Unused,
    Validator,
    change,
    changed,
    errors,
)
from ..dialplan.contexts import InContextService, context_known, tenant_stays
from ..dialplan.extensions import Extensions
from ..dialplan.extensions import dao as extensions_dao
from ..users.user_lines import UserLines
from .dao import dao, without_device, without_secondary_users
from .endpoints_custom import EndpointsCustom
from .endpoints_sccp import EndpointsSCCP
from .endpoints_sip import EndpointsSIP, in_context
from .line_endpoints import LineEndpointsCustom, LineEndpointsSCCP, LineEndpointsSIP
from .line_extensions import LineExtensions

__all__ = ["ENDPOINTS", "Lines"]

_CALLER_ID = {"caller_id_name": "caller id", "caller_id_num": "caller id num"}
ENDPOINTS: dict[str, tuple[type[ResourceService], type[AssociationService]]] = {
    "endpoint_sip": (EndpointsSIP, LineEndpointsSIP),
    "endpoint_sccp": (EndpointsSCCP, LineEndpointsSCCP),
    "endpoint_custom": (EndpointsCustom, LineEndpointsCustom),
}
"""The services of the endpoints, and of their associations with lines, by the line's field."""

_codes = Unused(Line.provisioning_code, lambda: str(100_000 + secrets.randbelow(900_000)))


class Lines(InContextService):
    spec = lines
    dao = dao
    validator = Validator(
        change=[
            Unique("provisioning_code", label="Line"),
            Refers("registrar", "registrars", "Registrar", ignore=["default"]),
            context_known,
            tenant_stays,
        ],
        delete=[without_secondary_users],
    )
    notifier = Notifier.resource(
        "line",
        "config.line",
        lambda line: {
            "id": line.id, "protocol": line.protocol, "name": line.name, "tenant_uuid": line.tenant_uuid,
        },
        reload={
            what: ["module reload res_pjsip.so", "dialplan reload", "module reload chan_sccp.so"]
            for what in ("created", "changed", "deleted")
        },
    )  # fmt: skip
    example = Example({"context": Of("contexts", "name")}, {"position": 2})

    @change
    def delete(self, id: Any, recursive: Any = None) -> None:
        """Delete the line and its endpoint; with `recursive`, its extensions too, where no other line has them."""
        line = self.dao.get(self.work, id)
        if self.options("delete", {"recursive": recursive})["recursive"]:
            self.remove_all(line)
        else:
            self.remove(line)

    def prepare(self, item: Line, fields: dict[str, Any]) -> None:
        """Find the tenant, and a provisioning code where there is none."""
        super().prepare(item, fields)
        if item.provisioning_code is None:
            item.provisioning_code = _codes.take(self.work)

    def add(self, fields: dict[str, Any]) -> Line:
        line = super().add(fields)
        for kind in ENDPOINTS:
            if kind in fields:
                self.add_endpoint(line, kind, fields[kind])
        # A new line takes a number for a SIP endpoint only, and drops it for others.
        dropped = () if "endpoint_sip" in fields else ("caller_id_num",)
        if self._set_caller_id(line, {name: fields[name] for name in fields if name not in dropped}):
            self.notifier.announce("edited", self.work, line)
        for extension in fields.get("extensions", ()):
            self.beside(LineExtensions).join(line, self._extension(line, extension))
        return line

    def alter(self, item: Line, fields: dict[str, Any]) -> None:
        super().alter(item, fields)
        if self._set_caller_id(item, fields) and changed(item.endpoint):
            self.notifier.reload("changed", self.work)
            self.work.flush()

    def remove(self, item: Line) -> None:
        """Delete the line: its users leave it first, and its endpoint goes with it."""
        self.validator.check("delete", self.work, item)
        self._part_users(item)
        self.notifier.tell("deleted", self.work, item)
        endpoint = item.endpoint
        self.dao.delete(self.work, item)
        if endpoint is not None:
            self.work.session.delete(endpoint)
            self.work.flush()

    def remove_all(self, item: Line) -> None:
        """Delete the line with its extensions and its endpoint, of which only a SIP one has events of its own."""
        self.validator.check("delete", self.work, item)
        if item.user_lines or item.extensions:
            without_device(self.work, item)
        self._part_users(item)
        line_extension = self.beside(LineExtensions)
        for extension in list(item.extensions):
            line_extension.part(item, extension)
            if not extension.lines:
                self.beside(Extensions).remove(extension)
        if item.endpoint_sip is not None:
            endpoint = item.endpoint_sip
            self.beside(LineEndpointsSIP).part(item, endpoint)
            self.beside(EndpointsSIP).remove(endpoint)
        self.remove(item)

    def _part_users(self, line: Line) -> None:
        """Part the line from its users, the main user last."""
        user_line = self.beside(UserLines)
        for link in sorted(line.user_lines, key=lambda link: link.main_user):
            user_line.part(link.user, line)

    def add_endpoint(self, line: Line, kind: str, fields: dict[str, Any]) -> None:
        """Make an endpoint, of the kind that this field of a line holds, and give it to the line."""
        endpoints, line_endpoints = ENDPOINTS[kind]
        if kind == "endpoint_sip":
            fields = in_context(fields, line.context)
        self.beside(line_endpoints).join(line, self.beside(endpoints).add(fields))

    def _extension(self, line: Line, fields: dict[str, Any]) -> Any:
        fields = {"context": line.context} | fields
        found = extensions_dao.find_if_taken(self.work, exten=fields["exten"], context=fields["context"])
        return found or self.beside(Extensions).add(fields)

    def _set_caller_id(self, line: Line, fields: dict[str, Any]) -> bool:
        """Write the caller ID of the body to the endpoint; false when the body has none."""
        given = {name: fields[name] for name in _CALLER_ID if name in fields}
        # A body that only repeats what a line without endpoint shows is no change.
        if not given or (line.endpoint is None and not any(given.values())):
            return False
        endpoint: Any = line.endpoint
        if endpoint is None:
            raise errors.BadValue("Cannot set caller id if no endpoint associated", category="")
        for field, value in given.items():
            if value is None:
                raise errors.BadValue(f"Cannot set {_CALLER_ID[field]} to None", category="")
        present = dict(zip(_CALLER_ID, endpoint.caller_id_parts, strict=True))
        for field, value in given.items():
            if field not in endpoint.caller_id_fields and value != present[field]:
                what = _CALLER_ID[field] if endpoint.caller_id_fields else "caller id"
                raise errors.BadValue(f"Cannot set {what} on endpoint of type '{endpoint.kind}'", category="")
        endpoint.change_caller_id(given)
        return True
