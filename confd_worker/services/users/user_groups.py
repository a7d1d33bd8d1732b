"""Groups of a user."""

from collections.abc import Sequence
from typing import Any

from confd_schemas.users.user_groups import user_groups
from sqlalchemy import select

from ...models.call_features.group import Group, GroupUserMember
from ...models.lines.line import UserLine
from ...models.users.user import User
from ...plugin import EachSameTenant, EventType, Given, Members, MembersService, Notifier, Once, Validator, Work
from ..call_features.group_members import RELOAD, main_lines, shared_line
from ..call_features.groups import dao as groups_dao
from .dao import dao as users_dao

__all__ = ["UserGroups"]

members = Members(groups_dao, "groups", "id", "uuid")


def _with_line(work: Work, user: User, groups: Sequence[Group]) -> None:
    if groups:
        main_lines(work, [user])


def _line_once(work: Work, user: User, groups: Sequence[Group]) -> None:
    """No other user with the same main line is in one of the groups."""
    if not groups:
        return
    line_id = main_lines(work, [user])[user.id]
    query = (
        select(GroupUserMember.group_id)
        .join(UserLine, UserLine.user_id == GroupUserMember.user_id)
        .where(GroupUserMember.group_id.in_({group.id for group in groups}), GroupUserMember.user_id != user.id)
        .where(UserLine.main_line, UserLine.line_id == line_id)
        .limit(1)
    )
    if work.session.scalar(query) is not None:
        raise shared_line(line_id)


class UserGroups(MembersService):
    """The groups of a user; where he was already, he keeps his priority."""

    spec = user_groups
    owner, members = users_dao, members
    relation, holds = "group_members", ("group_id",)
    validator = Validator(
        replace=[
            EachSameTenant("group", "user", swapped=True),
            _with_line,
            Once("Cannot associate same group more than once"),
            _line_once,
        ]
    )
    notifier = Notifier(
        {
            "replaced": EventType(
                "user_groups_associated",
                "config.users.groups.updated",
                lambda user, groups: {"user_uuid": user.uuid, "group_ids": [group.id for group in groups]},
                lambda user, groups: [user.uuid],
            )
        },
        reload=RELOAD,
    )

    def wanted(self, id: Any, body: Any) -> tuple[User, list[Group], Given]:
        """The user and his groups to be, of which the groups are looked up first."""
        given = self.given(body)
        groups = self.members.find(self.work, given)
        return self.owner.get(self.work, id), groups, given
