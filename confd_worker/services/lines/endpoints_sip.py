"""SIP endpoints and their templates: one table, two paths."""

from typing import Any
from uuid import UUID

from confd_schemas.lines.endpoints_sip import EndpointSIPMerged, endpoints_sip, endpoints_sip_templates

from ...models.lines.endpoint_sip import SECTIONS, EndpointSIP, EndpointSIPTemplate, SIPTransport
from ...plugin import (
    ALL_TENANTS,
    DAO,
    Example,
    Json,
    Notifier,
    ResourceService,
    Validator,
    Work,
    changed,
    errors,
    read,
    sql,
    taken,
)
from .pjsip import option_names

__all__ = ["EndpointsSIP", "EndpointsSIPTemplates", "dao", "in_context", "templates_dao"]

dao = DAO(EndpointSIP, endpoints_sip, where=lambda endpoint: ~endpoint.template, many=["uuid"])
templates_dao = DAO(EndpointSIP, endpoints_sip_templates, where=lambda endpoint: endpoint.template, many=["uuid"])

_DOCUMENT_SECTIONS = {
    "aor": "aor",
    "auth": "auth",
    "endpoint": "endpoint",
    "registration_outbound_auth": "auth",
    "outbound_auth": "auth",
}
_OTHER_SECTIONS = {
    "identify": ("endpoint", "match", "match_header", "srv_lookups"),
    "registration": (
        "auth_rejection_permanent", "client_uri", "contact_header_params", "contact_user", "expiration",
        "fatal_retry_interval", "forbidden_retry_interval", "line", "max_retries", "outbound_proxy", "retry_interval",
        "server_uri", "support_outbound", "support_path", "transport",
    ),
}  # fmt: skip
_FREE_SECTIONS = ("aor", "endpoint")
_TRANSPORTS = sql("SELECT json_agg(name) FROM sip_transports", tenants=ALL_TENANTS)
_INCLUDED_IN = sql(
    """
    WITH RECURSIVE up (uuid) AS (
        SELECT unnest($1::text[]::uuid[])
        UNION
        SELECT link.parent_uuid FROM up JOIN endpoint_sip_templates link ON link.child_uuid = up.uuid
    )
    SELECT link.child_uuid::text FROM up JOIN endpoint_sip_templates link ON link.child_uuid = up.uuid
    WHERE link.parent_uuid = $2::uuid LIMIT 1
    """,
    tenants=ALL_TENANTS,
)


def _no_loop(work: Work, endpoint: EndpointSIP) -> None:
    """No template above the endpoint has the endpoint above itself."""
    parents = [link.parent_uuid for link in endpoint.template_links]
    if endpoint.uuid in parents:
        raise errors.NotPermitted("Cannot use itself as template")
    if parents and endpoint.template:
        found = _INCLUDED_IN.read(work, list(map(str, parents)), str(endpoint.uuid))
        if found:
            raise errors.NotPermitted(f"SIPEndpointTemplate({found}) already include this template")


def _name_free(work: Work, endpoint: EndpointSIP) -> None:
    """Endpoints, templates and transports are sections of one file, and so need names of their own."""
    if endpoint.name is None or not changed(endpoint, "name"):
        return
    name = {"name": endpoint.name}
    if taken(work, EndpointSIP, name, but=endpoint):
        template = taken(work, EndpointSIP, name | {"template": True}, but=endpoint)
        raise errors.AlreadyExists("SIPEndpointTemplate" if template else "SIPEndpoint", metadata=name)
    if endpoint.name in work.remembered("transports", lambda: _TRANSPORTS.read(work) or ()):
        raise errors.AlreadyExists("Transport", metadata=name)


def _options_known(work: Work, endpoint: EndpointSIP) -> None:
    document = option_names(work.settings.pjsip_doc)
    for section in SECTIONS:
        field = f"{section}_section_options"
        known = _OTHER_SECTIONS.get(section) or document[_DOCUMENT_SECTIONS[section]]
        for key, _ in getattr(endpoint, field) or ():
            if key not in known and not (section in _FREE_SECTIONS and key.startswith("@")):
                raise errors.InvalidChoice(f"{field}: invalid variable ({key})", ", ".join(known))


