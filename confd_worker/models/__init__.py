"""SQLAlchemy tables, one module a domain."""

from .base import Base
from .context import Context, ContextInclude
from .delivery import Call, OutgoingEvent, SysconfdRequest
from .destination import Destination
from .endpoint_sip import SECTIONS, EndpointSIP, EndpointSIPTemplate, SIPTransport
from .extension import Extension
from .incall import Incall
from .line import Line, LineExtension, UserLine
from .schedule import Schedule
from .tenant import Infos, Tenant
from .user import FORWARDS, SERVICES, User
from .voicemail import Voicemail, ZoneMessage

__all__ = [
    "FORWARDS",
    "SECTIONS",
    "SERVICES",
    "Base",
    "Call",
    "Context",
    "ContextInclude",
    "Destination",
    "EndpointSIP",
    "EndpointSIPTemplate",
    "Extension",
    "Incall",
    "Infos",
    "Line",
    "LineExtension",
    "OutgoingEvent",
    "SIPTransport",
    "Schedule",
    "SysconfdRequest",
    "Tenant",
    "User",
    "UserLine",
    "Voicemail",
    "ZoneMessage",
]
