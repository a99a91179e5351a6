"""Search by a quantised index of vectors: candidates of the index, ordered by the whole vectors."""

from __future__ import annotations

import psycopg
import pytest

from tests.support.database import Database
from tests.support.quantised import INDEXES, N, build, exact, make_docs, question, search


@pytest.mark.parametrize("vector", [f"vector({N})", f"halfvec({N})"])
def test_binary_index_is_reranked_by_the_whole_vectors(database: Database, vector: str) -> None:
    """With 1,000 candidates, most of the table, the answer is the exact one, in its order."""
    make_docs(database, vector=vector)
    name = build(database, "binary")
    database.execute("select wikiembed.set_ef_search('docs', 1000)")
    assert search(database, index=name) == exact(database, 10)
    rows = database.rows(
        "select vector_rank, distance from wikiembed.search('docs', %s)", [question(database)]
    )
    assert [rank for rank, _ in rows] == list(range(1, 11))
    assert rows[0][1] == pytest.approx(0, abs=1e-6)
    assert [distance for _, distance in rows] == sorted(distance for _, distance in rows)


def test_halfvec_index_of_a_vector_column(docs: Database) -> None:
    """An expression index; the distances are those of the column."""
    name = build(docs, "halfvec")
    assert search(docs, index=name)[0] == "7"
    docs.execute("select wikiembed.set_ef_search('docs', 1000)")
    assert search(docs, index=name) == exact(docs, 10)


@pytest.mark.parametrize(
    ("more", "where"),
    [
        (""", p_filter => '{"tenant": {"lt": 50}}'""", "tenant < 50"),
        (", p_text => 'chunk', p_text_weight => 0.000001", "true"),
    ],
)
def test_quantised_index_serves_filters_and_hybrid(docs: Database, more: str, where: str) -> None:
    """Each by the statement that is put together, with the same candidates."""
    docs.execute("select wikiembed.set_text_config('docs', 'simple')")
    name = build(docs, "binary")
    docs.execute("select wikiembed.set_ef_search('docs', 1000)")
    assert search(docs, more, index=name) == exact(docs, 10, where=where)


def test_filtered_search_fills_its_limit(docs: Database) -> None:
    """Of 12 rows that fit, wherever they are in the index, ten are found, and all of 12."""
    build(docs, "binary")
    with docs.connect() as connection:
        connection.execute("set enable_seqscan = off")
        for limit in (10, 12, 100):
            rows = connection.execute(
                "select key from wikiembed.search('docs', %s, p_limit => %s,"
                """ p_filter => '{"tenant": 3}')""",
                [question(docs), limit],
            ).fetchall()
            assert len(rows) == min(limit, 12)


def test_candidates_are_those_of_ef_search(docs: Database) -> None:
    """At least four for each row of a binary index; as recall computes it."""
    used: list[tuple[str, int | None, int | None, int, int]] = [
        ("binary", None, None, 5, 40),
        ("binary", None, None, 50, 200),
        ("binary", None, None, 400, 1000),
        ("binary", 300, None, 10, 300),
        ("binary", 300, 500, 10, 500),
        ("halfvec", None, None, 50, 50),
    ]
    for quantise in ("binary", "halfvec"):
        build(docs, quantise)
    asked = question(docs)
    for quantise, stored, session, limit, expected in used:
        docs.execute("select wikiembed.set_quantise('docs', %s)", [quantise])
        docs.execute("select wikiembed.set_ef_search('docs', %s)", [stored])
        with docs.connect(autocommit=False) as connection:
            connection.execute("select '[1]'::vector")
            connection.execute("set local enable_seqscan = off")
            if session is not None:
                connection.execute("select set_config('hnsw.ef_search', %s, true)", [str(session)])
            rows = connection.execute(
                "select * from wikiembed.search('docs', %s, p_limit => %s)", [asked, limit]
            ).fetchall()
            assert len(rows) == limit
            found = connection.execute(
                "select current_setting('hnsw.ef_search')::integer,"
                " wikiembed_private.used_ef_search(t.ef_search, %s, t.oversampling)"
                " from wikiembed.search_statements as t where t.source = 'docs'",
                [limit],
            ).fetchone()
            assert found == (expected, expected)


