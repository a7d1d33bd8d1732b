"""SQLAlchemy tables, one module a domain."""

from .access_feature import AccessFeature
from .asterisk_options import AsteriskOptions
from .base import Base
from .call_permission import CallPermission
from .context import Context, ContextInclude
from .dead_letter import DeadLetter
from .delivery import Call, OutgoingEvent, SysconfdRequest
from .destination import Destination
from .endpoint_custom import EndpointCustom
from .endpoint_sccp import SCCP_OPTIONS, EndpointSCCP
from .endpoint_sip import SECTIONS, EndpointSIP, EndpointSIPTemplate, SIPTransport
from .extension import Extension
from .group import Group, GroupExtensionMember, GroupUserMember
from .incall import Incall
from .ivr import IVR, IVRChoice
from .line import ENDPOINTS, Line, LineExtension, UserLine
from .moh import MOH
from .schedule import Schedule
from .tally import tallies
from .tenant import Infos, Tenant
from .user import FORWARDS, SERVICES, User
from .voicemail import Voicemail, ZoneMessage

__all__ = [
    "ENDPOINTS",
    "FORWARDS",
    "IVR",
    "MOH",
    "SCCP_OPTIONS",
    "SECTIONS",
    "SERVICES",
    "AccessFeature",
    "AsteriskOptions",
    "Base",
    "Call",
    "CallPermission",
    "Context",
    "ContextInclude",
    "DeadLetter",
    "Destination",
    "EndpointCustom",
    "EndpointSCCP",
    "EndpointSIP",
    "EndpointSIPTemplate",
    "Extension",
    "Group",
    "GroupExtensionMember",
    "GroupUserMember",
    "IVRChoice",
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
    "tallies",
]
