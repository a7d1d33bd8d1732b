"""How many users there are of each subscription type."""

from confd_schemas.users.users_subscriptions import users_subscriptions

from ...plugin import Json, Service, read, sql

__all__ = ["UsersSubscriptions"]

_COUNT = sql(
    """
    SELECT json_build_object('total', count(*), 'items', coalesce(json_agg(row_to_json(type)), '[]'::json))::text
    FROM (
        SELECT subscription_type AS id, count(*) AS count FROM users
        WHERE tenant_uuid = $1::uuid AND {tenants} GROUP BY subscription_type ORDER BY subscription_type
    ) AS type
    """,
    tenants="tenant_uuid",
)


class UsersSubscriptions(Service):
    spec = users_subscriptions

    @read
    def list(self) -> Json:
        """The types that users of the caller's tenant have."""
        return Json(_COUNT.read(self.work, self.work.context.tenant))
