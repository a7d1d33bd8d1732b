"""What the rows of an import name and what may be there already, asked for all of them at once."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from ...models.lines.endpoint_sip import EndpointSIP
from ...plugin import Work, sql, storable
from ..call_features import voicemails
from ..dialplan import extensions
from ..lines import endpoints_sip
from .csv_rows import Row

__all__ = ["Present"]

_ENDPOINTS = sql(
    """
    SELECT json_object_agg(wanted.username, uuid)
    FROM unnest($1::text[]) AS wanted (username)
    JOIN endpoint_sip ON auth_section_options @> jsonb_build_array(jsonb_build_array('username', wanted.username))
    WHERE NOT template AND {tenants}
    """,
    tenants="endpoint_sip.tenant_uuid",
)


class Present:
    """What is there; who adds to it tells so here.

    Attributes:
        extensions: by exten and context.
        voicemails: by number and context.
    """

    def __init__(self, work: Work, rows: Sequence[Row]) -> None:
        self._work = work
        extens = {*_named(rows, "exten", "context"), *_named(rows, "incall_exten", "incall_context")}
        self.extensions: dict[Any, Any] = extensions.dao.among(work, ("exten", "context"), extens)
        boxes = _named(rows, "voicemail_number", "voicemail_context")
        self.voicemails: dict[Any, Any] = voicemails.dao.among(work, ("number", "context"), boxes)
        usernames = [name for (name,) in _named(rows, "sip_username")]
        self._endpoints: dict[str, Any] = _ENDPOINTS.read(work, usernames) or {}

    def endpoint(self, username: str) -> EndpointSIP | None:
        """The SIP endpoint with that username, if there is one."""
        uuid = self._endpoints.get(username)
        return uuid and endpoints_sip.dao.get(self._work, UUID(str(uuid)))

    def add_endpoint(self, username: str, endpoint: EndpointSIP) -> None:
        """Tell of a new endpoint."""
        self._endpoints[username] = endpoint.uuid


def _named(rows: Sequence[Row], *columns: str) -> Iterator[tuple[str, ...]]:
    """What the rows have in these columns, where they have something in each."""
    for row in rows:
        values = tuple(value for column in columns if (value := row.get(column)) and storable(value))
        if len(values) == len(columns):
            yield values
