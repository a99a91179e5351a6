"""Searches by vector of which few rows fit: by a filter, or by row-level security."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.database import Database
from tests.support.recall import few_links

QUESTION = "select vec from public.docs where id = 77"
SEARCH = "select key from wikiembed.search('docs', ({question}){filter})"
EXACT = (
    "select id::text from public.docs where {condition}"
    " order by (vec <=> ({question})) + 0 limit 10"
)
SCANS = "select wikiembed_private.vector_scans('public.docs')"


@pytest.fixture
def docs(database: Database) -> Database:
    """Source ``docs``, whose index finds little; its tenants are independent of its vectors."""
    few_links(database)
    return database


@pytest.fixture
def session(docs: Database) -> Iterator[psycopg.Connection]:
    """A transaction that prefers indexes: small tables are read whole otherwise."""
    with docs.connect(autocommit=False) as connection:
        connection.execute("set local enable_seqscan = off")
        yield connection


def keys(connection: psycopg.Connection, statement: str) -> list[str]:
    """The first column."""
    return [str(row[0]) for row in connection.execute(statement.encode())]


def scans(connection: psycopg.Connection) -> int:
    """Scans of the index of vectors by this transaction."""
    row = connection.execute(SCANS.encode()).fetchone()
    assert row is not None
    return int(row[0])


def test_few_rows_that_fit_are_all_compared(docs: Database, session: psycopg.Connection) -> None:
    """One row in a hundred: the answer is exact, and the index is not asked."""
    question = docs.one(QUESTION)
    found = keys(
        session, SEARCH.format(question=f"'{question}'", filter=""", p_filter => '{"tenant": 7}'""")
    )
    assert found == keys(session, EXACT.format(question=f"'{question}'", condition="tenant = 7"))
    assert scans(session) == 0


def test_of_many_rows_that_fit_the_index_has_more_candidates(
    docs: Database, session: psycopg.Connection
) -> None:
    """As many as hold ten rows that fit, and the session's setting is as before."""
    every = """, p_filter => '{"tenant": {"gte": 2}}'"""
    keys(session, SEARCH.format(question=QUESTION, filter=every))
    assert scans(session) == 1
    assert keys(session, "show hnsw.ef_search") == ["40"]


def test_row_level_security_fills_the_limit(docs: Database) -> None:
    """With the nearest of the rows that the caller may see."""
    reader = docs.create_role("tenant_reader", grant="reader")
    docs.execute(f"""
        grant usage on schema public to {reader};
        grant select on public.docs to {reader};
        alter table public.docs enable row level security;
        create policy one on public.docs for select to {reader} using (tenant = 7);
    """)
    question = docs.one(QUESTION)
    with docs.connect(role=reader) as connection:
        connection.execute("set enable_seqscan = off")
        found = keys(connection, SEARCH.format(question=f"'{question}'", filter=""))
        measured = connection.execute(
            b"select recall, by_index from wikiembed.measure_recall('docs', %s, null, '{40}')",
            [question],
        ).fetchall()
    exact = docs.rows(EXACT.format(question=f"'{question}'", condition="tenant = 7"))
    assert found == [key for (key,) in exact]
    assert measured == [(1.0, False), (1.0, False)]


def test_estimate_of_partitions_and_of_a_table_never_analysed(database: Database) -> None:
    """The sum of the partitions; 0 where Postgres knows nothing."""
    database.execute("""
        create table public.parts (id bigint, part integer) partition by list (part);
        create table public.part_1 partition of public.parts for values in (1);
        create table public.part_2 partition of public.parts for values in (2);
        insert into public.parts select g, 1 + g % 2 from generate_series(1, 30) as g;
    """)
    estimate = "select wikiembed_private.estimated_size('public.parts')"
    assert database.one(estimate) == 0
    database.execute("analyze public.parts")
    assert database.one(estimate) == 30
