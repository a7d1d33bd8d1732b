"""Lines of a user: his first line is his main one, and a line's first user its main user."""

from collections.abc import Sequence
from typing import Any

from confd_schemas.users.user_lines import user_lines

from ...models.lines.line import Line, UserLine
from ...models.users.user import User
from ...plugin import (
    ALL_TENANTS,
    AssociationService,
    Given,
    Members,
    MembersService,
    Notifier,
    Once,
    Pair,
    SameTenant,
    Validator,
    Work,
    errors,
    sql,
)
from ..lines.dao import dao as lines_dao
from ..lines.dao import has_endpoint, without_device, without_secondary_users
from .dao import dao as users_dao

__all__ = ["UserLines"]


def _link(user: User, line: Line) -> UserLine | None:
    return next((link for link in user.user_lines if link.line_id == line.id), None)


def _body(user: User, line: Line) -> dict[str, Any]:
    link = _link(user, line)
    assert link is not None
    return {
        "line": {
            "id": line.id,
            "name": line.name,
            "endpoint_sip": {"uuid": line.endpoint_sip_uuid} if line.endpoint_sip_uuid else None,
            "endpoint_sccp": {"id": line.endpoint_sccp_id} if line.endpoint_sccp_id else None,
            "endpoint_custom": {"id": line.endpoint_custom_id} if line.endpoint_custom_id else None,
        },
        "main_line": link.main_line,
        "main_user": link.main_user,
        "user": {"id": user.id, "uuid": user.uuid, "tenant_uuid": user.tenant_uuid},
    }


_LED_BY_ANOTHER = sql(
    """
    SELECT link.line_id
    FROM line_extensions link JOIN user_lines ON user_lines.line_id = link.line_id
    WHERE link.extension_id = $1::integer AND link.line_id <> $2::integer
        AND user_lines.main_user AND user_lines.user_id <> $3::integer
    LIMIT 1
    """,
    tenants=ALL_TENANTS,
)
"""A line with an extension, but another line than this one, whose main user is another user than this one."""


def _extension_is_his(work: Work, user: User, line: Line) -> None:
    """Where the line's extension is on other lines, too, their main users are this user."""
    for extension in line.extensions:
        if vars(extension).get("lines") == [line]:
            continue
        other = _LED_BY_ANOTHER.read(work, extension.id, line.id, user.id)
        if other is not None:
            raise errors.Associated("Line", "Extension", metadata={"line_id": other, "extension_id": extension.id})


class UserLines(MembersService, AssociationService):
    spec = user_lines
    left = owner = users_dao
    right, members = lines_dao, Members(lines_dao, "lines")
    validator = Validator(
        associate=[SameTenant("user", "line"), has_endpoint, _extension_is_his],
        dissociate=[without_secondary_users, without_device],
        replace=[Once("Cannot associate same line more than once")],
    )
    notifier = Notifier.association(
        "user_line",
        "config.users.{0.uuid}.lines.{1.id}",
        _body,
        users=lambda user, line: [user.uuid],
        reload=["dialplan reload", "module reload res_pjsip.so"],
    )
    example = Pair(right={"endpoint_sip": {}})

    def put(self, owner: User, members: Sequence[Line], given: Given = ()) -> None:
        """Give the user these lines and no others; the first becomes his main line."""
        self.validator.check("replace", self.work, owner, members)
        leaving = [link.line for link in owner.user_lines if link.line not in members]
        coming = [line for line in members if not self.joined(owner, line)]
        for operation, lines in (("dissociate", leaving), ("associate", coming)):
            for line in lines:
                self.validator.check(operation, self.work, owner, line)
        for line in leaving:
            self.part(owner, line)
        for line in coming:
            self.attach(owner, line)
        self._set_main(owner, members[0] if members else None)
        for line in members:
            self.notifier.tell("associated", self.work, owner, line)

    def find(self, left: Any, right: Any) -> tuple[User, Line]:
        """Both, with what the rules ask of them."""
        user = self.left.get(self.work, left, User.user_lines)
        return user, self.right.get(self.work, right, Line.extensions, Line.user_lines)

    def joined(self, left: User, right: Line) -> bool:
        return _link(left, right) is not None

    def attach(self, left: User, right: Line) -> None:
        link = UserLine(
            user_id=left.id,
            line_id=right.id,
            main_line=not left.user_lines,
            main_user=not any(each.main_user for each in right.user_lines),
        )
        left.user_lines.append(link)
        if link not in right.user_lines:
            right.user_lines.append(link)
        right.follow_main_user()

    def part(self, left: User, right: Line) -> None:
        """Part a user and a line: rules, event with the state before, rows."""
        self.validator.check("dissociate", self.work, left, right)
        self.notifier.tell("dissociated", self.work, left, right)
        self.detach(left, right)
        self.work.flush()

    def detach(self, left: User, right: Line) -> None:
        link = _link(left, right)
        assert link is not None
        left.user_lines.remove(link)
        right.user_lines.remove(link)
        self.work.session.delete(link)
        self.work.flush()
        if link.main_line and left.user_lines:
            self._set_main(left, min((each.line for each in left.user_lines), key=lambda line: line.id))

    def _set_main(self, user: User, line: Line | None) -> None:
        """Make it the user's main line; the present one steps back first, as there is only one at any time."""
        for link in user.user_lines:
            if link.main_line and link.line is not line:
                link.main_line = False
        self.work.flush()
        for link in user.user_lines:
            if link.line is line:
                link.main_line = True
        self.work.flush()
