"""The extension of a line."""

from typing import Any

from confd_schemas.lines.line_extensions import line_extensions
from sqlalchemy import select

from ...models.dialplan.extension import Extension
from ...models.lines.line import Line, LineExtension, UserLine
from ...plugin import AssociationService, AtMostOne, Json, Notifier, Pair, SameTenant, Validator, Work, change, errors
from ..dialplan import extensions
from . import dao as lines

__all__ = ["LineExtensions"]


_has_none = AtMostOne(
    "extensions", "Line", "Extension", lambda line, extension: {"line_id": line.id, "extension_id": extension.id}
)


def _same_main_user(work: Work, line: Line, extension: Extension) -> None:
    """Lines that have the extension already have the same main user, or none."""
    own = next((link.user_id for link in line.user_lines if link.main_user), None)
    if own is None or not extension.lines:
        return
    query = (
        select(UserLine.user_id, UserLine.line_id)
        .join(LineExtension, LineExtension.line_id == UserLine.line_id)
        .where(LineExtension.extension_id == extension.id, UserLine.main_user, UserLine.user_id != own)
        .limit(1)
    )
    other = work.session.execute(query).first()
    if other:
        raise errors.Associated("User", "Line", metadata={"user_id": other.user_id, "line_id": other.line_id})


class LineExtensions(AssociationService):
    spec = line_extensions
    left, right, relation = lines.dao, extensions.dao, "extensions"
    validator = Validator(
        associate=[
            SameTenant("line", "extension", swapped=True),
            lines.has_endpoint,
            _has_none,
            extensions.NotUsedOtherwise("lines", key="id"),
            extensions.InContextFor("lines"),
            _same_main_user,
            extensions.InRangeFor("lines"),
        ],
        dissociate=[lines.without_device],
    )
    notifier = Notifier.association(
        "line_extension",
        "config.line_extension_associated",
        lambda line, extension: {"line_id": line.id, "extension_id": extension.id},
        reload=["dialplan reload", "module reload res_pjsip.so", "module reload app_queue.so"],
    )
    example = Pair(left={"endpoint_sip": {}})

    @change
    def create(self, left: Any, body: Any) -> Json:
        """Make an extension and give it to the line; the reply shows it as it was made."""
        extension = self.beside(extensions.Extensions).add(self.load("create", body))
        shown = extensions.dao.show(self.work, extension.id)
        self.join(self.left.get(self.work, left), extension)
        return shown

    def attach(self, line: Line, extension: Extension) -> None:
        super().attach(line, extension)
        line.context = extension.context
        line.follow_main_user()

    def detach(self, line: Line, extension: Extension) -> None:
        super().detach(line, extension)
        line.follow_main_user()
