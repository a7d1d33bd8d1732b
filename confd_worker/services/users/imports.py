"""Users from CSV, each with its line, SIP endpoint, extension and voicemail."""

import csv
import secrets
import string
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID, uuid5

import orjson
from confd_schemas.call_features.voicemails import Voicemail as VoicemailSchema
from confd_schemas.dialplan.extensions import Extension as ExtensionSchema
from confd_schemas.dialplan.incalls import Incall as IncallSchema
from confd_schemas.lines.endpoints_sip import EndpointSIP as EndpointSIPSchema
from confd_schemas.lines.lines import Line as LineSchema
from confd_schemas.users.users import ImportedAccount
from confd_schemas.users.users import User as UserSchema

from ...models.call_features.voicemail import Voicemail
from ...models.dialplan.call_permission import CallPermission
from ...models.dialplan.extension import Extension
from ...models.dialplan.incall import Incall
from ...models.lines.endpoint_sccp import EndpointSCCP
from ...models.lines.endpoint_sip import EndpointSIP
from ...models.lines.line import Line
from ...models.system.tenant import Tenant
from ...models.users.user import User
from ...plugin import Json, ResourceService, all_or_none, errors, in_chunks, loaded, pause, procedure
from ..call_features import voicemails
from ..dialplan import callpermissions as call_permissions
from ..dialplan import extensions
from ..dialplan.contexts import context_named
from ..dialplan.incalls import IncallExtensions, Incalls
from ..lines.endpoints_sccp import EndpointsSCCP
from ..lines.endpoints_sip import EndpointsSIP
from ..lines.line_endpoints import LineEndpointsSCCP, LineEndpointsSIP
from ..lines.line_extensions import LineExtensions
from ..lines.lines import Lines
from .accounts import Accounts, Numbered
from .csv_rows import Parsed, Row, lines
from .import_lookup import Present
from .user_callpermissions import UserCallPermissions
from .user_lines import UserLines
from .user_voicemails import UserVoicemails

__all__ = ["UserImport"]

_TEMPLATES = {"sip": ("global",), "webrtc": ("global", "webrtc")}
_PROTOCOLS = (*_TEMPLATES, "sccp")
# Of the report on one row, at the most where it names no call permissions; the report is one message.
_REPORTED_BYTES = 300


class ImportFailed(errors.ServiceError):
    """Rows of an import were refused, and so nothing was imported.

    Args:
        rows: an error for each such row; the whole of the HTTP answer.
    """

    type, text = "import-failed", "{0} rows were refused; nothing was imported"

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        super().__init__(len(rows))

    @property
    def details(self) -> dict[str, Any]:
        """The whole body of the HTTP answer."""
        return {"body": {"errors": self.rows}}


class TooManyRows(errors.TooLarge):
    """An import has more rows than one may have."""

    text = "{0}: more than {1} rows (CONFD_IMPORT_ROWS); import them in parts"


class TooManyBytes(errors.TooLarge):
    """A CSV is larger than one may be."""

    text = "body: larger than {0} bytes (CONFD_IMPORT_BYTES); import it in parts"


@dataclass(frozen=True)
class _Csv:
    """The rows of a CSV, which are read from its text by each who asks for them.

    Attributes:
        uuid: of the import; the same one when the call is repeated.
    """

    text: str
    uuid: UUID

    def __iter__(self) -> Iterator[Numbered]:
        for number, row in enumerate(lines(self.text), 1):
            yield Numbered(row, number, uuid5(self.uuid, str(number)))


