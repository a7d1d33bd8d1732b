"""How voicemails tell the time of a message, by time zone."""

from typing import Any

from confd_schemas.system.asterisk_voicemail_zonemessages import asterisk_voicemail_zonemessages
from sqlalchemy import delete

from ...models.call_features.voicemail import ZoneMessage
from ...plugin import ALL_TENANTS, EventType, Json, Notifier, Service, change, read, sql

__all__ = ["ZoneMessages"]

_ALL = sql(
    """
    SELECT json_build_object('items', coalesce(json_agg(row_to_json(item)), '[]'::json))::text
    FROM (SELECT name, timezone, message FROM voicemail_zonemessages ORDER BY position) AS item
    """,
    tenants=ALL_TENANTS,
)
# Two that replace the list at once would otherwise leave a mixture of both.
_LOCK = sql("SELECT pg_advisory_xact_lock(hashtext('voicemail_zonemessages'))", tenants=ALL_TENANTS)


class ZoneMessages(Service):
    spec = asterisk_voicemail_zonemessages
    notifier = Notifier(
        {"edited": EventType("voicemail_zonemessages_edited", "config.voicemail_zonemessages.edited", tenant=False)},
        reload=["voicemail reload"],
    )

    @read
    def get(self) -> Json:
        """All of them, as `{"items": […]}`."""
        return Json(_ALL.read(self.work))

    @change
    def update(self, body: Any) -> None:
        """Replace all; voicemails keep the name of one that is gone."""
        items = self.load("update", body)["items"]
        _LOCK.read(self.work)
        self.work.session.execute(delete(ZoneMessage))
        self.work.session.add_all(ZoneMessage(position=n, **item) for n, item in enumerate(items))
        self.notifier.tell("edited", self.work)