def in_context(fields: dict[str, Any], context: str) -> dict[str, Any]:
    """The fields of a line's endpoint, with the option context where they do not have it."""
    options = fields["endpoint_section_options"]
    if any(key == "context" for key, _ in options):
        return fields
    return fields | {"endpoint_section_options": [*options, ["context", context]]}


class EndpointsSIP(ResourceService):
    spec = endpoints_sip
    dao = dao
    is_template = False
    validator = Validator(update=[_no_loop], change=[_name_free, _options_known])
    notifier = Notifier.resource(
        "sip_endpoint",
        "config.sip_endpoint",
        lambda endpoint: {
            "uuid": endpoint.uuid,
            "tenant_uuid": endpoint.tenant_uuid,
            "name": endpoint.name,
            "label": endpoint.label,
            "auth_section_options": endpoint.pairs("auth", "username"),
            "registration_section_options": endpoint.pairs("registration", "client_uri"),
            "trunk": None,
            "line": {"id": endpoint.line.id} if endpoint.line else None,
        },
        reload={
            "edited": ["module reload res_pjsip.so", "dialplan reload"],
            "deleted": ["module reload res_pjsip.so", "dialplan reload"],
        },
    )
    example = Example({"label": "endpoint {n}"}, {"label": "changed"})

    @read
    def get(self, id: Any, view: str | None = None) -> Json:
        """One endpoint; with `view=merged`, with the options that it inherits."""
        merged = self.options("get", {"view": view}).get("view")
        return self.dao.show(self.work, id, EndpointSIPMerged if merged else None)

    def prepare(self, item: EndpointSIP, fields: dict[str, Any]) -> None:
        """Find the templates and the transport that the body names."""
        item.template = self.is_template
        if "templates" in fields:
            self._inherit(item, fields["templates"])
        if "transport" in fields:
            item.transport_uuid = self._transport(fields["transport"])

    def alter(self, item: EndpointSIP, fields: dict[str, Any]) -> None:
        super().alter(item, fields)
        if item.line is not None:
            item.line.follow_main_user()
            self.work.flush()

    def _inherit(self, item: EndpointSIP, given: list[dict[str, UUID]]) -> None:
        wanted = tuple(each["uuid"] for each in given)
        found = self.work.remembered(("templates", wanted), lambda: templates_dao.all(self.work, wanted, lock=False))
        for each in given:
            template = found.get(each["uuid"])
            # One of another tenant would show its secrets where the endpoint is shown with what it inherits.
            if template is None or template.tenant_uuid != item.tenant_uuid:
                raise errors.ParameterNotFound("templates", "endpoint_sip", metadata={"templates": each})
        uuids = dict.fromkeys(each["uuid"] for each in given)
        item.template_links = [
            EndpointSIPTemplate(parent_uuid=uuid, position=position) for position, uuid in enumerate(uuids)
        ]

    def _transport(self, given: dict[str, UUID] | None) -> UUID | None:
        if given is None:
            return None
        if self.work.session.get(SIPTransport, given["uuid"]) is None:
            raise errors.ParameterNotFound("transport", "SIPTransport", metadata=given)
        return given["uuid"]


class EndpointsSIPTemplates(EndpointsSIP):
    spec = endpoints_sip_templates
    dao = templates_dao
    is_template = True
    notifier = Notifier.resource(
        "sip_endpoint_template",
        "config.sip_endpoint_template",
        lambda template: {},
        reload={
            "edited": ["module reload res_pjsip.so", "dialplan reload"],
            "deleted": ["module reload res_pjsip.so", "dialplan reload"],
        },
    )
    get = ResourceService.get
    example = Example({"label": "template {n}"}, {"label": "changed"})
