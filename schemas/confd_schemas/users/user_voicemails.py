"""The voicemail of a user; several users may share one."""

from ..call_features.voicemails import Voicemail
from ..spec import Resource, operation

__all__ = ["user_voicemails"]

_PATH = "/users/{user_id:id}/voicemails"

user_voicemails = Resource(
    (
        operation("PUT", f"{_PATH}/{{voicemail_id:int}}"),
        operation("DELETE", _PATH, "dissociate"),
        operation("GET", _PATH, answer=Voicemail, many=True),
        operation("POST", _PATH, body=Voicemail, answer=Voicemail, location="/voicemails/{id}"),
    ),
)
