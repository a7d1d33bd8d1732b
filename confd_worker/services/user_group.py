"""Groups of a user."""

from collections.abc import Sequence
from typing import Any

from confd_schemas.user_group import user_group
from sqlalchemy import or_, select

from ..core import errors
from ..core.notifier import EventType, Notifier
from ..core.rpc import change
from ..core.service import Service
from ..core.validation import SameTenant, Validator
from ..core.work import Work
from ..models import Group, GroupUserMember, User, UserLine
from .group_members import RELOAD, main_lines, shared_line
from .users.dao import dao as users_dao

__all__ = ["UserGroups", "known_groups"]

_same_tenant = SameTenant("group", "user")


def known_groups(work: Work, references: Sequence[dict[str, Any]]) -> list[Group]:
    """The groups that a body names by id, by uuid or by both, locked; raises ParameterNotFound."""
    ids = {each["id"] for each in references if "id" in each}
    uuids = {each["uuid"] for each in references if "uuid" in each}
    query = select(Group).where(or_(Group.id.in_(ids), Group.uuid.in_(uuids))).order_by(Group.id)
    groups = work.session.scalars(query.with_for_update(key_share=True)).all()
    found = []
    for each in references:
        group = next((group for group in groups if _matches(group, each)), None)
        if group is None:
            raise errors.ParameterNotFound("groups", "Group", metadata=each)
        found.append(group)
    return found


def _matches(group: Group, reference: dict[str, Any]) -> bool:
    return all(getattr(group, name) == value for name, value in reference.items())


def _in_tenant(work: Work, user: User, groups: Sequence[Group]) -> None:
    for group in groups:
        _same_tenant(work, group, user)


def _with_line(work: Work, user: User, groups: Sequence[Group]) -> None:
    if groups:
        main_lines(work, [user])


def _groups_once(work: Work, user: User, groups: Sequence[Group]) -> None:
    if len(set(groups)) < len(groups):
        raise errors.NotPermitted("Cannot associate same group more than once")


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


class UserGroups(Service):
    spec = user_group
    validator = Validator(replace=[_in_tenant, _with_line, _groups_once, _line_once])
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

    @change
    def replace(self, user_id: Any, body: Any) -> None:
        """Put the user into these groups and no others; where he was already, he keeps his priority."""
        groups = known_groups(self.work, self.load("replace", body)["groups"])
        self.put(users_dao.get(self.work, user_id), groups)

    def put(self, user: User, groups: Sequence[Group]) -> None:
        """Put a user into these groups and no others: rules, rows, event."""
        session = self.work.session
        self.validator.check("replace", self.work, user, groups)
        query = select(GroupUserMember).where(GroupUserMember.user_id == user.id)
        present = {member.group_id: member for member in session.scalars(query)}
        wanted = {group.id for group in groups}
        for group_id, member in present.items():
            if group_id not in wanted:
                session.delete(member)
        session.add_all(GroupUserMember(group_id=id_, user_id=user.id) for id_ in sorted(wanted - present.keys()))
        session.flush()
        self.notifier.tell("replaced", self.work, user, groups)
