"""How to cause each of doctor's alarms, and how to clear it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """How to cause an alarm, words of its sentence, and how to clear it.

    `env` are settings by lower-case name, `connect` parts of the database's URL; `exits` is the
    exit code if it is not that of a fault.
    """

    name: str
    level: str
    message: str
    broken: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    connect: Mapping[str, str] = field(default_factory=dict)
    down: bool = False
    dimensions: int | None = None
    listed: tuple[str, ...] | None = None
    cuts_from: int | None = None
    exits: int | None = None
    fixed_by: tuple[str, ...] = ()
    fixed_sql: str = ""


JOB = (
    "insert into public.docs (body) values ('x');"
    " update wikiembed_queue.procrastinate_jobs set {} where task_name = 'wikiembed.embed'"
)
ALIVE = "insert into wikiembed_queue.procrastinate_workers default values;"
OUTAGE = "select wikiembed.report_outage('http://gpu', 5, 'timeout', null, 'it hangs');"
CHECK = "select wikiembed.record_model_check('docs', 'm', 3, 0.4, 0.9, {})"
RECONCILE = ("reconcile", "docs")
MOVE = ("attach", "public.docs", "--name", "docs", "--move")
ARTICLES = (
    "create table public.articles (id int primary key, body text);"
    " insert into public.articles values (1, 'waits');"
    " select wikiembed.attach_documents('public.articles', 'id', 'body', 'articles',"
    " p_dimensions => 4, p_enqueue => {});"
)
CASES = (
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
        name="budget",
        level="warning",
        message="Source docs will soon reach its budget: 90 of 100 tokens of the day (90 %), until",
        broken="select wikiembed.set_budget('docs', 100);"
        " select wikiembed.record_batches('docs', 1, '{1,0,10,90,0}');",
        fixed_by=("budget", "docs", "--tokens", "1000"),
    ),
    Case(
        name="budget",
        level="warning",
        message="Source docs is paused by its budget: 0 of 100 tokens of the day (0 %), until",
        broken="select wikiembed.set_budget('docs', 100);"
        " select wikiembed.reserve_budget('docs', 1, 101);",
        fixed_by=("budget", "docs", "--remove"),
    ),
    Case(
        name="limit",
        level="warning",
        message="The limit of http://host of m is set to more than the server states (60 requests"
        " where it states 50 a minute)",
        broken="select wikiembed.report_limit('http://host', 'm', 50, 900);"
        " select wikiembed.set_limit('http://host', 'm', 60);",
        fixed_by=("limit", "http://host", "--model", "m", "--remove"),
    ),
    Case(
        name="lag",
        level="fault",
        message="rows of docs have waited for their vectors for 1 min",
        broken=JOB.format("queued_at = now() - interval '61 s'"),
        env={"max_lag_s": "60"},
        fixed_by=("pause", "docs"),
    ),
    Case(
        name="lag",
        level="fault",
        message="of docs, 5 % of the rows of the last hour waited for 1 min",
        broken="select wikiembed.record_batches('docs', 1, '{1,0,10,50,0}', false,"
        " array[true, true], array[0, 43]::smallint[], array[9, 1]);",
        env={"max_lag_s": "60"},
        fixed_sql="select wikiembed.record_batches('docs', 2, '{1,0,10,50,0}', false, array[true],"
        " array[0]::smallint[], array[10]);",
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
    Case(
        name="outage",
        level="fault",
        message="Workers cannot reach http://gpu since",
        broken=OUTAGE,
        fixed_sql="select wikiembed.end_outage('http://gpu')",
    ),
    Case(
        name="outage",
        level="warning",
        message="`select wikiembed.end_outage('http://gpu')`",
        broken=OUTAGE + " update wikiembed.outages set last_seen_at = now() - interval '1 h',"
        " since = now() - interval '2 h'",
        fixed_sql="select wikiembed.end_outage('http://gpu')",
    ),
    Case(
        name="embedder",
        level="fault",
        message="Embedder openai m: The embedding server at",
        down=True,
    ),
    Case(
        name="model",
        level="fault",
        message="Source docs is pinned to openai other, these settings select openai m:",
        broken="update wikiembed.sources set provider = 'openai', model = 'other',"
        " pinned_at = now() where name = 'docs'",
    ),
    Case(
        name="served_model",
        level="warning",
        message="The server serves nomic-embed-text but accepts requests for m: set",
        listed=("nomic-embed-text",),
    ),
    Case(
        name="silent_truncation",
        level="warning",
        message=" silently truncates texts of source docs, wiki longer than about 2,000 characters",
        env={"check_truncation": "true"},
        cuts_from=2000,
    ),
    Case(
        name="model_drift",
        level="fault",
        message="are not those that are stored (another model, pooling or prefix; median cosine"
        " distance 0.4 of 3 chunks, ",
        broken=CHECK.format("'different'"),
        fixed_sql=CHECK.format("'same'"),
    ),
    Case(
        name="model_drift",
        level="fault",
        message="(a part of its chunks is off; median",
        broken=CHECK.format("'mixed'"),
        fixed_sql=CHECK.format("'same'"),
    ),
    Case(
        name="model_drift",
        level="warning",
        message="then run `wikiembed verify docs`",
        broken=CHECK.format("'shifted'"),
        fixed_sql=CHECK.format("'same'"),
    ),
    Case(
        name="dimensions",
        level="fault",
        message="Embedder openai m returns 5 dimensions, source docs has 4: choose another model",
        dimensions=5,
    ),
)
