"""How voicemails tell the time of a message, by time zone."""

from typing import Any

from confd_schemas.voicemail_zonemessages import voicemail_zonemessages
from sqlalchemy import delete, text

from ..core.notifier import EventType, Notifier
from ..core.rpc import change, read
from ..core.service import Service
from ..core.statements import Statement
from ..core.work import Json
from ..models import ZoneMessage

__all__ = ["ZoneMessages"]

_ALL = Statement("""
    SELECT json_build_object('items', coalesce(json_agg(row_to_json(item)), '[]'::json))::text
    FROM (SELECT name, timezone, message FROM voicemail_zonemessages ORDER BY position) AS item
""")
# Two that replace the list at once would otherwise leave a mixture of both.
_LOCK = text("LOCK TABLE voicemail_zonemessages IN SHARE ROW EXCLUSIVE MODE")


class ZoneMessages(Service):
    spec = voicemail_zonemessages
    notifier = Notifier(
        {"edited": EventType("voicemail_zonemessages_edited", "config.voicemail_zonemessages.edited", tenant=False)},
        reload=["voicemail reload"],
    )

    @read
    def get(self) -> Json:
        """All of them, as `{"items": […]}`."""
        return Json(self.work.read(_ALL))

    @change
    def update(self, body: Any) -> None:
        """Replace all; voicemails keep the name of one that is gone."""
        items = self.load("update", body)["items"]
        self.work.session.execute(_LOCK)
        self.work.session.execute(delete(ZoneMessage))
        self.work.session.add_all(ZoneMessage(position=n, **item) for n, item in enumerate(items))
        self.notifier.tell("edited", self.work)
