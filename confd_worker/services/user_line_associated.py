"""The SIP endpoint of a user's line, as telephones of the user read it."""

from typing import Any
from uuid import UUID

from confd_schemas.endpoints_sip import EndpointSIPMerged
from confd_schemas.user_line_associated import user_line_associated

from ..core import errors
from ..core.rpc import read
from ..core.service import Service
from ..core.statements import Statement
from ..core.work import Json
from .endpoints_sip import dao as endpoints_dao
from .lines.dao import dao as lines_dao
from .users.dao import dao as users_dao

__all__ = ["UserLineAssociated"]

_OF_LINE = Statement("""
    SELECT line.endpoint_sip_uuid::text FROM lines line JOIN user_lines link ON link.line_id = line.id
    JOIN users ON users.id = link.user_id WHERE users.uuid = $1::uuid AND line.id = $2::int
""")
_OF_MAIN_LINE = Statement("""
    SELECT line.endpoint_sip_uuid::text FROM lines line JOIN user_lines link ON link.line_id = line.id
    JOIN users ON users.id = link.user_id WHERE users.uuid = $1::uuid AND link.main_line
""")


class UserLineAssociated(Service):
    spec = user_line_associated

    @read
    def get_sip(self, user_uuid: str, line_id: int | str, view: str | None = None) -> Json:
        """The endpoint of one of the user's lines.

        Args:
            line_id: id of the line, or `main` for the user's main line.
            view: `merged` shows it with the options that it inherits.
        """
        self._user_known(user_uuid)
        merged = self.options("get_sip", {"view": view}).get("view")
        if line_id == "main":
            endpoint = self.work.read(_OF_MAIN_LINE, (str(user_uuid),))
        else:
            self._line_known(line_id)
            endpoint = self.work.read(_OF_LINE, (str(user_uuid), int(line_id)))
        if endpoint is None:
            raise errors.NothingThere()
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