def test_best_chunk_of_each_document_by_a_binary_index(database: Database) -> None:
    """The depth grows until there are documents enough."""
    database.execute(f"""
        create table public.texts (id bigint primary key, title text, body text);
        select wikiembed.attach_documents('public.texts', 'id', 'body', 'texts',
          p_title => 'title', p_dimensions => {N});
        insert into public.texts select g, 'Title ' || g, 'x' from generate_series(1, 100) as g;
        select setseed(0.5);
        insert into public.texts_chunks
          (document_id, position, content, starts_at, ends_at, embedding)
        select g % 100 + 1, g / 100, 'x', 0, 1,
               array(select random() - 0.5 + 0 * g from generate_series(1, {N}))::public.vector
          from generate_series(1, 999) as g;
    """)
    using = database.one("select wikiembed.vector_index('texts', 'binary')")
    database.execute(f"create index on public.texts_chunks {using}")
    database.execute("select wikiembed.set_quantise('texts', 'binary')")
    asked = database.one("select embedding::text from public.texts_chunks limit 1")
    rows = database.rows(
        "select document_key, title from wikiembed.search('texts', %s, p_limit => 50,"
        " p_per_document => true)",
        [asked],
    )
    assert len({key for key, _ in rows}) == len(rows) == 50
    assert all(title == f"Title {key}" for key, title in rows)
    rows = database.rows("select document_key, title from wikiembed.search('texts', %s)", [asked])
    assert all(title == f"Title {key}" for key, title in rows)


def test_row_level_security_holds_by_a_binary_index(docs: Database) -> None:
    """A reader of one tenant sees only its rows, and as many as asked for."""
    build(docs, "binary")
    reader = docs.create_role("reader", grant="reader")
    docs.execute(
        f"grant usage on schema public to {reader}; grant select on public.docs to {reader};"
        " alter table public.docs enable row level security;"
        f" create policy one on public.docs for select to {reader} using (tenant < 10)"
    )
    asked = question(docs)
    with docs.connect(role=reader) as connection:
        for more in ("", """, p_filter => '{"tenant": {"gte": 5}}'"""):
            rows = connection.execute(
                f"select key::integer % 100 from wikiembed.search('docs', '{asked}'{more})".encode()
            ).fetchall()
            assert len(rows) == 10
            assert all(tenant < 10 for (tenant,) in rows)
        assert connection.execute(INDEXES).fetchall() != []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select wikiembed.set_quantise('docs', 'none')")


def test_partitions_are_searched_by_a_binary_index(database: Database) -> None:
    """The index of the root stands for those of its partitions."""
    database.execute(f"""
        create table public.docs (id bigint, part integer, body text, vec vector({N}),
                                  primary key (part, id)) partition by list (part);
        create table public.docs_1 partition of public.docs for values in (1);
        create table public.docs_2 partition of public.docs for values in (2);
        select wikiembed.attach(
          'public.docs', array['part', 'id']::name[], array['body'], 'vec', 'docs');
        insert into public.docs
        select g, g % 2 + 1, 'x',
               array(select random() - 0.5 + 0 * g from generate_series(1, {N}))::vector
          from generate_series(1, 3000) as g;
        analyze public.docs;
    """)
    build(database, "binary")
    asked = question(database)
    with database.connect(autocommit=False) as connection:
        rows = connection.execute("select key from wikiembed.search('docs', %s)", [asked])
        assert len(rows.fetchall()) == 10
        scans = connection.execute(
            "select sum(pg_stat_get_xact_numscans(i.indexrelid)) from pg_index as i"
            " join pg_class as c on c.oid = i.indexrelid join pg_am as m on m.oid = c.relam"
            " where m.amname = 'hnsw' and c.relkind = 'i'"
        ).fetchone()
    assert scans == (2,)


def test_recall_is_measured_through_the_candidates(docs: Database) -> None:
    """It grows with them, by the index, also under a filter."""
    build(docs, "binary")
    for more in ("", """, p_filter => '{"tenant": {"lt": 80}}'"""):
        with docs.connect() as connection:
            connection.execute("set enable_seqscan = off")
            rows = connection.execute(
                "select m.ef_search, avg(m.recall), bool_and(m.by_index)"
                " from (select * from public.docs where id % 60 = 7) as d,"
                " wikiembed.measure_recall('docs', d.vec, d.id::text, '{20,100,1000}'"
                f"{more}) as m group by 1 order by 1 nulls first".encode()
            ).fetchall()
        assert [row[0] for row in rows] == [None, 20, 100, 1000]
        assert [row[2] for row in rows] == [False, True, True, True]
        recalls = [row[1] for row in rows]
        assert recalls[1] < recalls[2] < recalls[3]
        assert recalls[1] < 0.6
        assert recalls[3] > 0.95
