"""Sections of Asterisk's configuration files, each a plugin of its own."""

from collections.abc import Sequence
from typing import ClassVar

import confd_schemas.system.asterisk_options as specs
from sqlalchemy import and_

from ...models.system.asterisk_options import AsteriskOptions
from ...plugin import DAO, EventType, Notifier, SingletonService

__all__ = [
    "IAXGeneral",
    "OptionsService",
    "RTPGeneral",
    "RTPIceHostCandidates",
    "SCCPGeneral",
    "VoicemailGeneral",
]


class OptionsService(SingletonService):
    """The options of one section, which has a row from the first migration on.

    Attributes:
        file: name of the configuration file.
        section: of that file.
        event: what the event of a change is called, without `_edited`.
        reload: commands that make Asterisk read the file again.
    """

    file: ClassVar[str]
    section: ClassVar[str] = "general"
    event: ClassVar[str]
    reload: ClassVar[Sequence[str]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        file, section = cls.file, cls.section
        cls.dao = DAO(AsteriskOptions, cls.spec, where=lambda model: and_(model.file == file, model.section == section))
        edited = EventType(f"{cls.event}_edited", f"config.{cls.event}.edited", tenant=False)
        cls.notifier = Notifier({"edited": edited}, cls.reload)


class RTPGeneral(OptionsService):
    spec = specs.asterisk_rtp_general
    file, event = "rtp.conf", "rtp_general"
    reload = ["module reload res_rtp_asterisk.so"]


class RTPIceHostCandidates(OptionsService):
    spec = specs.asterisk_rtp_ice_host_candidates
    file, section, event = "rtp.conf", "ice_host_candidates", "rtp_ice_host_candidates"
    reload = ["module reload res_rtp_asterisk.so"]


class IAXGeneral(OptionsService):
    spec = specs.asterisk_iax_general
    file, event = "iax.conf", "iax_general"
    reload = ["iax2 reload"]


class SCCPGeneral(OptionsService):
    spec = specs.asterisk_sccp_general
    file, event = "sccp.conf", "sccp_general"
    reload = ["module reload chan_sccp.so"]


class VoicemailGeneral(OptionsService):
    spec = specs.asterisk_voicemail_general
    file, event = "voicemail.conf", "voicemail_general"
    reload = ["voicemail reload"]
