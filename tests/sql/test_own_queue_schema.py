"""The queue's own schema: no object that a user can write is on a pinned path."""

from __future__ import annotations

import pytest

from tests.support.chunks import (
    VECTOR,
    add,
    clear_jobs,
    coverage,
    embed,
    fail,
    make_source,
    queued,
    read,
)
from tests.support.database import DIMENSIONS, Database

OURS = "('wikiembed', 'wikiembed_private', 'wikiembed_queue')"

HOSTILE_FUNCTION = """
create function public.{name}({arguments}) returns {result} language plpgsql
as $$ begin raise exception 'hijacked'; end $$;
"""
HOSTILE = [
    ("json_build_object", "text, text, text, bigint", "json"),
    ("jsonb_build_object", "text, text, text, jsonb", "jsonb"),
    ("array_agg", "int", "int"),
    ("pg_notify", "text, text", "void"),
    ("hashtextextended", "text, bigint", "bigint"),
    ("procrastinate_defer_jobs_v1", "wikiembed_queue.procrastinate_job_to_defer_v1[]", "bigint[]"),
    ("texts_differ", "text, text", "boolean"),
    ("vectors_equal", "vector, vector", "boolean"),
]


@pytest.fixture
def hostile(docs_table: Database) -> Database:
    """`docs_table` with functions, operators and tables in public that match as well as ours."""
    for name, arguments, result in HOSTILE:
        docs_table.execute(HOSTILE_FUNCTION.format(name=name, arguments=arguments, result=result))
    for operator in ("=", "<>", "||"):
        docs_table.execute(
            f"create operator public.{operator}"
            " (leftarg = text, rightarg = text, function = public.texts_differ)"
        )
    docs_table.execute("create table public.procrastinate_jobs (id bigint)")
    docs_table.execute("create table public.sources (name text)")
    docs_table.execute(f"alter database {docs_table.name} set search_path = public, pg_catalog")
    return docs_table


def test_hostile_objects_in_public_do_not_run(hostile: Database) -> None:
    """No step of a chunk uses the first match on the writer's path."""
    writer = hostile.create_role("writer", grant="writer")
    with hostile.connect(role=writer) as connection:
        connection.execute("set search_path = public, pg_catalog")
        connection.execute("insert into public.docs (body) values ('a'), ('b')")
        connection.execute("update public.docs set body = 'c' where id operator(pg_catalog.=) 1")
    assert queued(hostile) == ["1", "1", "2"]
    worker = hostile.connect()
    worker.execute("set search_path = public, pg_catalog")
    read_rows = worker.execute(
        "select key, version from wikiembed.read_chunks('docs', array['1', '2'])"
    ).fetchall()
    outcomes = worker.execute(
        "select outcome from wikiembed.write_embeddings('docs', %s, %s, %s::vector[])",
        [[row[0] for row in read_rows], [row[1] for row in read_rows], [VECTOR, VECTOR]],
    ).fetchall()
    assert outcomes == [("written",), ("written",)]
    for call in (
        "wikiembed.enqueue('docs')",
        "wikiembed.reconcile('docs')",
        "wikiembed.check_invariants('docs')",
        "wikiembed.is_ready('docs')",
        "wikiembed.pause('docs')",
        "wikiembed.resume('docs')",
        "wikiembed.fold_ledger()",
        "wikiembed.rescue_jobs()",
        "wikiembed.retry_failures('docs')",
        f"wikiembed.search('docs', '{VECTOR}'::public.vector)",
    ):
        worker.execute(f"select * from {call}".encode())


def test_queue_functions_ignore_a_temporary_table(docs_table: Database) -> None:
    """A temporary table, which comes first on any path that does not name it, is not used."""
    with docs_table.connect() as connection:
        connection.execute(
            "create temporary table procrastinate_jobs"
            " (like wikiembed_queue.procrastinate_jobs including all)"
        )
        connection.execute("insert into public.docs (body) values ('a')")
    assert queued(docs_table) == ["1"]


def test_every_function_has_a_pinned_path(docs_table: Database) -> None:
    """No schema but the catalogue's, the queue's own and, last, the temporary one.

    A body that was parsed on creation does not look up names any more.
    """
    unpinned = docs_table.rows(
        "select p.oid::regprocedure::text, c.setting from pg_proc as p"
        " join pg_namespace as n on n.oid = p.pronamespace"
        " left join lateral unnest(p.proconfig) as c (setting) on c.setting like 'search_path=%%'"
        f" where n.nspname in {OURS} and p.prosqlbody is null"
        "   and c.setting is distinct from case n.nspname"
        "   when 'wikiembed_queue' then 'search_path=wikiembed_queue, pg_catalog, pg_temp'"
        "   else 'search_path=pg_catalog, pg_temp' end"
    )
    assert unpinned == []


def test_public_may_do_nothing_in_our_schemas(docs_table: Database) -> None:
    """Public may not create, use or execute, nor call generated functions."""
    stranger = docs_table.create_role("stranger")
    rights = docs_table.rows(
        "select n.nspname from pg_namespace as n"
        f" where n.nspname in {OURS} and has_schema_privilege(%s, n.oid, 'usage, create')",
        [stranger],
    )
    executable = docs_table.rows(
        "select p.oid::regprocedure::text from pg_proc as p"
        " join pg_namespace as n on n.oid = p.pronamespace"
        f" where n.nspname in {OURS} and has_function_privilege(%s, p.oid, 'execute')",
        [stranger],
    )
    relations = docs_table.rows(
        "select c.oid::regclass::text from pg_class as c"
        " join pg_namespace as n on n.oid = c.relnamespace"
        f" where n.nspname in {OURS} and c.relkind in ('r', 'v')"
        " and has_table_privilege(%s, c.oid, 'select, insert, update, delete')",
        [stranger],
    )
    assert (rights, executable, relations) == ([], [], [])


def test_definers_are_only_functions_that_need_it(docs_table: Database) -> None:
    """A role without the right on a helper cannot reach it through a definer function either."""
    helpers = docs_table.rows(
        "select p.proname from pg_proc as p where p.prosecdef"
        " and p.pronamespace = 'wikiembed_queue'::regnamespace"
    )
    assert helpers == []


@pytest.mark.parametrize(
    "name",
    ["read", "write", "fail", "triggers", "outcomes", "on_insert", "null_stale"],
)
def test_source_named_like_a_private_function_does_not_replace_it(
    database: Database, name: str
) -> None:
    """Generated functions cannot be mistaken for those that generated them."""
    count = "select count(*) from pg_proc where pronamespace = 'wikiembed_private'::regnamespace"
    before = database.one(count)
    database.execute(
        f"create table public.odd (id int primary key, body text, vec vector({DIMENSIONS}))"
    )
    database.execute("select wikiembed.attach('public.odd', 'id', 'body', 'vec', %s)", [name])
    database.execute("insert into public.odd (id, body) values (1, 'x')")
    assert embed(database, ["1"], source=name) == {"1": "written"}
    database.execute("select wikiembed.detach(%s)", [name])
    assert database.one(count) == before
    add_docs(database)
    clear_jobs(database)
    assert fail(database, read(database, ["1"])) == {"1": "recorded"}
    assert coverage(database)["failed"] == 1


def add_docs(database: Database) -> None:
    """Attach a second table after the oddly named one is dropped, with one row."""
    make_source(database)
    add(database, "x")
