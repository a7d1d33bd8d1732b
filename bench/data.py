"""Fills the database with users, by SQL alone: 100,000 of them take seconds."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["FIRST_EXTEN", "Pool", "Tenant", "doomed", "empty", "family", "fill", "import_rows", "unassociated"]

FIRST_EXTEN = 100_000
_OWNED = "users, lines, endpoint_sip, extensions, voicemails, contexts, tenants, outbox, calls"

_TENANTS = """
INSERT INTO tenants (uuid) SELECT unnest(%(tenants)s::uuid[]);
INSERT INTO contexts (uuid, name, label, type, user_ranges, tenant_uuid)
SELECT gen_random_uuid(), 'bench-' || left(tenant::text, 8), 'internal', 'internal',
       '[{"start": "100000", "end": "999999"}]', tenant
FROM unnest(%(tenants)s::uuid[]) AS tenant;
INSERT INTO endpoint_sip (uuid, name, label, template, endpoint_section_options, aor_section_options, tenant_uuid)
SELECT tenant, 'global-' || tenant, 'global', true,
       '[["rtp_timeout", "7200"], ["allow_transfer", "yes"], ["allow", "!all,ulaw"], ["language", "en_US"]]',
       '[["maximum_expiration", "3600"], ["qualify_frequency", "60"]]', tenant
FROM unnest(%(tenants)s::uuid[]) AS tenant;
UPDATE tenants SET global_sip_template_uuid = uuid, sip_templates_generated = true WHERE uuid = ANY(%(tenants)s::uuid[])
"""
_ROWS = """
CREATE TEMPORARY TABLE made ON COMMIT DROP AS
SELECT %(first)s + number AS id, (%(tenants)s::uuid[])[number / %(each)s + 1] AS tenant,
       'bench-' || left(((%(tenants)s::uuid[])[number / %(each)s + 1])::text, 8) AS context,
       (100000 + number %% %(each)s)::text AS exten,
       initcap(translate(left(md5(((%(first)s + number) / 5)::text), 7), '0123456789', 'ghijklmnop')) AS family,
       md5('sip' || (%(first)s + number))::uuid AS sip
FROM generate_series(0, %(count)s - 1) AS number
"""
_USERS = """
INSERT INTO users (id, uuid, firstname, lastname, email, caller_id, language, userfield, mobile_phone_number,
                   voicemail_id, tenant_uuid)
SELECT id, md5('user' || id)::uuid, (ARRAY['Zoë', 'Ann', 'José', 'Linh', 'Jürgen', 'Maëlle', 'Kim'])[id %% 7 + 1],
       family, 'user' || id || '@bench.example', '"' || family || '"', 'fr_FR',
       (ARRAY['Sales', 'Support', 'Finance'])[id %% 3 + 1], '+3363998' || lpad((id %% 10000)::text, 4, '0'),
       CASE WHEN %(joined)s THEN id END, tenant
FROM made;
"""
_LINES = """
INSERT INTO endpoint_sip (uuid, name, auth_section_options, endpoint_section_options, caller_id, tenant_uuid)
SELECT sip, 'sip' || id,
       jsonb_build_array(jsonb_build_array('username', 'sip' || id), jsonb_build_array('password', md5(id::text))),
       jsonb_build_array(jsonb_build_array('callerid', '"' || family || '" <' || exten || '>')),
       '"' || family || '" <' || exten || '>', tenant
FROM made;
INSERT INTO endpoint_sip_templates (child_uuid, parent_uuid, position) SELECT sip, tenant, 0 FROM made;
INSERT INTO lines (id, context, provisioning_code, endpoint_sip_uuid, tenant_uuid)
SELECT id, context, lpad(id::text, 6, '0'), sip, tenant FROM made;
"""
_JOINED = """
INSERT INTO extensions (id, exten, context, tenant_uuid) SELECT id, exten, context, tenant FROM made;
INSERT INTO line_extensions (line_id, extension_id) SELECT id, id FROM made;
INSERT INTO user_lines (user_id, line_id, main_line, main_user) SELECT id, id, true, true FROM made;
INSERT INTO voicemails (id, name, number, context, email, tenant_uuid)
SELECT id, family, exten, context, 'user' || id || '@bench.example', tenant FROM made;
"""
_TABLES = ("users", "lines", "extensions", "voicemails")
# The sequences never go back: a worker has ids at hand that it has drawn before.
_LAST = f"SELECT greatest({', '.join(f'(SELECT last_value FROM {table}_id_seq)' for table in _TABLES)})"
_TALLIES = "; ".join(f"SELECT confd_tally_anew('{table}')" for table in _TABLES)
_SEQUENCES = "; ".join(f"SELECT setval('{table}_id_seq', %(last)s)" for table in _TABLES)
_COLUMNS = (
    "firstname,lastname,email,language,mobile_phone_number,line_protocol,context,exten,sip_username,sip_secret,"
    "voicemail_name,voicemail_number,voicemail_context,voicemail_password,voicemail_email"
)
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


@dataclass(frozen=True)
class Tenant:
    """A tenant with users that have ids in a row, each with line, SIP endpoint, extension and voicemail."""

    uuid: str
    first: int = 0
    users: int = 0

    @property
    def context(self) -> str:
        """Name of the tenant's only context."""
        return f"bench-{self.uuid[:8]}"


