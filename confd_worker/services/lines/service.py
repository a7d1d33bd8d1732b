"""Lines, made and deleted with what belongs to them."""

import secrets
from typing import Any

from confd_schemas.lines import lines

from ...core import errors
from ...core.notifier import Notifier
from ...core.rpc import change
from ...core.validation import Refers, Unique, Validator, changed
from ...models import Line
from ..contexts import InContextService, context_known, tenant_stays
from ..endpoints_sip import EndpointsSIP
from ..extensions import Extensions
from ..extensions import dao as extensions_dao
from ..line_endpoint_sip import LineEndpointsSIP
from ..line_extension import LineExtensions
from ..user_line import UserLines
from .dao import dao, without_device, without_secondary_users

__all__ = ["Lines"]

_CALLER_ID = ("caller_id_name", "caller_id_num")


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
            item.provisioning_code = self._free_code()

    def add(self, fields: dict[str, Any]) -> Line:
        if "endpoint_sccp" in fields or "endpoint_custom" in fields:
            raise errors.NotPermitted("Endpoints of this kind are not provided by this server")
        line = super().add(fields)
        if "endpoint_sip" in fields:
            self._add_endpoint(line, fields["endpoint_sip"])
        if ("endpoint_sip" in fields or fields.get("caller_id_name")) and self._set_caller_id(line, fields):
            self.work.session.flush()
            self.notifier.announce("edited", self.work, line)
        for extension in fields.get("extensions", ()):
            self.beside(LineExtensions).join(line, self._extension(line, extension))
        return line

    def alter(self, item: Line, fields: dict[str, Any]) -> None:
        super().alter(item, fields)
        if self._set_caller_id(item, fields) and changed(item.endpoint_sip):
            self.notifier.reload("changed", self.work)
            self.work.session.flush()

    def remove(self, item: Line) -> None:
        """Delete the line: its users leave it first, and its endpoint goes with it."""
        self.validator.check("delete", self.work, item)
        self._part_users(item)
        self.notifier.tell("deleted", self.work, item)
        endpoint = item.endpoint_sip
        self.dao.delete(self.work, item)
        if endpoint is not None:
            self.work.session.delete(endpoint)
            self.work.session.flush()

    def remove_all(self, item: Line) -> None:
        """Delete the line with its extensions and its endpoint, each with its events."""
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

    def _add_endpoint(self, line: Line, fields: dict[str, Any]) -> None:
        options = fields["endpoint_section_options"]
        if not any(key == "context" for key, _ in options):
            fields = fields | {"endpoint_section_options": [*options, ["context", line.context]]}
        self.beside(LineEndpointsSIP).join(line, self.beside(EndpointsSIP).add(fields))

    def _extension(self, line: Line, fields: dict[str, Any]) -> Any:
        fields = {"context": line.context} | fields
        found = extensions_dao.find(self.work, exten=fields["exten"], context=fields["context"])
        return found or self.beside(Extensions).add(fields)

    def _set_caller_id(self, line: Line, fields: dict[str, Any]) -> bool:
        """Write the caller ID of the body to the endpoint; false when the body has none."""
        given = {name: fields[name] for name in _CALLER_ID if name in fields}
        # A body that only repeats what a line without endpoint shows is no change.
        if not given or (line.protocol is None and not any(given.values())):
            return False
        if line.endpoint_sip is None:
            raise errors.BadValue("Cannot set caller id if no endpoint associated", category="")
        for field, what in zip(_CALLER_ID, ("caller id", "caller id num"), strict=True):
            if field in given and given[field] is None:
                raise errors.BadValue(f"Cannot set {what} to None", category="")
        name, number = line.endpoint_sip.caller_id_parts
        # A name is read back only when something follows it, so that a missing number is written, too.
        number = str(given.get("caller_id_num", number))
        line.endpoint_sip.set_caller_id(given.get("caller_id_name", name or ""), number)
        return True

    def _free_code(self) -> str:
        while True:
            code = str(100_000 + secrets.randbelow(900_000))
            if not self.dao.find(self.work, all_tenants=True, provisioning_code=code):
                return code
