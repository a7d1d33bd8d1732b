"""What a group calls: users by their main lines, and numbers."""

from collections.abc import Sequence
from typing import Any

from confd_schemas.groups import groups_members_extensions, groups_members_users
from sqlalchemy import select

from ..core import errors
from ..core.members import Members
from ..core.notifier import EventType, Notifier
from ..core.rpc import change
from ..core.service import Service
from ..core.validation import SameTenant, Validator
from ..core.work import Work
from ..models import Group, GroupExtensionMember, GroupUserMember, User, UserLine
from .groups import dao, identity
from .users.dao import dao as users_dao

__all__ = ["RELOAD", "GroupMemberExtensions", "GroupMemberUsers", "main_lines", "shared_line"]

RELOAD = ("module reload res_pjsip.so", "module reload app_queue.so", "module reload chan_sccp.so")

_same_tenant = SameTenant("group", "user")
_members = Members(users_dao, "users", "Cannot associate same user more than once", key="uuid")


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


def _in_tenant(work: Work, group: Group, users: Sequence[User]) -> None:
    for user in users:
        _same_tenant(work, group, user)


def _with_lines(work: Work, group: Group, users: Sequence[User]) -> None:
    main_lines(work, users)


def _users_once(work: Work, group: Group, users: Sequence[User]) -> None:
    _members.check_once(users)


def _lines_once(work: Work, group: Group, users: Sequence[User]) -> None:
    seen: set[int] = set()
    for line_id in main_lines(work, users).values():
        if line_id in seen:
            raise shared_line(line_id)
        seen.add(line_id)


class GroupMemberUsers(Service):
    spec = groups_members_users
    argument_names = {"group_uuid": "id"}
    validator = Validator(update=[_in_tenant, _with_lines, _users_once, _lines_once])
    notifier = Notifier(
        {
            "edited": EventType(
                "group_member_users_associated",
                "config.groups.members.users.updated",
                lambda group, users: {**identity(group), "user_uuids": [user.uuid for user in users]},
            )
        },
        reload=RELOAD,
    )

    @change
    def edit(self, id: Any, body: Any) -> None:
        """Replace the users whom the group calls."""
        group = dao.get(self.work, id)
        given = self.load("edit", body)
        users = _members.known(self.work, given)
        self.validator.check("update", self.work, group, users)
        present = {member.user_id: member for member in group.user_members}
        group.user_members = [present.get(user.id) or GroupUserMember(user_id=user.id) for user in users]
        for place, (member, told) in enumerate(zip(group.user_members, given["users"], strict=True)):
            member.priority = told.get("priority", place)
        self.work.session.flush()
        self.notifier.tell("edited", self.work, group, users)


def _numbers_once(work: Work, group: Group, numbers: Sequence[tuple[str, str]]) -> None:
    if len(set(numbers)) < len(numbers):
        raise errors.NotPermitted("Cannot associate same extensions more than once")


class GroupMemberExtensions(Service):
    spec = groups_members_extensions
    argument_names = {"group_uuid": "id"}
    validator = Validator(update=[_numbers_once])
    notifier = Notifier(
        {
            "edited": EventType(
                "group_member_extensions_associated",
                "config.groups.members.extensions.updated",
                lambda group, numbers: {
                    **identity(group),
                    "extensions": [{"exten": exten, "context": context} for exten, context in numbers],
                },
            )
        },
        reload=RELOAD,
    )

    @change
    def edit(self, id: Any, body: Any) -> None:
        """Replace the numbers that the group calls."""
        group = dao.get(self.work, id)
        given = self.load("edit", body)["extensions"]
        numbers = [(each["exten"], each["context"]) for each in given]
        self.validator.check("update", self.work, group, numbers)
        present = {(member.exten, member.context): member for member in group.extension_members}
        group.extension_members = [
            present.get(number) or GroupExtensionMember(exten=number[0], context=number[1]) for number in numbers
        ]
        for place, (member, told) in enumerate(zip(group.extension_members, given, strict=True)):
            member.priority = told.get("priority", place)
        self.work.session.flush()
        self.notifier.tell("edited", self.work, group, numbers)
