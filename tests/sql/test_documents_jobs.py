"""Jobs of documents: one statement queues them, whatever does it, and its size has one home."""

from __future__ import annotations

import pytest

from tests.support.database import Database

COUNT_CALLS = """
create table public.calls (jobs bigint);
create function public.count_call() returns trigger language plpgsql security definer
as $$ begin insert into public.calls select count(*) from new_jobs; return null; end $$;
create trigger count_call after insert on wikiembed_queue.procrastinate_jobs
  referencing new table as new_jobs for each statement execute function public.count_call();
"""
ATTACH = (
    "select wikiembed.attach_documents('public.articles', 'id', 'body', 'articles',"
    " p_dimensions => 4)"
)
INSERT = "insert into public.articles select i, 'text' from generate_series(1, 40) as i"
FREE = "delete from wikiembed_queue.procrastinate_jobs"
FAIL = (
    "insert into wikiembed.document_failures (source, key, error_class, message)"
    " select 'articles', id::text, 'document_unreadable', 'It failed.' from public.articles"
)
WAYS = {
    "insert": ["truncate public.articles cascade", FREE, INSERT],
    "update": [FREE, "update public.articles set body = 'other'"],
    "enqueue": [FREE, "select wikiembed.enqueue('articles')"],
    "retry": [FREE, FAIL, "select wikiembed.retry_failures('articles')"],
    "resplit": [FREE, "select wikiembed.resplit('articles', p_max_chars => 900)"],
}
"""What queues all 40 documents; the last statement does."""
SEVEN = (
    "create or replace function wikiembed_private.documents_per_job() returns integer"
    " language sql immutable as 'select 7'"
)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [16, 7])
def test_documents_are_queued_in_jobs_of_one_size(database: Database, way: str, size: int) -> None:
    """In one statement: with another size in its one home, every way makes jobs of that size."""
    if size == 7:
        database.execute(SEVEN)
    database.execute("create table public.articles (id int primary key, body text)")
    database.execute(ATTACH)
    database.execute(INSERT)
    *before, last = WAYS[way]
    for statement in before:
        database.execute(statement)
    database.execute(COUNT_CALLS)
    database.execute(last)
    full, rest = divmod(40, size)
    assert database.rows("select jobs from public.calls where jobs > 0") == [(full + 1,)]
    queued = database.rows(
        "select args -> 'documents' from wikiembed_queue.procrastinate_jobs"
        " where task_name = 'wikiembed.split' order by id"
    )
    assert [len(keys) for (keys,) in queued] == [size] * full + [rest]
    found = [key for (keys,) in queued for key in keys]
    assert sorted(found, key=int) == [str(n) for n in range(1, 41)]


def test_dry_run_counts_the_jobs_that_enqueue_makes(database: Database) -> None:
    """Of documents, by the same size."""
    database.execute("create table public.articles (id int primary key, body text)")
    database.execute(ATTACH)
    database.execute(INSERT)
    database.execute(FREE)
    dry = database.one("select jobs from wikiembed.enqueue('articles', p_dry_run => true)")
    assert dry == database.one("select jobs from wikiembed.enqueue('articles')") == 3
