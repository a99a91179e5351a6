"""What a role with each kind of right may try against our schemas, jobs and functions."""

from __future__ import annotations

import json

import psycopg
import pytest

from tests.sql.test_rights_whole import SCHEMAS
from tests.support.chunks import VECTOR, add
from tests.support.database import Database

HOSTILE = [
    "docs' or true --",
    'docs"(); drop table public.canary; --',
    "%I %s $1 \\ \n",
    "pg_catalog.pg_class",
    "x" * 70_000,
    "",
]
TRIES = [
    "create function {schema}.mine() returns int language sql as 'select 1'",
    "create table {schema}.mine ()",
    "create operator {schema}.=== (leftarg = text, rightarg = text, function = texteq)",
    "create domain {schema}.mine as text",
    "alter schema {schema} rename to mine",
    "drop schema {schema} cascade",
]
TRIES_ON_TABLES = [
    "create trigger mine after insert on {table} execute function pg_catalog.suppress_redundant_updates_trigger()",  # noqa: E501 - one statement
    "create rule mine as on insert to {table} do also notify x",
    "alter table {table} disable trigger all",
    "alter table {table} enable row level security",
    "create policy mine on {table} using (false)",
    "truncate {table}",
    "create index on {table} (id)",
    "create table public.mine (id bigint references {table})",
]


@pytest.mark.parametrize("kind", ["writer", "worker", "reader"])
def test_role_adds_nothing_to_our_schemas(docs_table: Database, kind: str) -> None:
    """No object, trigger, rule or policy of a role can be added, nor can another role."""
    role = docs_table.create_role(kind, grant=kind)
    owner = docs_table.one("select current_user")
    tries = [f'set role "{owner}"', "alter function wikiembed.pause owner to current_user"]
    tries += [t.format(schema=s) for t in TRIES for s in SCHEMAS]
    for table in ("wikiembed_queue.procrastinate_jobs", "wikiembed.sources", "public.docs"):
        tries += [t.format(table=table) for t in TRIES_ON_TABLES]
    with docs_table.connect(role=role) as connection:
        for statement in tries:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                pytest.fail(f"{statement}: {connection.execute(statement.encode()).statusmessage}")


def test_jobs_forged_by_a_worker_run_nothing(docs_table: Database) -> None:
    """Whatever a job's arguments hold, the functions that run as definer treat it as data."""
    docs_table.execute("create table public.canary (who text)")
    add(docs_table, "one", "two")
    worker = docs_table.create_role("worker", grant="worker")
    values: list[object] = [*HOSTILE[:-2], None, 7, [], {}, [["1"]], {"a": HOSTILE[0]}, "docs"]
    with docs_table.connect(role=worker) as connection:
        for value in values:
            for arguments in (
                {"source": value, "keys": ["1"], "rescues": 2},
                {"source": "docs", "keys": value, "rescues": 2},
                {"source": "docs", "keys": ["1", value], "rescues": 9},
                {"source": "docs", "keys": [value], "rescues": value},
            ):
                connection.execute(
                    "insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, status,"
                    " args) values ('embed_docs', 'wikiembed.embed', 'doing', %s::jsonb)",
                    [json.dumps(arguments)],
                )
        for _ in range(3):
            connection.execute("select * from wikiembed.rescue_jobs()")
            connection.execute("select * from wikiembed.reconcile()")
    docs_table.execute("select * from wikiembed.enqueue('docs')")
    docs_table.execute("select * from wikiembed.retry_failures('docs')")
    docs_table.execute("select * from wikiembed.reconcile('docs')")
    assert docs_table.rows("select who from public.canary") == []
    assert docs_table.one("select count(*) from public.docs") == 2
    docs_table.check_invariants()


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_source_name_is_unknown(docs_table: Database, hostile: str) -> None:
    """Every function with a source name raises WE001, and has no other effect."""
    docs_table.execute("create table public.canary (who text)")
    one = "array['1'], array[1]"
    for call in (
        "is_ready(%s)", "enqueue(%s)", "reconcile(%s)", "pause(%s)", "resume(%s)", "detach(%s)",
        "retry_failures(%s)", "skip(%s, array['1'])", "read_chunks(%s, array['1'])",
        "pin_model(%s, 'local', 'm', 4)", f"record_failures(%s, {one}, 'x')",
        f"write_embeddings(%s, {one}, array['{VECTOR}'::public.vector])",
        f"search(%s, '{VECTOR}'::public.vector)", "check_invariants(%s)",
    ):  # fmt: skip
        with pytest.raises(psycopg.Error) as caught:
            docs_table.execute(f"select * from wikiembed.{call}", [hostile])
        assert caught.value.sqlstate == "WE001", call
    assert docs_table.one("select count(*) from public.canary") == 0
    docs_table.check_invariants()


def test_right_to_set_a_batch_size_does_not_allow_sql(docs_table: Database) -> None:
    """The insert trigger is regenerated as its owner: a name cannot end the function's text."""
    role = docs_table.create_role("tuner")
    docs_table.execute(
        f"grant usage on schema wikiembed to {role};"
        f"grant select, update on wikiembed.sources to {role};"
        "create table public.canary (who text)"
    )
    evil = "x$body$; insert into public.canary values (current_user); do $body$begin end"
    with docs_table.connect(role=role) as connection:
        with pytest.raises(psycopg.Error) as refused:
            connection.execute(
                "update wikiembed.sources set batch_size = 3, embedding_column = %s", [evil]
            )
        assert refused.value.sqlstate in ("WE004", "23514", "22001"), refused.value
        connection.execute("update wikiembed.sources set batch_size = 2")
    add(docs_table, "a", "b", "c")
    assert docs_table.rows("select who from public.canary") == []
    sizes = "select jsonb_array_length(args -> 'keys') from wikiembed_queue.procrastinate_jobs"
    assert docs_table.rows(sizes + " order by id") == [(2,), (1,)]
