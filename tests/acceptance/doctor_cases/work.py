"""Alarms of work: what waits, what failed, workers, counts."""

from __future__ import annotations

from tests.acceptance.doctor_cases.case import ARTICLES, JOB, Case

ALIVE = "insert into wikiembed_queue.procrastinate_workers default values;"
WORK = (
    Case(
        name="paused",
        level="warning",
        message="(the GPU is moved): fix the cause, then run `wikiembed resume docs`",
        broken="select wikiembed.pause('docs', 'the GPU is moved.')",
        fixed_by=("resume", "docs"),
    ),
    Case(
        name="held_back",
        level="warning",
        message="Source docs: 1 chunk waits to be queued: run `wikiembed enqueue docs`",
        broken="insert into public.docs (body) values ('x');"
        " delete from wikiembed_queue.procrastinate_jobs;"
        " select wikiembed.enqueue('docs', p_max_chunks => 0)",
        fixed_by=("enqueue", "docs"),
    ),
    Case(
        name="documents_waiting",
        level="warning",
        message="Source articles: 1 document waits to be split and is in no job: run `wikiembed",
        broken=ARTICLES.format("false"),
        fixed_by=("enqueue", "articles"),
    ),
    Case(
        name="documents_waiting",
        level="warning",
        message="run `wikiembed enqueue articles`",
        broken=ARTICLES.format("true") + " delete from wikiembed_queue.procrastinate_jobs",
        fixed_by=("enqueue", "articles"),
    ),
    Case(
        name="documents_failed",
        level="warning",
        message="Source articles has 1 document that could not be split (document_unreadable): see",
        broken=ARTICLES.format("true") + " select wikiembed.record_document_failure("
        "'articles', d.key, d.version, 'document_unreadable', 'No.')"
        " from wikiembed.read_documents('articles', array['1']) as d",
        fixed_by=("retry", "articles"),
    ),
    Case(
        name="splitter_version",
        level="warning",
        message="Source articles: its documents were split by version 0 of the splitter, which is",
        broken=ARTICLES.format("true")
        + " update wikiembed.document_sources set splitter_version = 0 where source = 'articles'",
        fixed_by=("resplit", "articles"),
    ),
    Case(
        name="failures",
        level="warning",
        message="Source docs has 1 failed chunk (rejected): see `wikiembed failures docs`",
        broken="insert into public.docs (body) values ('x');"
        " select wikiembed.record_failures('docs', array[k.key], array[k.version], 'rejected')"
        "   from wikiembed.read_chunks('docs', array['1']) as k",
        fixed_by=("retry", "docs"),
    ),
    Case(name="workers", level="warning", message="run `wikiembed worker`", fixed_sql=ALIVE),
    Case(
        name="workers",
        level="fault",
        message="run `wikiembed worker`",
        broken="insert into public.docs (body) values ('x')",
        fixed_sql=ALIVE,
    ),
    Case(
        name="stuck_jobs",
        level="warning",
        message="Jobs of dead workers: 1, ",
        broken=JOB.format("status = 'doing'"),
        fixed_sql="select from wikiembed.rescue_jobs()",
    ),
    Case(
        name="stuck_jobs",
        level="warning",
        message="jobs that run for more than 30 min: 1;",
        broken=ALIVE
        + JOB.format("status = 'doing', worker_id = 1")
        + "; update wikiembed_queue.procrastinate_jobs set started_at = now() - interval '1 h'",
        fixed_sql="select from wikiembed.rescue_jobs()",
    ),
    Case(
        name="oldest_job",
        level="warning",
        message="run more of `wikiembed worker`",
        broken=JOB.format("queued_at = now() - interval '11 min'"),
        fixed_by=("pause", "docs"),
    ),
    Case(
        name="invariants",
        level="fault",
        message="the ledger's sums equal the counts of the table (14 rows);"
        " run `wikiembed reconcile`",
        broken="delete from wikiembed.ledger;"
        " insert into wikiembed.ledger (source, total, embedded) values ('docs', 7, 7)",
        fixed_by=("reconcile",),
    ),
)
