"""Accounts in the authentication server: an import makes them, beside its transaction, and an export tells of them."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from confd_schemas.users import UserAccount

from ...config import Settings
from ...core import errors
from ...core.auth import AuthServer
from ...core.service import loaded
from .csv_rows import Parsed, Row, parsed

__all__ = ["Accounts", "Numbered", "usernames"]


@dataclass(frozen=True)
class Numbered:
    """A row of the CSV, with the uuid that its user will have.

    Attributes:
        columns: values by column.
        number: counted from 1.
    """

    columns: Row
    number: int
    uuid: UUID = field(default_factory=uuid4)

    def parsed(self) -> Parsed:
        """The row, taken apart.

        Raises:
            BadValue, InvalidChoice, WrongType: it is no CSV, or a value is no flag or number.
        """
        if "" in self.columns:
            raise errors.BadValue(f"not CSV: {self.columns['']}")
        return parsed(self.columns)


def _server(settings: Settings) -> AuthServer | None:
    return AuthServer(settings) if settings.auth_mode == "wazo" and settings.auth_username else None


def usernames(settings: Settings, tenant_uuid: str) -> dict[str, str]:
    """The names of a tenant's accounts by the uuids of their users; none without an authentication server.

    Raises:
        Unavailable: the server cannot be reached.
    """
    server = _server(settings)
    listed = server.ask("GET", "/users", tenant_uuid=tenant_uuid)["items"] if server else ()
    return {account["uuid"]: account["username"] for account in listed}


class Accounts:
    """Makes accounts, and removes them again when what follows fails; makes none without an authentication server.

    Args:
        settings: of the worker.
        tenant_uuid: of the users.
    """

    def __init__(self, settings: Settings, tenant_uuid: str) -> None:
        self._server = _server(settings)
        self._tenant_uuid = tenant_uuid
        self._made: list[UUID] = []

    def __enter__(self) -> "Accounts":
        return self

    def __exit__(self, kind: object, *exception: object) -> None:
        if kind is not None and self._server is not None:
            for uuid in self._made:
                self._server.remove_account(uuid)

    def make(self, row: Numbered) -> errors.ServiceError | None:
        """Make the account of a row's user; the refusal, if it is refused.

        A row that is wrong by itself gets none: the import says why.
        """
        if self._server is None:
            return None
        try:
            given = row.parsed()
            account = loaded(UserAccount, given.account)
        except errors.ServiceError:
            return None
        user = given.user
        try:
            self._server.make_account(
                self._tenant_uuid,
                uuid=str(row.uuid),
                username=account["username"] or user.get("email") or str(row.uuid),
                password=account["password"],
                firstname=user.get("firstname"),
                lastname=user.get("lastname"),
                email_address=user.get("email"),
                enabled=True,
            )
        except errors.ServiceError as refusal:
            return refusal
        self._made.append(row.uuid)
        return None
