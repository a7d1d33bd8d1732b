"""The background jobs of the whole system, as the database shows them: who does them, and what waits for them."""

from typing import Any

__all__ = ["HOUSEKEEPING", "RELAY", "RELAY_LAG", "STATE", "SYSCONFD", "SYSCONFD_LAG", "keeps_up"]

RELAY, SYSCONFD, HOUSEKEEPING = 0x636F6E01, 0x636F6E02, 0x636F6E03
"""Numbers of the advisory locks that the processes hold which do these jobs."""

RELAY_LAG, SYSCONFD_LAG = 30.0, 180.0
"""Seconds that the oldest row may wait while a job is well; longer than the longest pause between two attempts."""


def _job(lock: int, table: str) -> str:
    return f"""json_build_object(
        'on', (
            SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
            WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = {lock} AND objsubid = 1
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
        'waiting', (SELECT count(*) FROM {table}),
        'lag', (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float FROM {table}))"""


STATE = f"""SELECT json_build_object(
    'relay', {_job(RELAY, "outbox")},
    'sysconfd', {_job(SYSCONFD, "sysconfd_requests")},
    'dead_letters', (SELECT count(*) FROM dead_letters))"""
"""SQL that gives one JSON object: for each job the process that does it, how many rows wait, and the oldest one's age
in seconds; and how many dead letters there are.
"""


def keeps_up(job: dict[str, Any], longest: float) -> bool:
    """Whether somebody does the job and nothing waits for longer than so many seconds."""
    return job["on"] is not None and job["lag"] <= longest
