"""The voicemail of a user; several users may share one."""

from .spec import Resource, operation
from .voicemails import Voicemail

__all__ = ["user_voicemail"]

_PATH = "/users/{user_id:id}/voicemails"

user_voicemail = Resource(
    "user_voicemail",
    (
        operation("PUT", f"{_PATH}/{{voicemail_id:int}}", "user_voicemail.associate"),
        operation("DELETE", _PATH, "user_voicemail.dissociate"),
        operation("GET", _PATH, "user_voicemail.list", answer=Voicemail, many=True),
        operation(
            "POST",
            _PATH,
            "user_voicemail.create",
            body=Voicemail,
            answer=Voicemail,
            location="/voicemails/{id}",
        ),
    ),
)
