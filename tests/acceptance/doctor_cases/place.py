"""Alarms of the database, its schema and its queue."""

from __future__ import annotations

from tests.acceptance.doctor_cases.case import Case

PLACE = (
    Case(
        name="database",
        level="fault",
        message="start it, or set WIKIEMBED_DATABASE_URL",
        env={"database_url": "postgresql://localhost:1/none"},
        exits=3,
    ),
    Case(
        name="database",
        level="fault",
        message="set user and password in WIKIEMBED_DATABASE_URL",
        connect={"user": "nobody_of_that_name"},
        exits=2,
    ),
    Case(
        name="read_only",
        level="fault",
        message="set WIKIEMBED_DATABASE_URL to the primary",
        connect={"options": "-c default_transaction_read_only=on"},
    ),
    Case(
        name="pgvector",
        level="fault",
        message="`create extension vector`",
        broken="drop extension vector cascade",
    ),
    Case(
        name="pgvector",
        level="warning",
        message="`alter extension vector update`",
        broken="set allow_system_table_mods = on;"
        " update pg_extension set extversion = '0.1.0' where extname = 'vector'",
    ),
    Case(
        name="schema",
        level="fault",
        message="run `wikiembed migrate`",
        broken="update wikiembed.alembic_version set version_num = '0009'",
        exits=2,
    ),
    Case(
        name="schema",
        level="fault",
        message="install the wikiembed that made it",
        broken="update wikiembed.alembic_version set version_num = '9999'",
        exits=2,
    ),
    Case(
        name="queue_schema",
        level="fault",
        message="enable trigger wikiembed_pause_gate`",
        broken="alter table wikiembed_queue.procrastinate_jobs"
        " disable trigger wikiembed_pause_gate",
        fixed_sql="alter table wikiembed_queue.procrastinate_jobs"
        " enable trigger wikiembed_pause_gate",
    ),
    Case(
        name="queue_schema",
        level="fault",
        message="lacks procrastinate_update_heartbeat_v1: restore it from a backup",
        broken="drop function wikiembed_queue.procrastinate_update_heartbeat_v1",
    ),
    Case(
        name="queue_schema",
        level="fault",
        message="lacks wikiembed_notify_workers: run `wikiembed migrate`",
        broken="drop trigger wikiembed_notify_workers on wikiembed_queue.procrastinate_jobs",
        fixed_by=("migrate",),
    ),
)
