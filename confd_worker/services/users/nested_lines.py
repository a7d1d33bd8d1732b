"""Lines in nested bodies of users."""

from typing import Any

from confd_schemas.lines.lines import LineExtension
from confd_schemas.users.nested import UserLine

from ...models.lines.line import Line
from ...models.users.user import User
from ...plugin import errors, loaded
from ..dialplan.extensions import Extensions, used
from ..dialplan.extensions import dao as extensions_dao
from ..lines.dao import dao as lines_dao
from ..lines.endpoints_sip import in_context
from ..lines.line_extensions import LineExtensions
from ..lines.lines import ENDPOINTS, Lines
from .nested import Belonging
from .user_lines import UserLines

__all__ = ["OwnLines"]

_NESTED = ("id", "device_id", "extensions", *ENDPOINTS)
_KINDS = {"endpoint_sip": "SIP", "endpoint_sccp": "SCCP", "endpoint_custom": "custom"}


class OwnLines(Belonging):
    member = "lines"

    def give(self, user: User, given: list[dict[str, Any]]) -> None:
        for fields in given:
            self._add(user, fields)

    def replace(self, user: User, given: list[dict[str, Any]]) -> None:
        present: dict[Any, Line] = lines_dao.all(self.work, [link.line_id for link in user.user_lines])
        staying = {fields.get("id") for fields in given}
        for line_id, line in present.items():
            if line_id not in staying:
                self.beside(Lines).remove_all(line)
        for fields in given:
            if fields.get("id") in present:
                self._change(present[fields["id"]], fields)
            else:
                self._add(user, loaded(UserLine, fields))

    def take(self, user: User) -> None:
        for line in lines_dao.all(self.work, [link.line_id for link in user.user_lines]).values():
            self.beside(Lines).remove_all(line)

    def _add(self, user: User, fields: dict[str, Any]) -> None:
        line = self.beside(Lines).add({name: value for name, value in fields.items() if name != "device_id"})
        self.beside(UserLines).join(user, line)
        self._provision(line, fields.get("device_id"))

    def _change(self, line: Line, fields: dict[str, Any]) -> None:
        for member in ENDPOINTS:
            if member in fields:
                self._change_endpoint(line, member, fields[member], fields["context"])
        self.beside(Lines).alter(line, {name: value for name, value in fields.items() if name not in _NESTED})
        if fields.get("extensions"):
            self._change_extensions(line, fields["extensions"])
        self._provision(line, fields.get("device_id"))

    def _change_endpoint(self, line: Line, member: str, fields: dict[str, Any], context: str) -> None:
        endpoint: Any = line.endpoint
        service: Any = ENDPOINTS[member][0]
        if endpoint is None:
            self.beside(Lines).add_endpoint(line, member, loaded(service.spec.schema, fields))
            return
        if f"endpoint_{endpoint.kind}" != member:
            raise errors.BadValue(
                f"There is already an endpoint associated to the line that is not of type {_KINDS[member]}. "
                "Cannot update the line with another endpoint type",
                category="",
            )
        if endpoint.key not in fields:
            raise errors.BadFields({"lines": {member: {endpoint.key: ["Missing data for required field."]}}})
        if fields[endpoint.key] != getattr(endpoint, endpoint.key):
            raise service.dao.not_found(fields[endpoint.key])
        change = {name: value for name, value in fields.items() if name != endpoint.key}
        if member == "endpoint_sip":
            # What a line shows of its endpoint may be sent back: the username alone takes no password away.
            if change.get("auth_section_options") == endpoint.pairs("auth", "username"):
                del change["auth_section_options"]
            if "endpoint_section_options" in change:
                change = in_context(change, context)
        if change:
            self.beside(service).alter(endpoint, change)

    def _change_extensions(self, line: Line, given: list[dict[str, Any]]) -> None:
        extensions, line_extensions = self.beside(Extensions), self.beside(LineExtensions)
        staying = {fields.get("id") for fields in given}
        for extension in [each for each in line.extensions if each.id not in staying]:
            line_extensions.part(line, extension)
            if not used(extension):
                extensions.remove(extension)
        for fields in given:
            if "id" in fields:
                extension = extensions_dao.get(self.work, fields["id"])
                extensions.alter(extension, {name: value for name, value in fields.items() if name != "id"})
            else:
                extension = extensions.add({"context": line.context} | loaded(LineExtension, fields))
            if extension not in line.extensions:
                line_extensions.join(line, extension)

    def _provision(self, line: Line, device_id: str | None) -> None:
        if device_id is not None and device_id != line.device_id:
            raise errors.NotFound("Device", metadata={"id": device_id})
