"""The tables of the first release: procrastinate's queue, the sources and what is kept of them."""

from __future__ import annotations

from wikiembed.db.step import (
    dimensions,
    run,
    run_after_current,
    run_files,
    vector_schema,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "sources",
    "failures",
    "ended_failures",
    "ledger",
    "clock",
    "action_log",
    "outages",
    "worker_processes",
    "truncation",
    "schema_digest",
)


def upgrade() -> None:
    """Create the schemas, the queue and the tables; attach the wiki when there are functions."""
    run("create schema if not exists wikiembed;")
    run("create schema wikiembed_queue;")
    run("create schema wikiembed_private;")
    run("set local search_path = wikiembed_queue, pg_catalog;")
    run_files("vendor/procrastinate/3.10.0/schema")
    run(f"set local search_path = pg_catalog, {vector_schema()}, pg_temp;")
    run_files("versions/0001_baseline/queue")
    run_files(*(f"versions/0001_baseline/{table}" for table in TABLES))
    run(f"set local wikiembed.dimensions = {dimensions()};")
    run_files("versions/0001_baseline/wiki")
    run_after_current(
        "select wikiembed.attach('public.wiki_chunks', 'id', 'content', 'embedding', 'wiki');"
    )
