"""The SIP templates that each tenant has from the start."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from ...models.lines.endpoint_sip import SECTIONS, EndpointSIP, EndpointSIPTemplate, SIPTransport
from ...models.system.tenant import Tenant
from ...plugin import Work

__all__ = ["generate"]

_TWILIO = (
    "54.172.60.0", "54.172.60.3", "54.172.60.2", "54.172.60.1", "177.71.206.195",
    "177.71.206.194", "177.71.206.193", "177.71.206.192", "54.252.254.67", "54.252.254.66",
    "54.252.254.65", "54.252.254.64", "54.169.127.131", "54.169.127.130", "54.169.127.129",
    "54.169.127.128", "54.65.63.195", "54.65.63.194", "54.65.63.193", "54.65.63.192",
    "35.156.191.131", "35.156.191.130", "35.156.191.129", "35.156.191.128", "54.171.127.195",
    "54.171.127.194", "54.171.127.193", "54.171.127.192", "54.244.51.3", "54.244.51.2",
    "54.244.51.1", "54.244.51.0",
)  # fmt: skip

_TEMPLATES: dict[str, dict[str, Any]] = {
    "global": {
        "transport": "transport-udp",
        "aor": [
            ["maximum_expiration", "3600"],
            ["default_expiration", "120"],
            ["minimum_expiration", "60"],
            ["qualify_frequency", "60"],
            ["remove_existing", "true"],
            ["max_contacts", "1"],
        ],
        "endpoint": [
            ["rtp_timeout", "7200"],
            ["allow_transfer", "yes"],
            ["use_ptime", "yes"],
            ["callerid", "wazo"],
            ["direct_media", "no"],
            ["dtmf_mode", "rfc4733"],
            ["language", "en_US"],
            ["inband_progress", "no"],
            ["rtp_timeout_hold", "0"],
            ["timers_sess_expires", "600"],
            ["timers_min_se", "90"],
            ["trust_id_inbound", "no"],
            ["allow_subscribe", "yes"],
            ["allow", "!all,ulaw"],
            ["set_var", "TIMEOUT(absolute)=36000"],
            ["set_var", "DYNAMIC_FEATURES=togglerecord"],
            ["notify_early_inuse_ringing", "yes"],
        ],
    },
    "webrtc": {
        "transport": "transport-wss",
        "parent": "global",
        "aor": [["remove_existing", "false"], ["max_contacts", "10"]],
        "endpoint": [
            ["webrtc", "yes"],
            ["dtls_auto_generate_cert", "yes"],
            ["allow", "!all,opus,g722,alaw,ulaw,vp9,vp8,h264"],
            ["max_video_streams", "25"],
            ["max_audio_streams", "1"],
            ["timers", "always"],
            ["timers_sess_expires", "300"],
            ["timers_min_se", "90"],
        ],
    },
    "meeting_guest": {"parent": "webrtc"},
    "registration_trunk": {
        "parent": "global",
        "registration": [
            ["forbidden_retry_interval", "30"],
            ["retry_interval", "20"],
            ["max_retries", "10000"],
            ["auth_rejection_permanent", "no"],
            ["fatal_retry_interval", "30"],
        ],
    },
    "twilio_trunk": {
        "parent": "registration_trunk",
        "identify": [["match", address] for address in _TWILIO],
    },
}


def generate(work: Work, tenant: Tenant) -> None:
    """Give the tenant its templates, or reset those that it still has; not if it was done before."""
    if tenant.sip_templates_generated:
        return
    transports = dict(work.session.execute(select(SIPTransport.name, SIPTransport.uuid)).tuples().all())
    made: dict[str, UUID] = {}
    for label, template in _TEMPLATES.items():
        holder = f"{label}_sip_template_uuid"
        item = _present(work, getattr(tenant, holder)) or EndpointSIP(tenant_uuid=tenant.uuid)
        item.label, item.template, item.asterisk_id = label, True, None
        item.transport_uuid = transports.get(template.get("transport", ""))
        for section in SECTIONS:
            setattr(item, f"{section}_section_options", template.get(section, []))
        parent = template.get("parent")
        item.template_links = [EndpointSIPTemplate(parent_uuid=made[parent], position=0)] if parent else []
        work.session.add(item)
        work.flush()
        made[label] = item.uuid
        setattr(tenant, holder, item.uuid)
    tenant.sip_templates_generated = True
    work.flush()


def _present(work: Work, uuid: UUID | None) -> EndpointSIP | None:
    return None if uuid is None else work.session.get(EndpointSIP, uuid)
