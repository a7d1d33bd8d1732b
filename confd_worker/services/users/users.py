"""Users: people, and things like door phones, that call and are called."""

from typing import Any

from confd_schemas import fields
from confd_schemas.schema import Schema
from confd_schemas.users.users import VIEWS, UserChange, UserCreated, users

from ...models.users.user import User
from ...plugin import (
    EventType,
    Example,
    Free,
    Json,
    Notifier,
    Refers,
    ResourceService,
    Unique,
    Validator,
    Work,
    change,
    decoded,
    errors,
    listen,
    loaded,
    procedure,
    read,
    sql,
)
from ..call_features.voicemails import NOT_FOR_USERS
from ..lines.dao import dao as lines_dao
from .accounts import remove_account
from .dao import dao
from .exports import UserExport
from .imports import UserImport
from .nested import Agent, Belonging, Fallbacks, Forwards, Groups, Switchboards, Voicemail
from .nested_incalls import OwnIncalls
from .nested_lines import OwnLines

__all__ = ["Users"]


class MobileFallbackWithoutNumber(errors.ResourceError):
    """The mobile fallback is enabled, but there is no mobile number."""

    type = "mobile-fallback-number-null"
    text = "PSTN fallback must be disabled when mobile phone number is not set"


class InvalidView(errors.InputError):
    """`view=` names no view of the resource."""

    type, text = "invalid-view", "view '{0}' does not exist"


def _voicemail_is_personal(work: Work, user: User) -> None:
    if user.voicemail is not None and user.voicemail.accesstype == "global":
        raise errors.NotPermitted(NOT_FOR_USERS)


def _mobile_number_given(work: Work, user: User) -> None:
    if user.mobile_fallback_enabled and not user.mobile_phone_number:
        raise MobileFallbackWithoutNumber()


def _has_voicemail(user: User, voicemail: Any) -> errors.ServiceError:
    return errors.Associated("User", "Voicemail", metadata={"user_id": user.id, "voicemail_id": voicemail.id})


_STRAYING = sql(
    """
    SELECT json_agg(line.id)
    FROM user_lines link
    JOIN lines line ON line.id = link.line_id
    LEFT JOIN endpoint_sip sip ON sip.uuid = line.endpoint_sip_uuid
    LEFT JOIN LATERAL (
        SELECT extension.exten
        FROM line_extensions JOIN extensions extension ON extension.id = line_extensions.extension_id
        WHERE line_extensions.line_id = line.id
        ORDER BY extension.id LIMIT 1
    ) AS first ON true
    WHERE link.user_id = $1::integer AND {tenants} AND link.main_user AND (
        line.endpoint_sccp_id IS NOT NULL
        OR sip.caller_id
            IS DISTINCT FROM '"' || $2::text || '"' || coalesce(' <' || coalesce($3::text, first.exten) || '>', '')
    )
    """,
    tenants="line.tenant_uuid",
)
"""The lines of which a user is the main user, and whose endpoint may have another caller ID than his."""


class _Unneeded(Schema):
    """What is told of an account that nobody needs any more."""

    uuid = fields.UUID(required=True)


