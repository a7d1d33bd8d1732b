"""Users as CSV."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from ...plugin import ResourceService, errors, pause, read, sql
from .accounts import usernames

__all__ = ["UserExport"]

_COLUMNS = (
    "uuid", "subscription_type", "firstname", "lastname", "email", "mobile_phone_number", "outgoing_caller_id",
    "language", "call_permission_password", "enabled", "ring_seconds", "simultaneous_calls", "supervision_enabled",
    "call_transfer_enabled", "dtmf_hangup_enabled", "call_record_outgoing_external_enabled",
    "call_record_outgoing_internal_enabled", "call_record_incoming_external_enabled",
    "call_record_incoming_internal_enabled", "online_call_record_enabled", "userfield", "voicemail_name",
    "voicemail_number", "voicemail_context", "voicemail_password", "voicemail_email", "voicemail_attach_audio",
    "voicemail_delete_messages", "voicemail_ask_password", "line_protocol", "provisioning_code", "context",
    "sip_username", "sip_secret", "exten", "incall_exten", "incall_context", "call_permissions", "username",
)  # fmt: skip
_ROWS = sql(
    """
    SELECT coalesce(json_agg(row_to_json(row)), '[]'::json)::text FROM (
        SELECT
            users.*,
            nullif(users.subscription_type, 0) AS subscription_type,
            voicemail.name AS voicemail_name, voicemail.number AS voicemail_number,
            voicemail.context AS voicemail_context, voicemail.password AS voicemail_password,
            voicemail.email AS voicemail_email, voicemail.attach_audio AS voicemail_attach_audio,
            voicemail.delete_messages AS voicemail_delete_messages, voicemail.ask_password AS voicemail_ask_password,
            CASE
                WHEN line.endpoint_sip_uuid IS NOT NULL THEN 'sip'
                WHEN line.endpoint_sccp_id IS NOT NULL THEN 'sccp'
                WHEN line.endpoint_custom_id IS NOT NULL THEN 'custom'
            END AS line_protocol,
            line.provisioning_code, coalesce(extension.context, line.context) AS context, extension.exten,
            (jsonb_path_query_first(endpoint.auth_section_options, 'strict $[*] ? (@[0] == "username")') ->> 1)
                AS sip_username,
            (jsonb_path_query_first(endpoint.auth_section_options, 'strict $[*] ? (@[0] == "password")') ->> 1)
                AS sip_secret,
            incall.exten AS incall_exten, incall.context AS incall_context,
            permission.names AS call_permissions
        FROM (
            SELECT * FROM users
            WHERE tenant_uuid = $1::uuid AND id > $2::int AND {tenants}
            ORDER BY id LIMIT $3::int
        ) AS users
        LEFT JOIN voicemails voicemail ON voicemail.id = users.voicemail_id
        LEFT JOIN user_lines link ON link.user_id = users.id AND link.main_line
        LEFT JOIN lines line ON line.id = link.line_id
        LEFT JOIN endpoint_sip endpoint ON endpoint.uuid = line.endpoint_sip_uuid
        LEFT JOIN line_extensions ON line_extensions.line_id = line.id
        LEFT JOIN extensions extension ON extension.id = line_extensions.extension_id
        LEFT JOIN LATERAL (
            SELECT
                string_agg(called.exten, ';' ORDER BY called.exten, called.context) AS exten,
                string_agg(called.context, ';' ORDER BY called.exten, called.context) AS context
            FROM destinations
            JOIN incalls ON incalls.destination_id = destinations.id
            JOIN extensions called ON called.incall_id = incalls.id
            WHERE destinations.type = 'user' AND destinations.target = users.id::text
        ) AS incall ON true
        LEFT JOIN LATERAL (
            SELECT string_agg(permitted.name, ';' ORDER BY permitted.name) AS names
            FROM user_call_permissions
            JOIN call_permissions permitted ON permitted.id = user_call_permissions.call_permission_id
            WHERE user_call_permissions.user_id = users.id
        ) AS permission ON true
        ORDER BY users.id
    ) AS row
    """,
    tenants="users.tenant_uuid",
)


_PAGE = 500


class UserExport(ResourceService):
    """The part of the users' service that exports."""

    @read
    def export(self) -> str:
        """The users of the caller's tenant as CSV; each with his main line and its extension only.

        Raises:
            MessageTooLarge: it does not fit into a message.
            Overdue: nobody waits any more.
        """
        accounts = usernames(self.work.settings, self.work.context.tenant)
        limit = self.work.settings.message_limit
        text = io.StringIO()
        writer = csv.DictWriter(text, _COLUMNS, restval="", extrasaction="ignore", lineterminator="\r\n")
        writer.writeheader()
        for page in self._pages():
            for row in page:
                row["username"] = accounts.get(row["uuid"])
                writer.writerow({name: _written(value) for name, value in row.items()})
            if text.tell() > limit:
                raise errors.MessageTooLarge("users.export", "a reply", text.tell(), limit)
        return text.getvalue()

    def _pages(self) -> Iterator[list[dict[str, Any]]]:
        """The rows by some hundreds, as long as somebody waits for them; in between, others run."""
        last = 0
        while page := json.loads(_ROWS.read(self.work, self.work.context.tenant, last, _PAGE)):
            if self.work.context.overdue:
                raise errors.Overdue()
            yield page
            last = page[-1]["id"]
            pause()


def _written(value: object) -> object:
    if isinstance(value, bool):
        return int(value)
    return value
