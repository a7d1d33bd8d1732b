"""The first tables.

Revision ID: confd_0001
Revises:
"""

from pathlib import Path

from alembic import op

revision = "confd_0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
    access_features, asterisk_options, tenants, users, contexts, context_includes, extensions, lines,
    line_extensions, user_lines, endpoint_sip, endpoint_sip_templates, endpoint_sccp, endpoint_custom,
    sip_transports, voicemails, voicemail_zonemessages, infos, calls, outbox, sysconfd_requests, dead_letters,
    destinations, incalls, schedules, incall_schedules, user_schedules, call_permissions, user_call_permissions,
    user_fallbacks, groups, group_user_members, group_extension_members, group_schedules, group_call_permissions,
    group_fallbacks, ivr, ivr_choices, moh, tallies
"""
_FUNCTIONS = """
    confd_sip_templates_changed, confd_sip_template_changed, confd_sip_options_changed, confd_sip_derive_below,
    confd_sip_derive, confd_sip_merged, confd_sip_inherited, confd_sip_caller_id, confd_sip_webrtc, confd_sip_pair,
    confd_sip_tree, confd_fold, confd_target_deleted, confd_holder_deleted, confd_main_line_deleted,
    confd_associated, confd_part_of, confd_revised, confd_raise_revision, confd_tenant_deleted,
    confd_tallied, confd_tally_anew, confd_tally_moved, confd_tally
"""
# What confd_part_of makes.
_PART_FUNCTIONS = """
    DO $$
    DECLARE
        changed regprocedure;
    BEGIN
        FOR changed IN SELECT oid FROM pg_proc WHERE starts_with(proname, 'confd_part_changed_') LOOP
            EXECUTE format('DROP FUNCTION %s', changed);
        END LOOP;
    END
    $$
"""


def upgrade() -> None:
    for part in ("prepare", "initial", "functions", "data"):
        script = Path(__file__).with_name(f"{part}.sql").read_text()
        op.get_bind().exec_driver_sql(script, execution_options={"no_parameters": True})


def downgrade() -> None:
    op.execute(f"DROP TABLE {_TABLES} CASCADE")
    op.get_bind().exec_driver_sql(_PART_FUNCTIONS, execution_options={"no_parameters": True})
    op.execute(f"DROP FUNCTION {_FUNCTIONS}")