@dataclass(frozen=True)
class Pool:
    """Users, with ids in a row, that calls use up.

    Attributes:
        refill: SQL that brings back what was used up.
    """

    first: int
    size: int
    refill: str


def family(id: int) -> str:
    """The last name of the filled user with that id; five users have the same."""
    return hashlib.md5(str(id // 5).encode(), usedforsecurity=False).hexdigest()[:7].translate(_LETTERS)


def empty(cursor: Any) -> None:
    """Remove all tenants with what is theirs."""
    cursor.execute(f"TRUNCATE {_OWNED} CASCADE")


def fill(cursor: Any, tenants: int, each: int) -> list[Tenant]:
    """Make tenants of so many whole users each."""
    made = _tenants(cursor, tenants)
    first = _fill(cursor, made, each, _USERS + _LINES + _JOINED)
    # What autovacuum would do in the middle of what is measured.
    cursor.execute("VACUUM ANALYZE")
    return [Tenant(uuid, first + number * each, each) for number, uuid in enumerate(made)]


def unassociated(cursor: Any, tenant: Tenant, size: int) -> Pool:
    """Users, and as many lines with endpoints, that nothing joins."""
    first = _fill(cursor, [tenant.uuid], size, _USERS + _LINES)
    cursor.execute("ANALYZE")
    return Pool(first, size, f"DELETE FROM user_lines WHERE user_id BETWEEN {first} AND {first + size - 1}")


def doomed(cursor: Any, tenant: Tenant, size: int) -> Pool:
    """Users that have nothing, and so can be deleted."""
    first = _fill(cursor, [tenant.uuid], size, "")
    rows = f"""
        INSERT INTO users (id, uuid, firstname, caller_id, tenant_uuid)
        SELECT id, gen_random_uuid(), 'Ann', '"Ann"', '{tenant.uuid}'
        FROM generate_series({first}, {first + size - 1}) AS id
        ON CONFLICT DO NOTHING
    """
    cursor.execute(rows)
    return Pool(first, size, rows)


def import_rows(tenant: Tenant, first: int, rows: int) -> str:
    """A CSV of users of the full kind: with account data, line, SIP endpoint, extension and voicemail."""
    lines = [_COLUMNS]
    for number in range(first, first + rows):
        exten = FIRST_EXTEN + 200_000 + number
        email = f"ann.{number}@import.example"
        user = f"Ann,Müller {number},{email},de_DE,+33639981234"
        line = f"sip,{tenant.context},{exten},i{exten},secret{exten}"
        lines.append(f"{user},{line},Ann Müller {number},{exten},{tenant.context},1234,{email}")
    return "\n".join(lines)


def _tenants(cursor: Any, number: int) -> list[str]:
    made = [str(uuid.uuid4()) for _ in range(number)]
    cursor.execute(_TENANTS, {"tenants": made})
    return made


def _fill(cursor: Any, tenants: Sequence[str], each: int, inserts: str) -> int:
    """Insert rows for each user; the id of the first."""
    cursor.execute(_LAST)
    first = cursor.fetchone()[0] + 1
    count = each * len(tenants)
    given = {"first": first, "tenants": list(tenants), "each": each, "count": count, "joined": _JOINED in inserts}
    # Neither triggers nor foreign keys: what is inserted is as they would have it, but for the tallies.
    cursor.execute("BEGIN; SET LOCAL session_replication_role = replica")
    cursor.execute(f"{_ROWS}; {inserts}; {_TALLIES}; COMMIT", given)
    cursor.execute(_SEQUENCES, {"last": first + count})
    return int(first)
