"""Incalls in nested bodies of users."""

from typing import Any

from confd_schemas.dialplan.incalls import Incall as IncallSchema

from ...models.dialplan.extension import Extension
from ...models.dialplan.incall import Incall
from ...models.users.user import User
from ...plugin import errors, loaded
from ..dialplan.context_ranges import holds
from ..dialplan.contexts import Contexts
from ..dialplan.contexts import dao as contexts_dao
from ..dialplan.extensions import Extensions, context_of, used
from ..dialplan.extensions import dao as extensions_dao
from ..dialplan.incalls import IncallExtensions, Incalls
from ..dialplan.incalls import dao as incalls_dao
from .nested import Belonging

__all__ = ["OwnIncalls"]

_NONE = ({"type": "none"}, None)


class OwnIncalls(Belonging):
    member = "incalls"

    def give(self, user: User, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
        shown = []
        for fields in given:
            joined = [self._lead(each, user) for each in fields["extensions"]]
            pairs = zip(fields["extensions"], joined, strict=True)
            extensions = [each | {"id": extension.id} for each, (extension, _) in pairs]
            shown.append(fields | {"id": joined[-1][1].id, "extensions": extensions})
        return shown

    def replace(self, user: User, given: list[dict[str, Any]]) -> None:
        present = list(user.incalls)  # type: ignore[attr-defined]
        had = [(incall, extension) for incall in present for extension in incall.extensions]
        for incall, extension in had:
            self.beside(IncallExtensions).part(incall, extension)
        staying: set[Any] = set()
        for fields in given:
            incall = self._changed(fields, user)
            staying.add(incall)
            for each in fields.get("extensions", ()):
                extension = self._extension(each)
                staying.add(extension)
                if extension.incall is not incall:
                    self.beside(IncallExtensions).join(incall, extension)
        for incall in present:
            if incall not in staying:
                self.beside(Incalls).remove(incall)
        for _, extension in had:
            if extension not in staying and not used(extension):
                self.beside(Extensions).remove(extension)

    def take(self, user: User) -> None:
        for incall in list(user.incalls):  # type: ignore[attr-defined]
            self.beside(Incalls).alter(incall, loaded(IncallSchema, {"destination": {"type": "none"}}, partial=True))

    def _lead(self, given: dict[str, Any], user: User) -> tuple[Extension, Incall]:
        """Have the incall of an extension, a new one where it has none, lead to the user."""
        extension = self._extension(given)
        incall: Any = extension.incall  # type: ignore[attr-defined]
        if incall is None:
            incall = self.beside(Incalls).add(loaded(IncallSchema, _to(user)) | _of(user))
            self.beside(IncallExtensions).join(incall, extension)
        elif incall.destination in _NONE:
            self.beside(Incalls).alter(incall, loaded(IncallSchema, _to(user), partial=True))
        elif (incall.destination["type"], incall.destination.get("user_id")) != ("user", user.id):
            raise errors.BadValue("Existing incall does not have the new user as a destination", category="")
        return extension, incall

    def _changed(self, fields: dict[str, Any], user: User) -> Incall:
        own = {name: value for name, value in fields.items() if name not in ("id", "extensions")} | _to(user)
        if "id" not in fields:
            return self.beside(Incalls).add(loaded(IncallSchema, own) | _of(user))
        incall = incalls_dao.get(self.work, fields["id"])
        self.beside(Incalls).alter(incall, loaded(IncallSchema, own, partial=True))
        return incall

    def _extension(self, given: dict[str, Any]) -> Any:
        """The extension that the body names, changed or made as it says, in a range for incalls of its context."""
        extensions = self.beside(Extensions)
        named = {name: value for name, value in given.items() if name != "id"}
        if "id" in given:
            extension = extensions_dao.get(self.work, given["id"])
            if any(getattr(extension, name) != value for name, value in named.items()):
                extensions.alter(extension, named)
        else:
            extension = extensions_dao.find(self.work, **named) or extensions.add(named | {"enabled": True})
        self._open_range(extension)
        return extension

    def _open_range(self, extension: Extension) -> None:
        context = context_of(self.work, extension)
        if context.type != "incall":
            raise errors.BadValue("Context associated to the extension is not of type 'incall'", category="")
        exten = extension.exten
        if exten.isdigit() and not holds(context.incall_ranges, exten):
            context = contexts_dao.get(self.work, context.id)
            if holds(context.incall_ranges, exten):
                # Somebody else has opened it meanwhile.
                return
            range_ = {"start": exten, "end": exten, "did_length": len(exten)}
            self.beside(Contexts).alter(context, {"incall_ranges": [*context.incall_ranges, range_]})


def _to(user: User) -> dict[str, Any]:
    return {"destination": {"type": "user", "user_id": user.id}}


def _of(user: User) -> dict[str, Any]:
    """What a new incall of a user has beside what a body may say: his tenant, whoever makes it."""
    return {"tenant_uuid": user.tenant_uuid}
