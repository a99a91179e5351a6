"""Hostile names, texts and objects run nothing."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from tests.support.chunks import VECTOR, add, clear_jobs, coverage, embed, fail, queued, read
from tests.support.cli import RunCli
from tests.support.database import Database
from tests.support.standin import BadText, StandIn
from tests.support.workers import drain, prove, settings_of

ROB = "'); drop table public.canary; --"
NAMES = [
    ROB,
    '"; drop table public.canary; --',
    "%s %1$I %% %L",
    "a\nb\tc",
    "$x$ $$; drop table canary $$",
    "\\'; \\" + '"" ::regclass',
    "x" * 63,
]
TEXTS = [
    *NAMES, "$body$", "' || pg_sleep(9) || '", "\x01\x7f\u202e", "{}", "\\", "%", "null",
    "é" * 40_000,
]  # fmt: skip
CANARY = "create table public.canary (who text)"


@pytest.mark.parametrize("name", NAMES)
async def test_hostile_names_and_texts_have_no_side_effect(
    database: Database, standin: StandIn, run_cli: RunCli, name: str
) -> None:
    """Attached, embedded, failed, retried, skipped, detached: no side effect."""
    database.execute(CANARY)
    schema, table = sql.Identifier(name), sql.Identifier(name, name)
    key, text, vector = (sql.Identifier(name[:60] + end) for end in "ktv")
    source = name.encode()[:32].decode().strip() if name.isprintable() else "odd"
    database.execute(sql.SQL("create schema {}").format(schema))
    database.execute(
        sql.SQL("create table {} ({} text primary key, {} text, {} vector(4))").format(
            table, key, text, vector
        )
    )
    quoted = table.as_string()
    columns = [name[:60] + end for end in "ktv"]
    database.execute(
        "select wikiembed.attach(%s::regclass, %s, %s, %s, %s)", [quoted, *columns, source]
    )
    prove(database, source)
    standin.controls.bad_texts = [BadText(contains="pg_sleep", body=ROB)]
    texts = [one for one in TEXTS if len(one) < 1_000]
    for one in texts:
        put = sql.SQL("insert into {} ({}, {}) values ({}, {})")
        database.execute(put.format(table, key, text, sql.Literal(one), sql.Literal(one)))
    await drain(settings_of(database, standin.url))
    row = coverage(database, source)
    assert (row["total"], row["embedded"], row["failed"]) == (len(texts), len(texts) - 1, 1)
    for arguments in (["failures", source], ["retry", source], ["status"]):
        assert run_cli(*arguments).returncode == 0
    database.execute("select wikiembed.skip(%s, %s, %s)", [source, texts, ROB])
    database.execute("select wikiembed.pause(%s, %s)", [source, ROB])
    database.execute("select wikiembed.resume(%s)", [source])
    change = sql.SQL("update {} set {} = {} || {}").format(table, text, text, sql.Literal(ROB))
    database.execute(change)
    database.execute("select * from wikiembed.reconcile(%s)", [source])
    database.check_invariants()
    database.execute(sql.SQL("delete from {}").format(table))
    database.execute(sql.SQL("truncate {}").format(table))
    database.execute("select wikiembed.detach(%s)", [source])
    assert database.one("select count(*) from public.canary") == 0
    left = database.rows("select tgname from pg_trigger where tgrelid = %s::regclass", [quoted])
    assert left == []


async def test_hostile_texts_are_embedded_as_they_are(
    docs_table: Database, standin: StandIn
) -> None:
    """Very long ones too: each vector is that of the text."""
    prove(docs_table)
    add(docs_table, *TEXTS)
    await drain(settings_of(docs_table, standin.url))
    assert coverage(docs_table)["embedded"] == len(TEXTS)
    docs_table.check_invariants()


TRAP = """
create function {schema}.{name}({arguments}) returns {result} language plpgsql as $$
begin
  insert into public.canary values (current_user);
  return null;
