"""The SIP endpoint of a user's line, as telephones of the user read it."""

from ..lines.endpoints_sip import EndpointSIP, EndpointSIPMerged, EndpointSIPView
from ..spec import Resource, operation

__all__ = ["user_line_associated_endpoints_sip"]

_METHOD = "user_line_associated_endpoints_sip.get"
_ENDPOINT = {"parameters": EndpointSIPView, "answer": EndpointSIP, "views": {"merged": EndpointSIPMerged}}

user_line_associated_endpoints_sip = Resource(
    (
        operation(
            "GET",
            "/users/{user_uuid:uuid}/lines/{line_id:int}/associated/endpoints/sip",
            _METHOD,
            **_ENDPOINT,
        ),
        operation(
            "GET",
            "/users/{user_uuid:uuid}/lines/main/associated/endpoints/sip",
            _METHOD,
            constants={"line_id": "main"},
            **_ENDPOINT,
        ),
    ),
    id="user_uuid",
)
