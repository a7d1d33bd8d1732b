"""Accounts in the authentication server: an import makes them, beside its transaction, and an export tells of them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from confd_schemas.users.users import ImportedAccount

from ...config import Settings
from ...plugin import AuthServer, errors, loaded
from .csv_rows import Parsed, Row, parsed

__all__ = ["Accounts", "Numbered", "remove_account", "usernames"]


@dataclass(frozen=True)
class Numbered:
    """A row of the CSV, with the uuid that its user will have.

    Attributes:
        columns: values by column.
        number: counted from 1.
        uuid: the same one when the call is repeated.
    """

    columns: Row
    number: int
    uuid: UUID

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


def remove_account(settings: Settings, uuid: str) -> None:
    """Remove the account of a user, if there is one; raises Unavailable."""
    server = _server(settings)
    if server is not None:
        server.remove_account(uuid)


class Accounts:
    """Makes accounts, and removes them again when what follows fails.

    Args:
        settings: of the worker.
        tenant_uuid: of the users.
    """

    def __init__(self, settings: Settings, tenant_uuid: str) -> None:
        self._server = _server(settings)
        self._tenant_uuid = tenant_uuid
        self._made: list[UUID] = []

    @property
    def provided(self) -> bool:
        """Whether there is a server that keeps accounts."""
        return self._server is not None

    def __enter__(self) -> "Accounts":
        return self

    def __exit__(self, kind: object, *exception: object) -> None:
        # A user whose commit was lost may be there, and then needs his account.
        if kind is not None and kind is not errors.OutcomeUnknown and self._server is not None:
            for uuid in self._made:
                self._server.remove_account(uuid)

    def make(self, uuid: UUID, account: dict[str, Any]) -> Any:
        """Make the account of a user, and show it.

        An account of that uuid is there already when an earlier attempt of the same call died: it is this one.

        Args:
            uuid: of the user, the same one in each attempt (`Work.stable_uuid`).

        Raises:
            NotPermitted: there is no authentication server.
            BadValue: it refuses the account.
            Unavailable: it cannot be reached.
        """
        if self._server is None:
            raise errors.NotPermitted("Accounts are not provided by this server")
        named = account | {"username": account["username"] or account["email_address"] or str(uuid)}
        try:
            shown = self._server.make_account(self._tenant_uuid, uuid=str(uuid), **named)
        except errors.BadValue:
            shown = self._server.account(uuid)
            if shown is None:
                raise
        self._made.append(uuid)
        return shown

    def make_of_row(self, row: Numbered) -> errors.ServiceError | None:
        """Make the account of a row's user; the refusal, if it is refused.

        A row that is wrong by itself gets none, and without an authentication server no row does.
        """
        if self._server is None:
            return None
        try:
            given = row.parsed()
            account = loaded(ImportedAccount, given.account)
        except errors.ServiceError:
            return None
        user = given.user
        names = {"firstname": user.get("firstname"), "lastname": user.get("lastname")}
        try:
            self.make(row.uuid, account | names | {"email_address": user.get("email"), "enabled": True})
        except errors.ServiceError as refusal:
            return refusal
        return None
