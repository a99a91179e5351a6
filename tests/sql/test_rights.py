"""What writer, worker and reader may do, and what they may not."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import VECTOR, add, queued
from tests.support.database import Database

DENIED = psycopg.errors.InsufficientPrivilege


def allow(connection: psycopg.Connection, statements: list[str]) -> None:
    """Run statements that the role may run."""
    for statement in statements:
        connection.execute(statement.encode())


def deny(connection: psycopg.Connection, statements: list[str]) -> None:
    """Assert that the role may run none of the statements."""
    for statement in statements:
        with pytest.raises(DENIED):
            connection.execute(statement.encode())


CONTROL = [
    "select wikiembed.resume()",
    "select wikiembed.skip('docs', array['1'])",
    "select wikiembed.retry_failures('docs')",
    "select wikiembed.detach('docs')",
    "select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'again')",
    "select wikiembed.enqueue('docs')",
    "select wikiembed.grant_worker('postgres')",
    "update wikiembed.sources set model = 'x'",
    "delete from wikiembed.ledger",
    "delete from wikiembed.failures",
    "delete from wikiembed.action_log",
    "delete from wikiembed.outages",
    "select wikiembed_private.renew_grants()",
    "select wikiembed_private.write_triggers('docs')",
    "create table wikiembed.mine ()",
    "create table wikiembed_queue.mine ()",
    "create table wikiembed_private.mine ()",
]
WORK = [
    "select * from wikiembed_private.read_docs(array['1'], 0)",
    f"select * from wikiembed_private.store_docs(array['1'], array[1],"
    f" array['{VECTOR}'::vector], 0)",
    "select * from wikiembed.read_chunks('docs', array['1'])",
    f"select * from wikiembed.write_embeddings('docs', array['1'], array[1],"
    f" array['{VECTOR}'::vector])",
    "select * from wikiembed.record_failures('docs', array['1'], array[1], 'x')",
    "select wikiembed.pin_model('docs', 'ollama', 'nomic', 4)",
    "select wikiembed.pause('docs', 'quota')",
    "select * from wikiembed.rescue_jobs()",
    "select * from wikiembed.reconcile()",
    "select wikiembed.fold_ledger()",
    "select wikiembed.expire_pauses()",
    "select wikiembed.report_outage('http://host', 1, 'no_answer')",
    "select wikiembed.end_outage('http://host')",
    "select * from wikiembed_private.fetch_jobs(null, false, 1, 2, 3)",
    "select wikiembed_private.finish_jobs(array[0])",
]
WATCH = [
    "select * from wikiembed.coverage",
    "select * from wikiembed.queue",
    "select * from wikiembed.workers",
    "select * from wikiembed.throughput",
    "select * from wikiembed.sources",
    "select * from wikiembed.outages",
    "select wikiembed.is_ready('docs')",
]
READ = [
    "select * from wikiembed.failures",
    "select * from wikiembed.action_log",
    "select * from wikiembed.documents",
    "select version_num from wikiembed.alembic_version",
]
QUEUE = [
    "select wikiembed_queue.procrastinate_register_worker_v1()",
    "select wikiembed_queue.procrastinate_fetch_job_v2(null, 1)",
    "select wikiembed_queue.procrastinate_finish_job_v1(1, 'succeeded', true)",
    "insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name) values ('q', 't')",
    "select wikiembed_queue.procrastinate_cancel_job_v1(2, true, false)",
    "update wikiembed_queue.procrastinate_workers set last_heartbeat = now()",
    "delete from wikiembed_queue.procrastinate_jobs",
]
CHUNKS = ["select * from public.docs", "insert into public.docs (body) values ('x')"]


def test_writer_enqueues_without_a_right_on_the_queue(docs_table: Database) -> None:
    """Insert and update chunks, and no more."""
    writer = docs_table.create_role("writer", grant="writer")
    with docs_table.connect(role=writer) as connection:
        allow(
            connection,
            [*CHUNKS, "update public.docs set body = 'y'", "select * from public.wiki_chunks"],
        )
        allow(
            connection,
            [
                "insert into public.wiki_pages (title, content) values ('T', 'text')",
                "update public.wiki_pages set content = 'another text'",
                "select * from wikiembed.documents",
            ],
        )
        deny(connection, [*CONTROL, *WORK, *WATCH, *QUEUE])
        deny(connection, ["delete from public.docs", "truncate public.docs"])
        deny(
            connection,
            ["delete from public.wiki_pages", "select * from wikiembed.document_sources"],
        )
        allow(connection, ["select wikiembed.load_pages('[]')"])
    assert queued(docs_table) == ["1", "1"]
    docs_table.check_invariants()


def test_writer_may_use_the_sequence_of_a_serial_key(database: Database) -> None:
    """And the schema of the table."""
    database.execute(
        "create schema app; create table app.docs (id bigserial primary key, body text,"
        " vec vector(4))"
    )
    database.execute("select wikiembed.attach('app.docs', 'id', 'body', 'vec', 'docs')")
    writer = database.create_role("writer", grant="writer")
    with database.connect(role=writer) as connection:
        allow(connection, ["insert into app.docs (body) values ('x')"])
    assert queued(database) == ["1"]


def test_worker_calls_functions_and_reads_no_chunk(docs_table: Database) -> None:
    """Every step of a worker, with no right on the table itself."""
    add(docs_table, "one")
    worker = docs_table.create_role("worker", grant="worker")
    with docs_table.connect(role=worker) as connection:
        allow(connection, [*WORK, *WATCH, *QUEUE])
        allow(connection, ["select wikiembed_private.runnable_queues(null, true)"])
        allow(connection, ["select version_num from wikiembed.alembic_version"])
        deny(connection, [*CONTROL, *CHUNKS])
        deny(connection, ["select * from wikiembed.action_log"])
        deny(connection, [f"select * from wikiembed.search('docs', '{VECTOR}')"])


def test_worker_serves_sources_attached_after_its_grant(docs_table: Database) -> None:
    """By the public functions and by the source's own functions."""
    worker = docs_table.create_role("worker", grant="worker")
    docs_table.execute("create table public.more (id int primary key, body text, vec vector(4))")
    docs_table.execute("select wikiembed.attach('public.more', 'id', 'body', 'vec', 'more')")
    docs_table.execute("insert into public.more values (1, 'one')")
    with docs_table.connect(role=worker) as connection:
        (row,) = connection.execute(
            "select key, version from wikiembed.read_chunks('more', array['1'])"
        ).fetchall()
        outcome = connection.execute(
            "select outcome from wikiembed.write_embeddings('more', %s, %s, array[%s::vector])",
            [[row[0]], [row[1]], VECTOR],
        ).fetchone()
        docs_table.execute("update public.more set body = 'two'")
        (row,) = connection.execute(
            "select key, version from wikiembed_private.read_more(array['1'], 0)"
        ).fetchall()
        again = connection.execute(
            "select outcome from wikiembed_private.store_more(%s, %s, array[%s::vector], 0)",
            [[row[0]], [row[1]], VECTOR],
        ).fetchone()
    assert (outcome, again) == (("written",), ("written",))


def test_reader_reads_views_and_changes_nothing(docs_table: Database) -> None:
    """Views, sources, failures, the action log, is_ready."""
    reader = docs_table.create_role("reader", grant="reader")
    with docs_table.connect(role=reader) as connection:
        allow(connection, [*WATCH, *READ])
        deny(connection, [*CONTROL, *WORK, *QUEUE, *CHUNKS])


def test_other_role_may_do_nothing(docs_table: Database) -> None:
    """Public has no rights."""
    stranger = docs_table.create_role("stranger")
    with docs_table.connect(role=stranger) as connection:
        deny(connection, [*CONTROL, *WORK, *WATCH, *QUEUE, *CHUNKS])


@pytest.mark.parametrize("grant", ["writer", "worker", "reader"])
def test_grants_are_idempotent(docs_table: Database, grant: str) -> None:
    """And accept a name that needs quoting; a dropped table is skipped."""
    role = docs_table.create_role("Odd role", grant=grant)
    docs_table.execute("drop table public.docs")
    docs_table.execute(f"select wikiembed.grant_{grant}(%s)", [role])
