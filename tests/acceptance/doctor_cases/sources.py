"""Alarms of sources: tables, documents, triggers, indexes, prefixes."""

from __future__ import annotations

from tests.acceptance.doctor_cases.case import ARTICLES, Case

RECONCILE = ("reconcile", "docs")
MOVE = ("attach", "public.docs", "--name", "docs", "--move")
SOURCES = (
    Case(
        name="sources",
        level="warning",
        message="run `wikiembed attach`",
        broken="select wikiembed.detach('docs'); select wikiembed.detach('wiki')",
        fixed_by=("attach", "public.docs", "--text", "body", "--embedding", "vec"),
    ),
    Case(
        name="relation",
        level="fault",
        message="The table of source docs was dropped: run `wikiembed reconcile docs`",
        broken="drop table public.docs",
        fixed_by=RECONCILE,
    ),
    Case(
        name="replaced",
        level="fault",
        message="Source docs is still attached to public.old, and public.docs is another table now",
        broken="create table public.new (like public.docs including all);"
        " alter table public.docs rename to old; alter table public.new rename to docs",
        fixed_by=MOVE,
    ),
    Case(
        name="replaced",
        level="fault",
        message="The table of source docs was dropped, and public.docs is another table now",
        broken="create table public.new (like public.docs including all);"
        " drop table public.docs; alter table public.new rename to docs",
        fixed_by=MOVE,
    ),
    Case(
        name="triggers",
        level="fault",
        message="run `wikiembed reconcile docs`",
        broken="drop trigger zzz_wikiembed_docs on public.docs",
        fixed_by=RECONCILE,
    ),
    Case(
        name="triggers",
        level="fault",
        message="run `wikiembed reconcile docs`",
        broken="alter table public.docs disable trigger all",
        fixed_by=RECONCILE,
    ),
    Case(
        name="documents_relation",
        level="fault",
        message="A table of documents of source articles was dropped: run `wikiembed reconcile",
        broken=ARTICLES.format("true") + " drop table public.articles cascade",
        fixed_by=("reconcile", "articles"),
    ),
    Case(
        name="documents_relation",
        level="fault",
        message="A column of documents in public.articles of source articles was dropped",
        broken=ARTICLES.format("true") + " alter table public.articles drop column body",
        fixed_by=("reconcile", "articles"),
    ),
    Case(
        name="chunk_table",
        level="fault",
        message="lacks columns of a chunk table: heading: rename them back, or add them, then run"
        " `wikiembed reconcile articles`.",
        broken=ARTICLES.format("true")
        + " alter table public.articles_chunks rename heading to other",
        fixed_sql="alter table public.articles_chunks rename other to heading",
    ),
    Case(
        name="chunk_table",
        level="fault",
        message="on delete cascade`, then run `wikiembed reconcile articles`.",
        broken=ARTICLES.format("true") + " alter table public.articles_chunks"
        " drop constraint articles_chunks_document_id_fkey",
        fixed_sql="alter table public.articles_chunks add foreign key (document_id)"
        " references public.articles (id) on update cascade on delete cascade",
    ),
    Case(
        name="document_triggers",
        level="fault",
        message="of source articles, public.articles, are missing, disabled or outdated: run",
        broken=ARTICLES.format("true") + " alter table public.articles disable trigger all",
        fixed_by=("reconcile", "articles"),
    ),
    Case(
        name="document_triggers",
        level="fault",
        message="A column of documents in public.articles of source articles was renamed",
        broken=ARTICLES.format("true") + " alter event trigger wikiembed_on_ddl disable;"
        " alter table public.articles rename body to text",
        fixed_by=("reconcile",),
    ),
    Case(
        name="index",
        level="warning",
        message="run in psql `create index concurrently on public.docs (id) where vec is null`",
        broken="drop index public.wikiembed_missing_docs",
        fixed_sql="create index concurrently on public.docs (id) where vec is null",
    ),
    Case(
        name="index",
        level="warning",
        message="`drop index public.wikiembed_missing_docs` and then `create index concurrently",
        broken="update pg_index set indisvalid = false"
        " where indexrelid = 'public.wikiembed_missing_docs'::regclass",
    ),
    Case(
        name="search_index",
        level="warning",
        message="is invalid, or is being built: run `wikiembed index --source docs`",
        broken="create index i on public.docs using hnsw (vec public.vector_cosine_ops);"
        " update pg_index set indisvalid = false where indexrelid = 'public.i'::regclass",
        fixed_sql="drop index public.i",
    ),
    Case(
        name="search_index",
        level="warning",
        message="has 10,000 vectors and no index that search can use: run `wikiembed index",
        broken="insert into public.docs (body, vec)"
        " select 'x', array[1, 0, 0, g]::vector from generate_series(1, 10000) as g",
        fixed_by=("index", "--source", "docs"),
    ),
    Case(
        name="search_index",
        level="warning",
        message="by an index of kind binary, and searches compare every row: run `wikiembed index",
        broken="insert into public.docs (body, vec)"
        " select 'x', array[1, 0, 0, g]::vector from generate_series(1, 10000) as g;"
        " select wikiembed.set_quantise('docs', 'binary')",
        fixed_by=("index", "--source", "docs"),
    ),
    Case(
        name="search_index",
        level="warning",
        message="by text (english), which read every row: run `wikiembed index --text --source",
        broken="select wikiembed.set_text_config('docs', 'english')",
        fixed_by=("index", "--text", "--source", "docs"),
    ),
    Case(
        name="recall",
        level="warning",
        message="recall@10 is 0.900 at ef_search 40 (200 questions, ",
        broken="insert into public.docs (body, vec) select 'x',"
        " array[sin(g), cos(g), sin(g * g), 1]::vector from generate_series(1, 1000) as g;"
        " create index on public.docs using hnsw (vec public.vector_cosine_ops);"
        " select wikiembed.record_recall('docs', '{20,40,80}', '{0.8,0.9,1}', 200)",
        fixed_by=("recall", "docs", "--set"),
    ),
    Case(
        name="prefix",
        level="warning",
        message="expects the prefixes 'search_document: ' and",
        broken="update wikiembed.sources set model = 'nomic-embed-text' where name = 'docs'",
    ),
)
