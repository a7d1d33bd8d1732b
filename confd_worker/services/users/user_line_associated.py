"""The SIP endpoint of a user's line, as telephones of the user read it."""

from typing import Any
from uuid import UUID

from confd_schemas.lines.endpoints_sip import EndpointSIPMerged
from confd_schemas.users.user_line_associated import user_line_associated_endpoints_sip

from ...plugin import Json, Service, errors, read, sql
from ..lines.dao import dao as lines_dao
from ..lines.endpoints_sip import dao as endpoints_dao
from .dao import dao as users_dao

__all__ = ["UserLineAssociatedEndpointsSIP"]

_OF_LINE = """
    SELECT line.endpoint_sip_uuid::text FROM lines line JOIN user_lines link ON link.line_id = line.id
    JOIN users ON users.id = link.user_id WHERE users.uuid = $1::uuid AND {tenants}
"""
_OF_ONE_LINE = sql(f"{_OF_LINE} AND line.id = $2::int", tenants="users.tenant_uuid")
_OF_MAIN_LINE = sql(f"{_OF_LINE} AND link.main_line", tenants="users.tenant_uuid")


class NothingThere(errors.ServiceError):
    """What the path leads to is not there, though each of its ids is known; the gateway shows the text alone."""

    status, type, text = 404, "not-found", "Resource Not Found."

    @property
    def details(self) -> dict[str, Any]:
        """The whole body of the HTTP answer."""
        return {"body": self.message}


class UserLineAssociatedEndpointsSIP(Service):
    spec = user_line_associated_endpoints_sip

    @read
    def get(self, user_uuid: str, line_id: int | str, view: str | None = None) -> Json:
        """The endpoint of one of the user's lines.

        Args:
            line_id: id of the line, or `main` for the user's main line.
            view: `merged` shows it with the options that it inherits.
        """
        self._user_known(user_uuid)
        merged = self.options("get", {"view": view}).get("view")
        if line_id == "main":
            endpoint = _OF_MAIN_LINE.read(self.work, str(user_uuid))
        else:
            self._line_known(line_id)
            endpoint = _OF_ONE_LINE.read(self.work, str(user_uuid), int(line_id))
        if endpoint is None:
            raise NothingThere()
        return endpoints_dao.show(self.work, endpoint, EndpointSIPMerged if merged else None)

    def _user_known(self, user_uuid: str) -> None:
        try:
            # No integer id here, which other paths take as well.
            users_dao.show(self.work, UUID(str(user_uuid)))
        except (errors.NotFound, ValueError) as error:
            raise errors.NotFound("UserFeatures", metadata={"uuid": str(user_uuid)}) from error

    def _line_known(self, line_id: Any) -> None:
        try:
            lines_dao.show(self.work, line_id)
        except errors.NotFound as error:
            raise errors.NotFound("Line", metadata={"id": str(line_id)}) from error
