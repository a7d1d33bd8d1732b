"""What a group calls: users by their main lines, and numbers."""

from collections.abc import Sequence

from confd_schemas.call_features.groups import group_members_extensions, group_members_users
from sqlalchemy import select

from ...models.call_features.group import Group
from ...models.lines.line import UserLine
from ...models.users.user import User
from ...plugin import (
    PLACE,
    EachSameTenant,
    EventType,
    Members,
    MembersService,
    Notifier,
    Once,
    Validator,
    Values,
    Work,
    errors,
)
from ..users.dao import dao as users_dao
from .groups import dao, group

__all__ = ["RELOAD", "GroupMembersExtensions", "GroupMembersUsers", "main_lines", "shared_line"]

RELOAD = ("module reload res_pjsip.so", "module reload app_queue.so", "module reload chan_sccp.so")


def main_lines(work: Work, users: Sequence[User]) -> dict[int, int]:
    """Ids of the users' main lines by the users' ids.

    Raises:
        MissingAssociation: one has no line.
    """
    of_users = UserLine.user_id.in_({user.id for user in users})
    query = select(UserLine.user_id, UserLine.line_id).where(UserLine.main_line, of_users)
    found = dict(work.session.execute(query).tuples().all())
    for user in users:
        if user.id not in found:
            raise errors.MissingAssociation("User", "Line", metadata={"user_uuid": str(user.uuid)})
    return found


def shared_line(line_id: int) -> errors.NotPermitted:
    """The error for two members with one main line."""
    return errors.NotPermitted("Cannot associate different users with the same line", metadata={"line_id": line_id})


def _with_lines(work: Work, group: Group, users: Sequence[User]) -> None:
    main_lines(work, users)


def _lines_once(work: Work, group: Group, users: Sequence[User]) -> None:
    seen: set[int] = set()
    for line_id in main_lines(work, users).values():
        if line_id in seen:
            raise shared_line(line_id)
        seen.add(line_id)


class GroupMembersUsers(MembersService):
    spec = group_members_users
    owner, members = dao, Members(users_dao, "users", "uuid")
    relation, holds, details = "user_members", ("user_id",), {"priority": PLACE}
    validator = Validator(
        replace=[
            EachSameTenant("group", "user"),
            _with_lines,
            Once("Cannot associate same user more than once"),
            _lines_once,
        ]
    )
    notifier = Notifier(
        {
            "replaced": EventType(
                "group_member_users_associated",
                "config.groups.members.users.updated",
                lambda item, users: {**group.told(item), "user_uuids": [user.uuid for user in users]},
            )
        },
        reload=RELOAD,
    )


class GroupMembersExtensions(MembersService):
    """The numbers that a group calls."""

    spec = group_members_extensions
    owner, members = dao, Values("extensions", "exten", "context")
    relation, holds, details = "extension_members", ("exten", "context"), {"priority": PLACE}
    validator = Validator(replace=[Once("Cannot associate same extensions more than once")])
    notifier = Notifier(
        {
            "replaced": EventType(
                "group_member_extensions_associated",
                "config.groups.members.extensions.updated",
                lambda item, numbers: {
                    **group.told(item),
                    "extensions": [{"exten": exten, "context": context} for exten, context in numbers],
                },
            )
        },
        reload=RELOAD,
    )
