"""The SIP endpoint of a user's line, as telephones of the user read it."""

from .endpoints_sip import EndpointSIP, EndpointSIPMerged, EndpointSIPView
from .spec import Resource, operation

__all__ = ["user_line_associated"]

user_line_associated = Resource(
    "user_line_associated",
    (
        operation(
            "GET",
            "/users/{user_uuid:uuid}/lines/{line_id:int}/associated/endpoints/sip",
            "user_line_associated.get_sip",
            parameters=EndpointSIPView,
            answer=EndpointSIP,
            views={"merged": EndpointSIPMerged},
        ),
        operation(
            "GET",
            "/users/{user_uuid:uuid}/lines/main/associated/endpoints/sip",
            "user_line_associated.get_sip",
            constants={"line_id": "main"},
            parameters=EndpointSIPView,
            answer=EndpointSIP,
            views={"merged": EndpointSIPMerged},
        ),
    ),
    id="user_uuid",
)
