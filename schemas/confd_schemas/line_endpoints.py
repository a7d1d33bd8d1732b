"""The endpoint of a line: one, of one kind."""

from .spec import association

__all__ = ["line_endpoint_custom", "line_endpoint_sccp", "line_endpoint_sip"]

line_endpoint_sip = association("line_endpoint_sip", "/lines/{line_id:int}/endpoints/sip/{endpoint_uuid:uuid}")
line_endpoint_sccp = association("line_endpoint_sccp", "/lines/{line_id:int}/endpoints/sccp/{endpoint_id:int}")
line_endpoint_custom = association("line_endpoint_custom", "/lines/{line_id:int}/endpoints/custom/{endpoint_id:int}")