end $$;
"""
TRAPS = [
    ("text, bigint", "bigint", ["hashtextextended"]),
    ("text, text", "text", ["format", "concat", "pg_notify"]),
    ("text", "text", ["upper", "btrim", "quote_literal", "to_regclass", "nextval"]),
    ("text[]", "integer", ["cardinality", "array_length"]),
    ("bigint", "bigint", ["abs", "sum"]),
    ("jsonb", "text", ["jsonb_typeof", "jsonb_array_elements_text"]),
    ("text, text", "boolean", ["equal"]),
    ("bigint, bigint", "boolean", ["equal"]),
    ("vector, vector", "boolean", ["equal"]),
    ("halfvec, vector", "boolean", ["equal"]),
    ("halfvec, vector", "double precision", ["cosine_distance"]),
    ("text, text", "jsonb", ["jsonb_build_object"]),
    ("wikiembed.sources", "boolean", ["is_held", "is_gone"]),
]
DOCUMENT_CALLS = [
    "wikiembed.attach_documents('public.texts', 'id', 'body', 'texts', p_dimensions => 4)",
    "wikiembed.document_options('texts')", "wikiembed.find_failures('texts', p_document => '1')",
    "wikiembed.read_documents('texts', array['1'], 10)",
    "wikiembed.requeue_documents('texts', array['1'], 0)",
    "wikiembed.record_document_failure('texts', '1', 7, 'timeout', 'x')",
    "wikiembed.write_splits('texts', array['1'], (select array_agg(version) from"
    " wikiembed.read_documents('texts', array['1'])), '{}', '{}', array[1], array[null]::bigint[],"
    " array[null]::text[], array['one'], array[''], array[0], array[3])",
    "wikiembed.resplit('texts', p_max_chars => 500)",
]  # fmt: skip
CALLS = [
    "wikiembed.enqueue('docs')", "wikiembed.reconcile()", "wikiembed.check_invariants()",
    "wikiembed.is_ready('docs')", "wikiembed.pause('docs')", "wikiembed.resume('docs')",
    "wikiembed.fold_ledger()", "wikiembed.expire_pauses()", "wikiembed.rescue_jobs()",
    "wikiembed.retry_failures('docs')", "wikiembed.skip('docs', array['1'])",
    "wikiembed.jobs_of_worker(1)", "wikiembed.release_jobs(1, array[1])",
    "wikiembed.reconciles_left('docs')",
    "wikiembed.pin_model('docs', 'local', 'm', 4)", "wikiembed.load_pages('[]')",
    "wikiembed.text_index('docs', 'simple')", "wikiembed.set_text_config('docs', 'simple')",
    "wikiembed.vector_index('docs', 'binary')", "wikiembed.vector_indexes('docs')",
    "wikiembed.set_quantise('docs', 'binary')",
    "wikiembed.embedded_chunks('docs', array['1'])",
    f"wikiembed.search('docs', '{VECTOR}'::public.vector, 'one', 5, '{{}}')",
    "wikiembed.sample_vectors('docs', 5)", "wikiembed.set_ef_search('docs', 80)",
    f"wikiembed.measure_recall('docs', '{VECTOR}'::public.vector, '1', '{{20,40}}', 5, '{{}}')",
    "wikiembed.record_recall('docs', '{20,40}', '{0.9,1}', 200)",
    "wikiembed.read_chunks('docs', array['1'])",
    "wikiembed.record_failures('docs', array['1'], array[1], 'x')",
    f"wikiembed.write_embeddings('docs', array['1'], array[1], array['{VECTOR}'::public.vector])",
    "wikiembed.write_truncated('docs', array['1'], array[1],"
    f" array['{VECTOR}'::public.vector], array[9], array[1])",
    "wikiembed.record_truncation_check('docs', 'http://host', 'm', 'whole', null, 4000)",
    "wikiembed.find_truncation_check('docs', 'http://host', 'm')", "wikiembed.truncation",
    "wikiembed.sample_embedded('docs', 5)", "wikiembed.due_model_checks()",
    "wikiembed.record_model_check('docs', 'm', 3, 0, 0, 'same')",
    "wikiembed.queue_by_priority('docs', 5)", "wikiembed.find_failures('docs', p_message => 'x')",
    "wikiembed.report_requests(1, '[]')",
    "wikiembed.queue_states(5)",
    "wikiembed.throughput_since(now() - interval '1 hour', '1 minute', 'docs')",
    "wikiembed_private.runnable_queues(null)", "wikiembed.coverage", "wikiembed.queue",
    "wikiembed.report_outage('http://host', 1, 'no_answer')",
    "wikiembed.end_outage('http://host')", "wikiembed.outages",
    "wikiembed.register_worker(1, gen_random_uuid(), 'h', 1, '1', 'm', now())",
    "wikiembed.switch('found', 'docs', true)", "wikiembed.switch('found', null)",
    "wikiembed.record_batches('docs', 1, array[1, 0, 1, 5, 1]::bigint[], true, array[true],"
    " array[1]::smallint[], array[1]::bigint[])", "wikiembed.usage",
    "wikiembed.set_price('docs', 0.02)", "wikiembed.set_budget('docs', 100000)",
    "wikiembed.reserve_budget('docs', 1, 10)", "wikiembed.reserve_budget('docs', 2, 1000000)",
    "wikiembed.settle_budget('docs', 1, array[1, 0, 1, 5, 1])",
    "wikiembed.set_budget('docs', null)", "wikiembed.budgets", "wikiembed.lag",
    "wikiembed.set_schedule('docs', array['22:00-06:00'])", "wikiembed.schedules",
    "wikiembed.set_schedule('docs')",
    "wikiembed.set_limit('http://host', 'm', 60)",
    "wikiembed.report_limit('http://host', 'm', 50, 9)",
    "wikiembed.limited_servers()", "wikiembed.lease_requests('http://host', 'm', 1, 5, 5)",
    "wikiembed.block_limit('http://host', 'm', 1)", "wikiembed.set_limit('http://host', 'm')",
    "wikiembed.limits",
    "wikiembed.lag_histogram",
    "wikiembed.workers", "wikiembed.throughput", "wikiembed.detach('docs')",
    "wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs')",
]  # fmt: skip


@pytest.fixture
def trapped(docs_table: Database) -> psycopg.Connection:
    """A superuser's connection whose search_path starts with a writer's traps."""
    docs_table.execute(CANARY)
    docs_table.execute("grant insert on public.canary to public")
    docs_table.execute("grant all on schema public to public")
    writer = docs_table.create_role("writer", grant="writer")
    docs_table.execute(f"grant usage on schema wikiembed to {writer}")
    connection = docs_table.connect()
    connection.execute(f"set session authorization {writer}".encode())
    connection.execute("create temp table made ()")
    for schema in ("public", "pg_temp"):
        for arguments, result, names in TRAPS:
            if schema == "pg_temp" and "wikiembed" in arguments:
                continue
            for name in names:
                connection.execute(
                    TRAP.format(schema=schema, name=name, arguments=arguments, result=result)
                    .replace("(vector, ", "(public.vector, ")
                    .replace("(halfvec, ", "(public.halfvec, ")
                    .replace(", vector)", ", public.vector)")
                    .encode()
                )
        # pgvector's own operators are in public already.
        for kind in ("text", "bigint", "public.vector")[: 2 if schema == "public" else 3]:
            for operator in ("=", "<>"):
                connection.execute(
                    f"create operator {schema}.{operator} (leftarg = {kind}, rightarg = {kind},"
                    f" function = {schema}.equal)".encode()
                )
        for operator, function in (("=", "equal"), ("<>", "equal"), ("<=>", "cosine_distance")):
            connection.execute(
                f"create operator {schema}.{operator} (leftarg = public.halfvec,"
                f" rightarg = public.vector, function = {schema}.{function})".encode()
            )
        connection.execute(f"create domain {schema}.regclass as text".encode())
        for table in ("sources", "failures", "ledger", "procrastinate_jobs", "pg_class"):
            connection.execute(f"create table {schema}.{table} (name text, id bigint)".encode())
    return connection


def test_writers_own_objects_never_run_as_the_definer(
    docs_table: Database, trapped: psycopg.Connection
) -> None:
    """Every public function, view and trigger ignores objects that match better than ours."""
    trapped.execute("set search_path = pg_temp, public, pg_catalog")
    trapped.execute("select upper('the trap works'), 'a'::text = 'a'::text")
    assert docs_table.one("select count(*) from public.canary") == 2
    docs_table.execute("delete from public.canary")
    trapped.execute("insert into public.docs (body) values ('a'), ('b'), ('c')")
    trapped.execute("update public.docs set body = 'd'")
    docs_table.execute("update public.docs set id = default")
    trapped.execute("reset session authorization")
    trapped.execute("create table public.texts (id int primary key, body text)")
    for call in [*CALLS, *DOCUMENT_CALLS]:
        trapped.execute(f"select * from {call}".encode())
        if "attach_documents" in call:
            trapped.execute("insert into public.texts values (1, 'one'), (2, 'two')")
            trapped.execute("update public.texts set body = 'three' where id = 2")
            trapped.execute("delete from public.texts where id = 2")
    trapped.execute("truncate public.docs")
    # A halfvec column beside pgvector's own operators, with others for (halfvec, vector).
    trapped.execute("create table public.half (id int primary key, body text, vec halfvec(4))")
    trapped.execute("select wikiembed.attach('public.half', 'id', 'body', 'vec', 'half')")
    trapped.execute("insert into public.half values (1, 'one')")
    assert embed(docs_table, ["1"], source="half") == {"1": "written"}
    trapped.execute(f"select * from wikiembed.search('half', '{VECTOR}'::public.vector)")
    assert docs_table.rows("select who from public.canary") == []
    called = {
        call.partition("(")[0].removeprefix("wikiembed.") for call in [*CALLS, *DOCUMENT_CALLS]
    }
    public = docs_table.rows(
        "select proname from pg_proc where pronamespace = 'wikiembed'::regnamespace"
        " and proname not like 'grant%%'"
    )
    assert {row[0] for row in public} - called == set()
    docs_table.check_invariants()


def test_row_security_hides_no_row_from_any_function(docs_table: Database) -> None:
    """A policy that hides every row changes no count, job, failure or vector."""
    add(docs_table, "1", "2", "3")
    docs_table.execute(
        "alter table public.docs enable row level security;"
        "create policy nothing on public.docs using (false) with check (true)"
    )
    worker = docs_table.create_role("worker", grant="worker")
    docs_table.execute("grant select on public.docs to public")
    with docs_table.connect(role=worker) as connection:
        assert connection.execute("select count(*) from public.docs").fetchone() == (0,)
        seen = connection.execute(
            "select count(*) from wikiembed.read_chunks('docs', array['1', '2', '3'])"
        ).fetchone()
        assert seen == (3,)
    assert embed(docs_table, ["1"]) == {"1": "written"}
    assert fail(docs_table, read(docs_table, ["2"])) == {"2": "recorded"}
    clear_jobs(docs_table)
    docs_table.execute("select wikiembed.retry_failures('docs')")
    docs_table.execute("select * from wikiembed.enqueue('docs')")
    assert queued(docs_table) == ["2", "3"]
    docs_table.check_invariants()
