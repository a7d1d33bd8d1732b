"""The voicemail of a user; several users may share one."""

from typing import Any

from confd_schemas.call_features.voicemails import Voicemail as VoicemailSchema
from confd_schemas.users.user_voicemails import user_voicemails

from ...models.call_features.voicemail import Voicemail
from ...models.users.user import User
from ...plugin import AssociationService, Json, Notifier, SameTenant, Validator, Work, change, errors, read
from ..call_features.voicemails import NOT_FOR_USERS, Voicemails
from ..call_features.voicemails import dao as voicemails_dao
from .dao import dao as users_dao

__all__ = ["UserVoicemails"]


def _no_voicemail(work: Work, user: User, voicemail: Voicemail) -> None:
    # Unlike other such errors, this one tells of the voicemail that is asked for.
    if user.voicemail is not None:
        told = {"user_id": user.id, "voicemail_id": voicemail.id}
        raise errors.Associated("User", "Voicemail", metadata=told)


def _personal(work: Work, user: User, voicemail: Voicemail) -> None:
    if voicemail.accesstype == "global":
        raise errors.NotPermitted(NOT_FOR_USERS)


class UserVoicemails(AssociationService):
    spec = user_voicemails
    left, right, relation = users_dao, voicemails_dao, "voicemail"
    validator = Validator(associate=[SameTenant("user", "voicemail", swapped=True), _no_voicemail, _personal])
    notifier = Notifier.association(
        "user_voicemail",
        "config.users.{0.uuid}.voicemails",
        lambda user, voicemail: {"user_uuid": user.uuid, "voicemail_id": voicemail.id},
        users=lambda user, voicemail: [user.uuid],
        reload=["module reload res_pjsip.so", "module reload chan_sccp.so"],
    )

    @read
    def list(self, left: Any) -> Json:
        """The user's voicemail, as a list of none or one."""
        return self.left.related(self.work, left, self.relation, VoicemailSchema)

    @change
    def create(self, left: Any, body: Any) -> Json:
        """Make a voicemail and give it to the user; the reply shows it as it was made."""
        voicemail = self.beside(Voicemails).add(self.load("create", body))
        shown = self.right.show(self.work, voicemail.id)
        self.join(self.left.get(self.work, left), voicemail)
        return shown

    @change
    def dissociate(self, left: Any) -> None:
        """Take the user's voicemail away; nothing happens when he has none."""
        user = self.left.get(self.work, left)
        if user.voicemail is not None:
            self.part(user, user.voicemail)
