"""Questions and measurements of recall, and the hnsw.ef_search of a source."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.chunks import make_source
from tests.support.database import Database
from tests.support.recall import few_links

SAMPLE = "select key from wikiembed.sample_vectors('docs', 50)"
MEASURE = "select * from wikiembed.measure_recall('docs', {}, {}, '{{20,40}}', {})"


def test_sample_reads_few_pages(database: Database) -> None:
    """Distinct random rows, others each time, and not the whole table."""
    few_links(database)
    with database.connect(autocommit=False) as connection:
        first = {row[0] for row in connection.execute(SAMPLE)}
        read = connection.execute(
            "select pg_stat_get_xact_tuples_returned('public.docs'::regclass)"
        ).fetchone()
        second = {row[0] for row in connection.execute(SAMPLE)}
    assert len(first) == len(second) == 50
    assert first != second
    assert read is not None
    assert 50 <= read[0] < 5000


def test_sample_of_a_sparse_table_is_full(database: Database) -> None:
    """Where most rows have no vector, more pages are read."""
    make_source(database)
    database.execute(
        "insert into public.docs (body, vec)"
        " select repeat('x', 500), case when g % 200 = 0 then array[1, 0, 0, g]::vector end"
        " from generate_series(1, 20000) as g"
    )
    assert len(database.rows(SAMPLE)) == 50
    assert len(database.rows("select * from wikiembed.sample_vectors('docs', 1000)")) == 100


def test_measure_leaves_out_the_row_that_asks(docs_table: Database) -> None:
    """So a table of one row has no answer; a question of none has that row."""
    docs_table.execute("insert into public.docs (body, vec) values ('x', '[1,0,0,0]')")
    assert docs_table.rows(MEASURE.format("'[1,0,0,0]'", "'1'", 10)) == []
    rows = docs_table.rows(MEASURE.format("'[1,0,0,0]'", "null", 10))
    assert [row[:2] for row in rows] == [(None, 1.0), (20, 1.0), (40, 1.0)]


def test_measure_counts_rows_of_equal_distance_alike(docs_table: Database) -> None:
    """Of forty equal vectors any ten are the nearest, whichever the index finds."""
    docs_table.execute(
        "insert into public.docs (body, vec) select 'x', array[sin(g % 50), cos(g % 50), 1, 1]"
        "::vector from generate_series(1, 2000) as g;"
        " create index on public.docs using hnsw (vec vector_cosine_ops); analyze public.docs"
    )
    vector = docs_table.one("select vec from public.docs where id = 77")
    rows = docs_table.rows(MEASURE.format(f"'{vector}'", "'77'", 10))
    assert [row[:2] for row in rows] == [(None, 1.0), (20, 1.0), (40, 1.0)]
    assert [row[3] for row in rows] == [False, True, True]


def test_measure_leaves_the_setting_of_its_session(docs_table: Database) -> None:
    """A measurement within a transaction changes no search after it."""
    docs_table.execute("insert into public.docs (body, vec) values ('x', '[1,0,0,0]')")
    with docs_table.connect(autocommit=False) as connection:
        connection.execute("select set_config('hnsw.ef_search', '70', true)")
        connection.execute(MEASURE.format("'[1,0,0,0]'", "null", 10).encode())
        assert connection.execute("show hnsw.ef_search").fetchone() == ("70",)


def test_measure_of_halfvec_and_of_partitions(database: Database) -> None:
    """By the statements of their search."""
    database.execute("""
        create table public.docs (id bigint, part integer, body text, vec public.halfvec(4),
                                  primary key (part, id)) partition by list (part);
        create table public.docs_1 partition of public.docs for values in (1);
        create table public.docs_2 partition of public.docs for values in (2);
        select wikiembed.attach(
          'public.docs', array['part', 'id']::name[], array['body'], 'vec', 'docs');
        insert into public.docs
        select g, g % 2 + 1, 'x', array[sin(g), cos(g), sin(g * g), 1]::vector::halfvec
          from generate_series(1, 4000) as g;
        create index on public.docs using hnsw (vec halfvec_cosine_ops);
        analyze public.docs;
    """)
    assert len(database.rows(SAMPLE)) == 50
    rows = database.rows(
        "select m.ef_search, avg(m.recall), m.by_index"
        " from wikiembed.sample_vectors('docs', 40) as s,"
        " wikiembed.measure_recall('docs', s.embedding, s.key, '{40}') as m"
        " group by 1, 3 order by 1 nulls first"
    )
    assert [row[::2] for row in rows] == [(None, False), (40, True)]
    # One graph is not like another, as its levels are random, and one question not like another.
    assert 0.8 <= rows[1][1] <= 1.0


def test_reader_under_row_level_security_samples_its_own(docs_table: Database) -> None:
    """As in a search; without the right to read the table, neither can be called."""
    docs_table.execute(
        "alter table public.docs add column tenant integer;"
        " insert into public.docs (body, tenant, vec) select 'x', g % 2, array[1, 0, 0, g]::vector"
        " from generate_series(1, 100) as g"
    )
    reader = docs_table.create_role("reader", grant="reader")
    with docs_table.connect(role=reader) as connection:
        for call in (SAMPLE, MEASURE.format("'[1,0,0,0]'", "null", 10)):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(call.encode())
        docs_table.execute(
            f"grant usage on schema public to {reader}; grant select on public.docs to {reader};"
            " alter table public.docs enable row level security;"
            f" create policy one on public.docs for select to {reader} using (tenant = 1)"
        )
        keys = {int(row[0]) for row in connection.execute(SAMPLE)}
        assert keys == set(range(1, 101, 2))
        for call in ("wikiembed.set_ef_search('docs', 80)",
                     "wikiembed.record_recall('docs', '{20}', '{1}', 20)"):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select {call}".encode())


@pytest.mark.parametrize(
    ("call", "state"),
    [
        ("wikiembed.set_ef_search('docs', 0)", "WE013"),
        ("wikiembed.set_ef_search('docs', 1001)", "WE013"),
        ("wikiembed.set_ef_search('nope', 80)", "WE001"),
        ("wikiembed.record_recall('nope', '{20}', '{1}', 20)", "WE001"),
        ("wikiembed.sample_vectors('nope', 20)", "WE001"),
        ("wikiembed.measure_recall('nope', '[1,0,0,0]', null, '{20}')", "WE001"),
        ("wikiembed.measure_recall('docs', '[1,0]', null, '{20}')", "WE013"),
        ("wikiembed.measure_recall('docs', '[1,0,0,0]', null, '{20}', 1000)", "WE013"),
        ("""wikiembed.measure_recall('docs', '[1,0,0,0]', null, '{20}', 10, '{"no": 1}')""",
         "WE013"),
    ],
)  # fmt: skip
def test_recall_refuses_what_cannot_be_run(docs_table: Database, call: str, state: str) -> None:
    """With a SQLSTATE of ours."""
    with pytest.raises(psycopg.Error) as caught:
        docs_table.rows(f"select * from {call}")
    assert caught.value.sqlstate == state


@pytest.mark.parametrize(
    ("stored", "session", "limit", "used"),
    [(None, None, 5, "40"), (80, None, 5, "80"), (80, 200, 5, "200"), (80, 20, 5, "80"),
     (80, None, 100, "100"), (20, None, 5, "40")],
)  # fmt: skip
def test_search_uses_the_highest_ef_search(
    docs_table: Database, stored: int | None, session: int | None, limit: int, used: str
) -> None:
    """Of the source's, the session's and the limit."""
    docs_table.execute("select wikiembed.set_ef_search('docs', %s)", [stored])
    docs_table.execute("select wikiembed.reconcile('docs')")
    with docs_table.connect(autocommit=False) as connection:
        connection.execute("select '[1]'::vector")
        if session is not None:
            connection.execute("select set_config('hnsw.ef_search', %s, true)", [str(session)])
        connection.execute(
            "select * from wikiembed.search('docs', '[1,0,0,0]', p_limit => %s)", [limit]
        )
        assert connection.execute("show hnsw.ef_search").fetchone() == (used,)
        assert connection.execute(
            "select wikiembed_private.used_ef_search(s.ef_search, %s)::text"
            " from wikiembed.sources as s where s.name = 'docs'", [limit]
        ).fetchone() == (used,)  # fmt: skip


def test_record_replaces_the_former_measurement(docs_table: Database) -> None:
    """Of the same depth and filter; the others stay."""
    record = "select wikiembed.record_recall('docs', {})"
    docs_table.execute(record.format("'{20,40}', '{0.5,0.9}', 100"))
    docs_table.execute(record.format("""'{20}', '{0.7}', 50, 10, '{"tenant": 3}'"""))
    docs_table.execute(record.format("'{80}', '{1}', 200"))
    assert docs_table.rows(
        "select filter, ef_search, recall, sample from wikiembed.recall_checks order by ef_search"
    ) == [({"tenant": 3}, 20, 0.7, 50), ({}, 80, 1.0, 200)]
    docs_table.execute("select wikiembed.detach('docs')")
    assert docs_table.rows("select * from wikiembed.recall_checks") == []
