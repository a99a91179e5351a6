"""`index` of a partitioned table: one index, built per partition."""

from __future__ import annotations

import pytest

from tests.acceptance.hnsw import (
    BUILD,
    hnsw,
    scans,
)
from tests.support.cli import Call
from tests.support.commands import assert_done
from tests.support.database import Database


@pytest.fixture
def partitioned(database: Database) -> Database:
    """3,000 chunks in two partitions, the second of which is partitioned itself."""
    database.execute(
        "create table public.docs (id bigint primary key, body text, vec vector(4))"
        " partition by range (id);"
        " create table public.d1 partition of public.docs for values from (0) to (2000);"
        " create table public.d2 partition of public.docs for values from (2000) to (9000)"
        "   partition by range (id);"
        " create table public.d2a partition of public.d2 for values from (2000) to (9000);"
        " select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs');"
        " insert into public.docs select g, 'chunk ' || g,"
        "   array[sin(g), cos(g), sin(g * g), 1]::vector from generate_series(1, 3000) as g;"
        " analyze public.docs"
    )
    return database


def leaf(database: Database, table: str) -> str:
    """The name of our index on a partition."""
    return f"wikiembed_hnsw_docs_{database.one(f'select {table!r}::regclass::oid')}"


def test_index_of_partitions_is_one_index(call: Call, partitioned: Database) -> None:
    """Every leaf's is built concurrently and attached; a new partition gets its own."""
    assert_done(call(*BUILD))
    leaves = [leaf(partitioned, name) for name in ("d1", "d2", "d2a")]
    assert hnsw(partitioned) == {"wikiembed_hnsw_docs": True, **dict.fromkeys(leaves, True)}
    assert [scans(partitioned, f"public.{leaf(partitioned, n)}") for n in ("d1", "d2a")] == [1, 1]
    partitioned.execute(
        "create table public.d3 partition of public.docs for values from (9000) to (9999)"
    )
    assert len(hnsw(partitioned)) == 5
    assert "nothing to do" in call(*BUILD).stdout
    assert_done(call(*BUILD, "--drop"))
    assert hnsw(partitioned) == {}


def test_index_of_partitions_continues_after_an_interrupt(
    call: Call, partitioned: Database
) -> None:
    """Finished leaves stay, an invalid one is rebuilt."""
    done, broken = leaf(partitioned, "d1"), leaf(partitioned, "d2a")
    options = "using hnsw (vec vector_cosine_ops) with (m = 16, ef_construction = 64)"
    partitioned.execute(f"create index wikiembed_hnsw_docs on only public.docs {options}")
    partitioned.execute(f"create index {done} on public.d1 {options}")
    partitioned.execute(f"create index {broken} on public.d2a {options}")
    partitioned.execute(
        f"update pg_index set indisvalid = false where indexrelid = '{broken}'::regclass"
    )
    before = partitioned.one(f"select '{done}'::regclass::oid")
    result = call(*BUILD)
    assert_done(result)
    assert f"Dropping index public.{broken} first" in result.stdout
    assert set(hnsw(partitioned).values()) == {True}
    assert partitioned.one(f"select '{done}'::regclass::oid") == before
