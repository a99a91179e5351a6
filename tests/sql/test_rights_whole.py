"""All rights of each kind of role, according to the catalogue."""

from __future__ import annotations

from tests.support.database import Database

SCHEMAS = ("wikiembed", "wikiembed_private", "wikiembed_queue")
OURS = str(SCHEMAS)
KINDS = "array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']"
VIEWS = {
    "coverage",
    "queue",
    "workers",
    "throughput",
    "usage",
    "prices",
    "lag",
    "lag_histogram",
    "budgets",
    "schedules",
    "limits",
}
CHUNKS = {"public.docs", "public.wiki_chunks", "public.wiki_pages"}
TRUNCATION = ("truncation", "truncation_checks")
VERSION = {"wikiembed.alembic_version", "wikiembed.schema_digest"}


def rights(database: Database, role: str) -> dict[str, set[str]]:
    """Return the tables and views on which `role` has a right, with the rights."""
    rows = database.rows(
        "select format('%%s.%%s', c.relnamespace::regnamespace, c.relname), k"
        f" from pg_class as c, unnest({KINDS}) as k where c.relkind in ('r', 'p', 'v', 'm', 'f')"
        " and c.relnamespace::regnamespace::text !~ '^pg_|^information'"
        " and (has_table_privilege(%s, c.oid, k) or k in ('SELECT', 'INSERT', 'UPDATE',"
        " 'REFERENCES') and has_any_column_privilege(%s, c.oid, k))",
        [role, role],
    )
    held: dict[str, set[str]] = {}
    for name, kind in rows:
        held.setdefault(name, set()).add(kind)
    return held


def callable_by(database: Database, role: str) -> set[str]:
    """Return our functions that `role` can reach and may call."""
    rows = database.rows(
        "select p.oid::regprocedure::text from pg_proc as p"
        f" where p.pronamespace::regnamespace::text in {OURS}"
        " and has_schema_privilege(%s, p.pronamespace, 'usage')"
        " and has_function_privilege(%s, p.oid, 'execute')",
        [role, role],
    )
    return {name.partition("(")[0] for (name,) in rows}


def test_writer_has_only_rights_on_chunks(docs_table: Database) -> None:
    """No queue, no bookkeeping; one function."""
    writer = docs_table.create_role("writer", grant="writer")
    held = rights(docs_table, writer)
    assert {n for n, kinds in held.items() if kinds == {"SELECT", "INSERT", "UPDATE"}} == CHUNKS
    assert set(held) == CHUNKS | VERSION | {"wikiembed.documents"}
    assert held["wikiembed.documents"] == {"SELECT"}
    assert callable_by(docs_table, writer) == {"wikiembed.load_pages"}


def test_worker_reads_no_table_but_the_queue(docs_table: Database) -> None:
    """Of ours it reads what it needs to find work; of users' tables none."""
    worker = docs_table.create_role("worker", grant="worker")
    held = rights(docs_table, worker)
    queue = {name for name in held if name.startswith("wikiembed_queue.")}
    assert {kind for name in queue for kind in held[name]} == {
        "SELECT", "INSERT", "UPDATE", "DELETE",
    }  # fmt: skip
    known = (*VIEWS, "sources", "outages", "documents", *TRUNCATION)
    read = {f"wikiembed.{name}" for name in known} | VERSION
    assert set(held) - queue == read
    assert {kind for name in read for kind in held[name]} == {"SELECT"}
    assert not callable_by(docs_table, worker) & {
        f"wikiembed.{name}"
        for name in ("attach", "detach", "enqueue", "skip", "retry_failures", "resume",
                     "check_invariants", "load_pages", "grant_worker")
    }  # fmt: skip


def test_reader_has_select_and_two_functions(docs_table: Database) -> None:
    """No changes, no sequence, no chunk: search runs with the reader's own rights."""
    reader = docs_table.create_role("reader", grant="reader")
    held = rights(docs_table, reader)
    tables = {
        *("failures", "failure_history", "sources", "action_log", "outages", "alembic_version"),
        "schema_digest",
        *("replaced_tables", "truncated_chunks", "model_checks", *TRUNCATION),
        *("documents", "document_sources", "document_failures", "search_statements"),
        *("recall_checks", "search_names"),
    }
    assert set(held) == {f"wikiembed.{name}" for name in tables | VIEWS}
    assert {kind for kinds in held.values() for kind in kinds} == {"SELECT"}
    read = {"sum_deltas", "count_jobs", "is_paused", "has_waiting_document", "count_documents"}
    found = {"require_search", "dimensions_of", "words_of", "text_vector", "dense_letters"}
    measured = {"used_ef_search", "vector_scans", "is_valid_index", "lag_seconds"}
    nearest = {"nearest_rows", "fitting_rows", "estimated_size"}
    measured |= {"is_bulk_closed", "slots_per_window"}
    filtered = {"filter_condition", "column_condition", "compared", "comparison"}
    assert callable_by(docs_table, reader) == {
        *("wikiembed.is_ready", "wikiembed.search"),
        *("wikiembed.sample_vectors", "wikiembed.measure_recall"),
        *("wikiembed.queue_by_priority", "wikiembed.queue_states", "wikiembed.throughput_since"),
        "wikiembed.find_failures",
        *("wikiembed.vector_index", "wikiembed.vector_indexes"),
        *(f"wikiembed_private.{name}" for name in read | found | filtered | measured | nearest),
        *("wikiembed_private.qualified", "wikiembed_private.chunk_key_columns"),
        *("wikiembed_private.search_docs", "wikiembed_private.search_wiki"),
    }
    sequences = docs_table.rows(
        "select oid::regclass::text from pg_class where case when relkind = 'S'"
        " then has_sequence_privilege(%s, oid, 'usage, select, update') end",
        [reader],
    )
    assert sequences == []


def test_public_has_no_right_at_all(docs_table: Database) -> None:
    """On no schema, table, sequence or function of ours, including those that attach generates."""
    for name, query in {
        "functions": "select oid::regprocedure::text as name, pronamespace as space,"
        " coalesce(proacl, acldefault('f', proowner)) as acl from pg_proc",
        "relations": "select relname, relnamespace, coalesce(relacl, acldefault('r', relowner))"
        " from pg_class where relkind <> 'i'",
        "schemas": "select nspname, oid, coalesce(nspacl, acldefault('n', nspowner))"
        " from pg_namespace",
    }.items():
        found = docs_table.rows(
            f"select o.* from ({query}) as o (name, space, acl)"
            f" where o.space::regnamespace::text in {OURS}"
            " and exists (select from aclexplode(o.acl) as a where a.grantee = 0)"
        )
        assert found == [], name


def test_every_function_pins_a_path_without_writable_schemas(docs_table: Database) -> None:
    """And searches temporary objects last, where they cannot shadow anything."""
    paths = docs_table.rows(
        "select p.oid::regprocedure::text, (select array_agg(c) from unnest(p.proconfig) as c"
        " where c like 'search_path=%%') from pg_proc as p"
        f" where p.pronamespace::regnamespace::text in {OURS} and p.prosqlbody is null"
    )
    assert len(paths) > 80
    allowed = (
        ["search_path=pg_catalog, pg_temp"],
        ["search_path=wikiembed_queue, pg_catalog, pg_temp"],
    )
    assert [row for row in paths if row[1] not in allowed] == []
    queue = [name for name, path in paths if path == allowed[1]]
    definers = docs_table.rows(
        "select oid::regprocedure::text from pg_proc where prosecdef"
        f" and pronamespace::regnamespace::text in {OURS}"
    )
    assert [name for (name,) in definers if name in queue] == []
