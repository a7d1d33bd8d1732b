"""Users: people, and things like door phones, that call and are called."""

from typing import Any

from confd_schemas.users import VIEWS, users
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from ...core import errors
from ...core.notifier import Notifier
from ...core.resource import ResourceService
from ...core.rpc import change, read
from ...core.validation import Free, Refers, Unique, Validator
from ...core.work import Json, Work
from ...models import Line, User, UserLine
from ..lines.service import Lines
from ..user_voicemail import UserVoicemails
from ..voicemails import NOT_FOR_USERS, Voicemails
from .dao import dao
from .exports import UserExport
from .imports import UserImport

__all__ = ["Users"]


def _voicemail_is_personal(work: Work, user: User) -> None:
    if user.voicemail is not None and user.voicemail.accesstype == "global":
        raise errors.NotPermitted(NOT_FOR_USERS)


def _mobile_number_given(work: Work, user: User) -> None:
    if user.mobile_fallback_enabled and not user.mobile_phone_number:
        raise errors.MobileFallbackWithoutNumber()


def _has_voicemail(user: User, voicemail: Any) -> errors.ServiceError:
    return errors.Associated("User", "Voicemail", metadata={"user_id": user.id, "voicemail_id": voicemail.id})


class Users(UserImport, UserExport, ResourceService):
    spec = users
    dao = dao
    validator = Validator(
        change=[
            Unique("email", label="User", fold=True),
            Unique("username", label="User"),
            Refers("music_on_hold", "moh", "MOH", by="name", ignore=["default"]),
            Refers("func_key_template_id", "func_keys_templates", "FuncKeyTemplate"),
            _voicemail_is_personal,
            _mobile_number_given,
        ],
        delete=[Free("voicemail", _has_voicemail)],
    )
    notifier = Notifier.resource(
        "user",
        "config.user",
        lambda user: {
            "id": user.id,
            "uuid": user.uuid,
            "subscription_type": user.subscription_type,
            "created_at": user.created_at.isoformat(sep=" ", timespec="microseconds"),
            "tenant_uuid": user.tenant_uuid,
        },
        reload=[
            "dialplan reload",
            "module reload chan_sccp.so",
            "module reload app_queue.so",
            "module reload res_pjsip.so",
        ],
    )

    @read
    def list(self, view: str | None = None, **parameters: Any) -> Json:
        """The users of the caller's tenant; `view` shows them in another way."""
        if view is not None and view not in tuple(VIEWS):
            raise errors.InvalidView(view)
        return self.dao.list(self.work, parameters, VIEWS.get(view) if view else None)

    @read
    def exists(self, id: Any) -> None:
        """Nothing, or an error where there is no such user."""
        self.dao.show(self.work, id)

    @change
    def update(self, id: Any, body: Any, recursive: Any = None) -> None:
        """Change the fields that the body has."""
        user = self.dao.get(self.work, id)
        if self.options("update", {"recursive": recursive})["recursive"]:
            raise errors.NotPermitted("Nested bodies are not provided by this server")
        self.alter(user, self.load("update", body))

    @change
    def delete(self, id: Any, recursive: Any = None) -> None:
        """Delete the user; with `recursive`, his lines and what only he has go with him."""
        user = self.dao.get(self.work, id)
        if self.options("delete", {"recursive": recursive})["recursive"]:
            self._remove_belongings(user)
        self.remove(user)

    def prepare(self, item: User, fields: dict[str, Any]) -> None:
        """Make the caller ID of the names, where there is none."""
        if item.caller_id is None:
            item.caller_id = '"{}"'.format(" ".join(filter(None, (item.firstname, item.lastname))))

    def alter(self, item: User, fields: dict[str, Any]) -> None:
        super().alter(item, fields)
        query = (
            select(Line)
            .join(UserLine, UserLine.line_id == Line.id)
            .where(UserLine.user_id == item.id, UserLine.main_user)
            .options(
                selectinload(Line.endpoint_sip),
                selectinload(Line.endpoint_sccp),
                selectinload(Line.extensions),
                selectinload(Line.user_lines),
            )
        )
        for line in self.work.session.scalars(query):
            line.follow_main_user()

    def remove(self, item: User) -> None:
        """Delete the user; who comes next on a line that he leads becomes its main user."""
        led = [link.line for link in item.user_lines if link.main_user]
        super().remove(item)
        for line in led:
            self.work.session.expire(line, ["user_lines"])
            if line.user_lines:
                min(line.user_lines, key=lambda link: link.user_id).main_user = True
                line.follow_main_user()
        self.work.session.flush()

    def _remove_belongings(self, user: User) -> None:
        if user.voicemail is not None:
            voicemail = user.voicemail
            self.beside(UserVoicemails).part(user, voicemail)
            if not voicemail.users:
                self.beside(Voicemails).remove(voicemail)
        lines = self.beside(Lines)
        for line in [link.line for link in user.user_lines]:
            lines.remove_all(line)
