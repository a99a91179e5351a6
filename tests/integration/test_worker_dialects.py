"""Every dialect embeds every chunk, and each stored vector is verified against its text."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.chunks import (
    add_chunks,
    counts,
    failures,
    jobs_by_status,
    make_source,
    make_table,
    pause_reason,
)
from tests.support.database import DIMENSIONS, Database
from tests.support.refused import NO_SERVER
from tests.support.standin import StandIn, vectors_of
from tests.support.standin.dialects import TONGUES, Dialect
from tests.support.workers import drain, prove, settings_of
from wikiembed.config import Provider


@pytest.mark.parametrize("dialect", TONGUES)
async def test_dialect_embeds_every_chunk(docs_table: Database, dialect: Dialect) -> None:
    """300 chunks reach 100 %, without a probe and with no text sent twice."""
    prove(docs_table)
    add_chunks(docs_table, 300)
    with StandIn(dialect=dialect, dimensions=DIMENSIONS) as server:
        await drain(settings_of(docs_table, server.url, embedder=dialect))
        assert (server.stats.distinct, server.stats.repeated) == (300, 0)
        assert server.stats.max_texts == (32 if dialect == "tei" else 64)
    assert counts(docs_table) == (300, 0, 0, 0)
    assert docs_table.one("select wikiembed.is_ready('docs')") is True
    assert jobs_by_status(docs_table) == {}
    docs_table.check_invariants()


async def test_server_without_base64_gets_requests_for_plain_numbers(
    docs_table: Database, standin: StandIn
) -> None:
    """A strict OpenAI-compatible server embeds nevertheless."""
    standin.controls.knows_base64 = False
    prove(docs_table)
    add_chunks(docs_table, 100)
    await drain(settings_of(docs_table, standin.url))
    assert counts(docs_table) == (100, 0, 0, 0)
    docs_table.check_invariants()


async def test_local_model_embeds_without_a_server(database: Database) -> None:
    """The in-process model fills a column of 256 dimensions."""
    make_source(database, key="uuid", vector="vector(256)")
    database.execute(
        "insert into public.docs select gen_random_uuid(), 'a page about the number ' || i"
        " from generate_series(1, 100) as i"
    )
    await drain(settings_of(database, NO_SERVER, embedder=Provider.LOCAL, model=None))
    assert counts(database) == (100, 0, 0, 0)
    database.check_invariants()


async def test_stated_limit_is_met_by_smaller_requests(
    docs_table: Database, standin: StandIn
) -> None:
    """A server with 10 texts per request gets batches of 64 in parts, without failures."""
    standin.controls.max_batch = 10
    prove(docs_table)
    add_chunks(docs_table, 200)
    await drain(settings_of(docs_table, standin.url), concurrency=1)
    assert counts(docs_table) == (200, 0, 0, 0)
    assert standin.stats.statuses[400] == 1
    assert failures(docs_table) == []
    docs_table.check_invariants()


@pytest.mark.parametrize("column", ["vector", "halfvec"])
async def test_vectors_arrive_bit_by_bit(database: Database, column: str) -> None:
    """Postgres stores exactly the server's vectors, in both column types."""
    database.execute(
        f"create table public.docs (id bigint generated always as identity primary key,"
        f" body text, vec {column}(768))"
    )
    database.execute("select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs')")
    prove(database)
    add_chunks(database, 70)
    with StandIn(dialect="openai", dimensions=768) as server:
        await drain(settings_of(database, server.url))
    rows = database.rows("select body, vec::text from public.docs order by id")
    stored = np.array([vec.strip("[]").split(",") for _, vec in rows], dtype=np.float32)
    np.testing.assert_array_equal(stored, vectors_of([body for body, _ in rows], 768))
    database.check_invariants()


async def test_document_prefix_precedes_each_text(docs_table: Database, standin: StandIn) -> None:
    """A prefix of the settings is sent, pinned, and part of the verified text."""
    prove(docs_table)
    add_chunks(docs_table, 10)
    standin.controls.record = True
    await drain(settings_of(docs_table, standin.url, document_prefix="search_document: "))
    assert sorted(standin.stats.recorded)[0] == "search_document: body 0"
    assert docs_table.rows("select document_prefix from wikiembed.sources where name = 'docs'") == [
        ("search_document: ",)
    ]
    docs_table.check_invariants()


async def test_prefix_fixed_at_attach_holds_for_every_batch(
    database: Database, standin: StandIn
) -> None:
    """The second batch, after the pin, gets the same prefix as the first."""
    make_table(database)
    database.execute(
        "select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs',"
        " p_document_prefix => 'passage: ', p_batch_size => 4)"
    )
    prove(database)
    add_chunks(database, 40)
    await drain(settings_of(database, standin.url))
    assert counts(database) == (40, 0, 0, 0)
    assert pause_reason(database) is None
    database.check_invariants()


async def test_provider_fixed_at_attach_holds_for_every_batch(
    database: Database, standin: StandIn
) -> None:
    """A source with its own provider keeps it after the first write."""
    make_table(database)
    database.execute(
        "select wikiembed.attach('public.docs', 'id', 'body', 'vec', 'docs',"
        " p_provider => 'tei', p_batch_size => 4)"
    )
    prove(database)
    add_chunks(database, 40)
    await drain(settings_of(database, standin.url))
    assert counts(database) == (40, 0, 0, 0)
    database.check_invariants()