_GIVEN: tuple[type[Belonging], ...] = (
    Voicemail, OwnLines, OwnIncalls, Groups, Switchboards, Agent, Forwards, Fallbacks,
)  # fmt: skip
_REPLACED = (Fallbacks, Forwards, Groups, OwnLines, Agent, Switchboards, Voicemail, OwnIncalls)
_TAKEN = (Agent, Groups, Voicemail, OwnLines, OwnIncalls, Switchboards)


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
    accounts = Notifier(
        {
            "unneeded": EventType(
                "user_account_unneeded", "config.user.account.unneeded", lambda user: {"uuid": user.uuid}, tenant=False
            )
        }
    )
    example = Example({"firstname": "Alice {n}", "lastname": "Martin"}, {"description": "changed"})

    @read
    def list(self, view: str | None = None, **parameters: Any) -> Json:
        """The users of the caller's tenant; `view` shows them in another way."""
        if view is not None and view not in tuple(VIEWS):
            raise InvalidView(view)
        return self.dao.list(self.work, parameters, VIEWS.get(view) if view else None)

    @read
    def exists(self, id: Any) -> None:
        """Nothing, or an error where there is no such user."""
        self.dao.show(self.work, id)

    @procedure
    def create(self, body: Any) -> Any:
        """Make a user with all that the body nests into him, or nothing; the reply shows what was made."""
        if not isinstance(body, dict) or "auth" not in body:
            return self.work.once(lambda: self._create(self.load("create", body)))
        if reply := self.work.recorded():
            return reply
        fields, user = self.load("create", body), self.work.stable_uuid()
        with self._accounts() as accounts:
            account = accounts.make(user, _account(fields))
            return self.work.once(lambda: self._create(fields | {"uuid": user}) | {"auth": account})

    @change
    def update(self, id: Any, body: Any, recursive: Any = None) -> None:
        """Change the fields that the body has; with `recursive`, only what belongs to the user."""
        user = self.dao.get(self.work, id, User.voicemail)
        if self.options("update", {"recursive": recursive})["recursive"]:
            given = loaded(UserChange, body)
            for belonging in _REPLACED:
                self.beside(belonging).replace(user, given.get(belonging.member))
        else:
            self.alter(user, self.load("update", body))

    @change
    def delete(self, id: Any, recursive: Any = None) -> None:
        """Delete the user; with `recursive`, his lines and what only he has go with him."""
        user = self.dao.get(self.work, id)
        if self.options("delete", {"recursive": recursive})["recursive"]:
            for belonging in _TAKEN:
                self.beside(belonging).take(user)
            self.accounts.tell("unneeded", self.work, user)
        self.remove(user)

    @listen("user_account_unneeded")
    def remove_account(self, data: dict[str, Any]) -> None:
        """Remove the account of a user who was deleted with all that belongs to him."""
        remove_account(self.work.settings, loaded(_Unneeded, data)["uuid"])

    def _create(self, fields: dict[str, Any]) -> Any:
        nested = {each.member: each for each in _GIVEN if each.asked(fields.get(each.member))}
        user = self.add({name: value for name, value in fields.items() if name not in nested})
        given = {name: self.beside(each).give(user, fields[name]) for name, each in nested.items()}
        told = {name: value for name, value in given.items() if value is not None}
        if not told and "auth" not in fields:
            return self.dao.shown(self.work, user.id, UserCreated if nested else None)
        return decoded(self.dao.show(self.work, user.id, UserCreated)) | told

    def prepare(self, item: User, fields: dict[str, Any]) -> None:
        """Make the caller ID of the names, where there is none."""
        if item.caller_id is None:
            item.caller_id = '"{}"'.format(" ".join(filter(None, (item.firstname, item.lastname))))

    def alter(self, item: User, fields: dict[str, Any]) -> None:
        super().alter(item, fields)
        straying = _STRAYING.read(self.work, item.id, *item.caller_id_parts)
        for line in lines_dao.all(self.work, straying or ()).values():
            line.follow_main_user()

    def remove(self, item: User) -> None:
        """Delete the user; who comes next on a line that he leads becomes its main user."""
        led = lines_dao.all(self.work, [link.line_id for link in item.user_lines if link.main_user])
        super().remove(item)
        for line in led.values():
            self.work.session.expire(line, ["user_lines"])
            if line.user_lines:
                min(line.user_lines, key=lambda link: link.user_id).main_user = True
                line.follow_main_user()
        self.work.flush()


def _account(fields: dict[str, Any]) -> dict[str, Any]:
    """The account that a body asks for, completed by what it says of the user."""
    usual = {name: fields.get(name) for name in ("username", "password", "firstname", "lastname")}
    given = usual | {"email_address": fields.get("email")} | fields["auth"]
    return {name: value for name, value in given.items() if name != "purpose"}