class UserImport(ResourceService):
    """The part of the users' service that imports."""

    @procedure
    def import_(self, body: str) -> Any:
        """Make a user of each row of a CSV; all rows or none.

        Returns:
            `{"created": [{"row_number": 1, "user_id": …, …}, …]}`

        Raises:
            ImportFailed: with an error for each bad row, up to the thousandth.
            TooManyBytes, TooManyRows: it is larger than one import may be.
        """
        self._check_size(body)
        if reply := self.work.recorded():
            return reply
        rows = _Csv(body, self.work.stable_uuid("rows"))
        with self._accounts() as accounts:
            refused = self._without_account(rows, accounts)
            return self.work.once(partial(self._import_all, rows, refused))

    @procedure
    def import_rows(self, rows: list[Row], first: int = 1) -> dict[str, Any]:
        """Make a user of each row, every row by itself: a bad one keeps no other from being imported.

        Args:
            rows: values by column.
            first: number of the first row, for the report.

        Returns:
            `{"created": […], "errors": [{"message": …, "timestamp": …, "details": {"row": …, "row_number": …}}, …]}`

        Raises:
            TooManyRows: there are more than one import may have.
        """
        if not isinstance(first, int) or isinstance(first, bool):
            raise errors.WrongType("first", "number")
        if len(_checked(rows)) > self._most_rows:
            raise TooManyRows("rows", self._most_rows)
        created, failed = [], []
        for chunk in in_chunks(self.work, self._numbered(rows, first)):
            for row in chunk:
                try:
                    created.append(self._import_alone(row))
                except errors.Overdue:
                    raise
                except errors.ServiceError as error:
                    failed.append(_failure(row, error))
        return {"created": created, "errors": failed}

    def _import_alone(self, row: Numbered) -> Any:
        part = f"row {row.number}"
        with self._accounts() as accounts:
            # Without accounts nothing happens beside the transaction, which looks up the record by itself.
            if accounts.provided and (reply := self.work.recorded(part)):
                return reply
            if refusal := accounts.make_of_row(row):
                raise refusal
            return self.work.once(lambda: self._import_chunk([row])[0], part)

    @property
    def _most_rows(self) -> int:
        """How many rows one import may have, so that its report is no larger than a message."""
        return min(self.work.settings.import_rows, self.work.settings.message_limit // _REPORTED_BYTES)

    def _check_size(self, body: Any) -> None:
        """Count the bytes and lines of a CSV, before anything is made of them."""
        if not isinstance(body, str):
            raise errors.WrongType("body", "text")
        most = self.work.settings.import_bytes
        if len(body) > most or (len(body) * 4 > most and len(body.encode()) > most):
            raise TooManyBytes(most)
        if body.count("\n") - body.endswith("\n") > self._most_rows:
            raise TooManyRows("body", self._most_rows)
        try:
            next(lines(body), None)
        except csv.Error as error:
            raise errors.BadValue(f"the first line is not CSV: {error}") from None

    def _numbered(self, rows: Iterable[Row], first: int) -> Iterator[Numbered]:
        for number, row in enumerate(rows, first):
            yield Numbered(row, number, self.work.stable_uuid(f"row {number}"))

    def _without_account(self, rows: _Csv, accounts: Accounts) -> dict[int, errors.ServiceError]:
        """Make the accounts of all rows; why some could not be made, by the places of the rows."""
        if not accounts.provided:
            return {}
        refused = {}
        for chunk in in_chunks(self.work, rows):
            refused.update({row.number - 1: refusal for row in chunk if (refusal := accounts.make_of_row(row))})
        return refused

    def _accounts(self) -> Accounts:
        return Accounts(self.work.settings, self.work.context.tenant)

    def _import_all(self, rows: _Csv, refused: dict[int, errors.ServiceError]) -> dict[str, Any]:
        return {"created": all_or_none(self.work, rows, self._import_chunk, refused=refused, refuse=_failed)}

    def _import_chunk(self, rows: Sequence[Numbered]) -> list[Json]:
        """Make users of rows, of which what one round trip can ask or write for all is asked and written so."""
        self._present = Present(self.work, [row.columns for row in rows])
        made = orjson.dumps([self._import(row) for row in rows])
        # The rows of a list without its brackets, in the least of memory: all of it is kept until the end.
        return [Json(made[1:-1])]

    def _import(self, row: Numbered) -> dict[str, Any]:
        # A hundred rows take longer than a call that others make may wait.
        pause()
        given = row.parsed()
        self._check_context(given.line.get("context"))
        user = self.add(loaded(UserSchema, given.user) | {"uuid": row.uuid})
        loaded(ImportedAccount, given.account)
        voicemail = self._voicemail(given.voicemail)
        permissions = self._call_permissions(given.call_permissions)
        line = self._line(given.line)
        extension = self._extension(given.line)
        incall_extension = self._extension(given.incall)
        incall = None
        if incall_extension is not None:
            incall = self._incall(user, incall_extension, given.incall.get("ring_seconds"))
        endpoint = self._endpoint(given) if line is not None else None
        self._associate(user, voicemail, line, endpoint, extension)
        if incall is not None and incall_extension.incall is None:
            self.beside(IncallExtensions).join(incall, incall_extension)
        for permission in permissions:
            self.beside(UserCallPermissions).join(user, permission)
        return {
            "row_number": row.number,
            "user_id": user.id,
            "user_uuid": user.uuid,
            "voicemail_id": voicemail.id if voicemail else None,
            "line_id": line.id if line else None,
            "sip_uuid": endpoint.uuid if isinstance(endpoint, EndpointSIP) else None,
            "sccp_id": endpoint.id if isinstance(endpoint, EndpointSCCP) else None,
            "extension_id": extension.id if extension else None,
            "incall_extension_id": incall_extension.id if incall_extension else None,
            "call_permission_ids": [permission.id for permission in permissions],
        }

    def _check_context(self, name: str | None) -> None:
        context = context_named(self.work, name) if name else None
        if name and (context is None or str(context.tenant_uuid) != self.work.context.tenant):
            raise errors.NotFound("Context", metadata={"name": name})

    def _voicemail(self, given: dict[str, Any]) -> Voicemail | None:
        number, context = given.get("number"), given.get("context")
        if not number and not context:
            return None
        present = self._present.voicemails
        if (number, context) not in present:
            present[number, context] = self.beside(voicemails.Voicemails).add(loaded(VoicemailSchema, given))
        return present[number, context]

    def _call_permissions(self, names: list[str]) -> list[CallPermission]:
        found = []
        for name in dict.fromkeys(names):
            permission = call_permissions.dao.find(self.work, name=name, tenant_uuid=self.work.context.tenant)
            if permission is None:
                raise errors.NotFound("CallPermission", metadata={"name": name})
            found.append(permission)
        return found

    def _line(self, given: dict[str, Any]) -> Line | None:
        protocol, context = given.get("line_protocol"), given.get("context")
        if context and given.get("exten"):
            if not protocol:
                raise errors.MissingParameters("line_protocol")
            if protocol not in _PROTOCOLS:
                raise errors.InvalidChoice("line_protocol", ", ".join(_PROTOCOLS))
        if not context or protocol not in _PROTOCOLS:
            return None
        return self.beside(Lines).add(loaded(LineSchema, {"context": context}))

    def _extension(self, given: dict[str, Any]) -> Any:
        exten, context = given.get("exten"), given.get("context")
        if not exten or not context:
            return None
        present = self._present.extensions
        if (exten, context) not in present:
            fields = loaded(ExtensionSchema, {"exten": exten, "context": context})
            present[exten, context] = self.beside(extensions.Extensions).add(fields)
        return present[exten, context]

    def _endpoint(self, given: Parsed) -> EndpointSIP | EndpointSCCP:
        protocol = given.line["line_protocol"]
        if protocol == "sccp":
            return self.beside(EndpointsSCCP).add({"options": []})
        username = given.line.get("sip_username") or _random_word()
        if found := self._present.endpoint(username):
            return found
        fields = {
            "name": username,
            "auth_section_options": [
                ["username", username],
                ["password", given.line.get("sip_secret") or _random_word()],
            ],
            "templates": self.work.remembered(("import", protocol), lambda: self._templates(protocol)),
        }
        endpoint = self.beside(EndpointsSIP).add(loaded(EndpointSIPSchema, fields))
        self._present.add_endpoint(username, endpoint)
        return endpoint

    def _templates(self, protocol: str) -> list[dict[str, str]]:
        tenant = self.work.session.get(Tenant, UUID(self.work.context.tenant))
        found = []
        for name in _TEMPLATES[protocol]:
            uuid = tenant and getattr(tenant, f"{name}_sip_template_uuid")
            if uuid is None:
                raise errors.NotFound(f"{name}_sip_template")
            found.append({"uuid": str(uuid)})
        return found

    def _incall(self, user: User, extension: Any, ring_seconds: int | None) -> Incall:
        """The incall that leads calls from outside to the user."""
        destination = {"type": "user", "user_id": user.id, "ring_time": ring_seconds}
        fields = loaded(IncallSchema, {"destination": destination})
        if extension.incall is None:
            return self.beside(Incalls).add(fields)
        self.beside(Incalls).alter(extension.incall, {"destination": fields["destination"]})
        return extension.incall

    def _associate(
        self,
        user: User,
        voicemail: Voicemail | None,
        line: Line | None,
        endpoint: EndpointSIP | EndpointSCCP | None,
        extension: Extension | None,
    ) -> None:
        if voicemail is not None:
            self.beside(UserVoicemails).join(user, voicemail)
        if line is not None and endpoint is not None:
            kind = LineEndpointsSIP if isinstance(endpoint, EndpointSIP) else LineEndpointsSCCP
            self.beside(kind).join(line, endpoint)
            self.beside(UserLines).join(user, line)
            if extension is not None:
                self.beside(LineExtensions).join(line, extension)


def _random_word() -> str:
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(8))


def _checked(rows: Any) -> Any:
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and all((text is None or isinstance(text, str)) for text in row.values()) for row in rows
    ):
        raise errors.WrongType("rows", "list of objects with text values")
    return rows


def _failed(rows: list[tuple[Numbered, errors.ServiceError]]) -> ImportFailed:
    return ImportFailed([_failure(row, error) for row, error in rows])


def _failure(row: Numbered, error: errors.ServiceError) -> dict[str, Any]:
    message = str(error.fields) if isinstance(error, errors.BadFields) else error.message
    return {
        "message": message,
        "timestamp": int(time.time()),
        "details": {"row": row.columns, "row_number": row.number},
    }
