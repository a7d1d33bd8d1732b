"""Voicemails."""

from typing import Any

from confd_schemas.call_features.voicemails import voicemails
from sqlalchemy import select

from ...models.call_features.voicemail import Voicemail, ZoneMessage
from ...plugin import DAO, EventType, Example, Free, Notifier, Of, Unique, Validator, Work, changed, errors
from ..dialplan.contexts import InContextService, context_known, tenant_stays

__all__ = ["NOT_FOR_USERS", "Voicemails", "dao"]

NOT_FOR_USERS = "A global voicemail cannot be associated to users."

dao = DAO(Voicemail, voicemails)


def _timezone_known(work: Work, voicemail: Voicemail) -> None:
    if voicemail.timezone is not None and work.session.get(ZoneMessage, voicemail.timezone) is None:
        raise errors.ParameterNotFound("timezone", "Timezone", metadata={"timezone": voicemail.timezone})


def _one_global(work: Work, voicemail: Voicemail) -> None:
    if voicemail.accesstype == "global" and changed(voicemail, "accesstype", "context"):
        query = select(Voicemail.id).where(Voicemail.accesstype == "global", Voicemail.context == voicemail.context)
        other = work.session.scalar(query.execution_options(all_tenants=True))
        if other is not None and other != voicemail.id:
            raise errors.NotPermitted("There can be only one global voicemail per context.")


def _global_without_users(work: Work, voicemail: Voicemail) -> None:
    if voicemail.accesstype == "global" and voicemail.users:
        raise errors.NotPermitted(NOT_FOR_USERS)


def _has_users(voicemail: Voicemail, users: list[Any]) -> errors.ServiceError:
    ids = ", ".join(str(user.id) for user in users)
    return errors.Associated("Voicemail", "User", metadata={"voicemail_id": voicemail.id, "user_ids": ids})


class Voicemails(InContextService):
    spec = voicemails
    dao = dao
    validator = Validator(
        change=[
            context_known,
            _timezone_known,
            Unique("number", "context", label="Voicemail"),
            _one_global,
            _global_without_users,
            tenant_stays,
        ],
        delete=[Free("users", _has_users)],
    )
    notifier = Notifier.resource(
        "voicemail",
        "config.voicemail",
        reload={
            "created": ["voicemail reload"],
            "edited": ["voicemail reload", "module reload res_pjsip.so", "module reload chan_sccp.so"],
            "deleted": ["voicemail reload"],
        },
    )
    user_notifier = Notifier(
        {
            "edited": EventType(
                "user_voicemail_edited",
                "config.users.{0.uuid}.voicemails.edited",
                lambda user: {"user_uuid": user.uuid, "voicemail_id": user.voicemail_id},
                lambda user: [user.uuid],
            )
        }
    )
    example = Example(
        {"name": "voicemail {n}", "number": "1{n:03}", "context": Of("contexts", "name")},
        {"email": "changed@acme.example"},
    )

    def alter(self, item: Voicemail, fields: dict[str, Any]) -> None:
        old = item.number, item.context
        super().alter(item, fields)
        for user in item.users:
            self.user_notifier.tell("edited", self.work, user)
        if old != (item.number, item.context):
            self.work.ask_sysconfd(
                "GET",
                "/move_voicemail",
                old_mailbox=old[0],
                old_context=old[1],
                new_mailbox=item.number,
                new_context=item.context,
            )

    def remove(self, item: Voicemail) -> None:
        super().remove(item)
        self.work.ask_sysconfd("GET", "/delete_voicemail", mailbox=item.number, context=item.context)
