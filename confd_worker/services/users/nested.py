"""What belongs to a user, as nested bodies have it: each kind is given to him, replaced, and taken from him.

All of it happens by the steps of the services that it stands for, with their rules, events and reloads.
"""

from typing import Any, ClassVar
from uuid import UUID

from confd_schemas.call_features.voicemails import Voicemail as VoicemailSchema

from ...models.users.user import User
from ...plugin import Service, errors, loaded
from ..call_features.voicemails import Voicemails
from ..call_features.voicemails import dao as voicemails_dao
from .user_fallbacks import UserFallbacks
from .user_forwards import UserForwards
from .user_groups import UserGroups, members
from .user_voicemails import UserVoicemails

__all__ = ["Agent", "Belonging", "Fallbacks", "Forwards", "Groups", "Switchboards", "Voicemail"]


class Belonging(Service):
    """One kind of things that belong to a user.

    Attributes:
        member: name of the body's field.
    """

    member: ClassVar[str]

    @staticmethod
    def asked(given: Any) -> bool:
        """Whether the member of the body asks for anything."""
        return bool(given)

    def give(self, user: User, given: Any) -> Any:
        """Make and join what the body says; what the reply shows of it, or None where that is what a read shows."""
        raise NotImplementedError

    def replace(self, user: User, given: Any) -> None:
        """Make what the user has into what the body says."""
        if self.asked(given):
            self.give(user, given)

    def take(self, user: User) -> None:
        """Take away what the user has, before he is deleted."""


class Voicemail(Belonging):
    member = "voicemail"

    def give(self, user: User, given: dict[str, Any]) -> None:
        if "id" in given:
            voicemail = voicemails_dao.get(self.work, given["id"])
        else:
            name = given.get("name") or " ".join(filter(None, (user.firstname, user.lastname)))
            voicemail = self.beside(Voicemails).add(loaded(VoicemailSchema, given | {"name": name}))
        self.beside(UserVoicemails).join(user, voicemail)

    def replace(self, user: User, given: dict[str, Any] | None) -> None:
        if given is None:
            return
        if user.voicemail is not None and given.get("id") == user.voicemail.id:
            change = {name: value for name, value in given.items() if name != "id"}
            self.beside(Voicemails).alter(user.voicemail, change)
        else:
            self.take(user)
            self.give(user, given)

    def take(self, user: User) -> None:
        voicemail = user.voicemail
        if voicemail is not None:
            self.beside(UserVoicemails).part(user, voicemail)
            if not voicemail.users:
                self.beside(Voicemails).remove(voicemail)


class Groups(Belonging):
    member = "groups"

    def give(self, user: User, given: list[dict[str, str]]) -> list[dict[str, str]]:
        groups = members.find(self.work, [{"uuid": _uuid(each["uuid"])} for each in given])
        self.beside(UserGroups).put(user, groups)
        return [{"uuid": str(group.uuid)} for group in groups]

    def replace(self, user: User, given: list[dict[str, str]]) -> None:
        if given:
            self.give(user, given)
        else:
            self.take(user)

    def take(self, user: User) -> None:
        if user.groups:  # type: ignore[attr-defined]
            self.beside(UserGroups).put(user, [])


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise errors.ParameterNotFound("groups", "Group", metadata={"uuid": text}) from None


class Forwards(Belonging):
    member = "forwards"

    def give(self, user: User, given: dict[str, Any]) -> None:
        forwards = self.beside(UserForwards)
        forwards.put(user, forwards.load("update", given), forwards.parts)


class Fallbacks(Belonging):
    member = "fallbacks"

    def give(self, user: User, given: dict[str, Any]) -> None:
        fallbacks = self.beside(UserFallbacks)
        fallbacks.put(user, fallbacks.load("update", given))


class Switchboards(Belonging):
    member = "switchboards"

    def give(self, user: User, given: list[dict[str, str]]) -> None:
        raise errors.NotFound("Switchboard", metadata={"uuid": given[0]["uuid"]})


class Agent(Belonging):
    member = "agent"

    @staticmethod
    def asked(given: Any) -> bool:
        return given is not None

    def give(self, user: User, given: dict[str, Any]) -> None:
        raise errors.NotPermitted("Agents are not provided by this server")
