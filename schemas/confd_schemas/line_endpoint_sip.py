"""The SIP endpoint of a line."""

from .spec import association

__all__ = ["line_endpoint_sip"]

line_endpoint_sip = association("line_endpoint_sip", "/lines/{line_id:int}/endpoints/sip/{endpoint_uuid:uuid}")
