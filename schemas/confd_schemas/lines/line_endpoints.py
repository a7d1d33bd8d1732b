"""The endpoint of a line: one, of one kind."""

from ..spec import association

__all__ = ["line_endpoints_custom", "line_endpoints_sccp", "line_endpoints_sip"]

line_endpoints_sip = association("/lines/{line_id:int}/endpoints/sip/{endpoint_uuid:uuid}")
line_endpoints_sccp = association("/lines/{line_id:int}/endpoints/sccp/{endpoint_id:int}")
line_endpoints_custom = association("/lines/{line_id:int}/endpoints/custom/{endpoint_id:int}")
