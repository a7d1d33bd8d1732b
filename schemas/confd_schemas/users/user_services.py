"""Services of a user: do not disturb, and the filter of incoming calls."""

from .. import fields
from ..schema import Schema
from ..spec import Operation, operation, singleton

__all__ = ["UserService", "UserServices", "user_services"]


class UserService(Schema):
    """Whether a service is on."""

    enabled = fields.StrictBoolean(required=True)


class UserServices(Schema):
    """All services; those left out are not changed."""

    dnd = fields.Nested(UserService)
    incallfilter = fields.Nested(UserService)


def _one(name: str) -> tuple[Operation, ...]:
    # Both services have the ACL of dnd.
    path, acl, constants = (
        f"/users/{{user_id:id}}/services/{name}",
        "confd.users.{user_id}.services.dnd",
        {"name": name},
    )
    return (
        operation("GET", path, "user_services.get_one", acl=f"{acl}.read", answer=UserService, constants=constants),
        operation("PUT", path, "user_services.update_one", acl=f"{acl}.update", body=UserService, constants=constants),
    )


user_services = singleton(
    "/users/{user_id:id}/services",
    UserServices,
    label="User",
    id="user_id",
    update={"partial": True},
    also=(*_one("dnd"), *_one("incallfilter")),
)
