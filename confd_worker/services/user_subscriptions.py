"""How many users there are of each subscription type."""

from confd_schemas.user_subscriptions import user_subscriptions

from ..core.rpc import read
from ..core.service import Service
from ..core.statements import Statement
from ..core.work import Json

__all__ = ["UserSubscriptions"]

_COUNT = Statement("""
    SELECT json_build_object('total', count(*), 'items', coalesce(json_agg(row_to_json(type)), '[]'::json))::text
    FROM (
        SELECT subscription_type AS id, count(*) AS count FROM users
        WHERE tenant_uuid = $1::uuid GROUP BY subscription_type ORDER BY subscription_type
    ) AS type
""")


class UserSubscriptions(Service):
    spec = user_subscriptions

    @read
    def list(self) -> Json:
        """The types that users of the caller's tenant have."""
        return Json(self.work.read(_COUNT, (self.work.context.tenant,)))
