"""`WIKIEMBED_TRUNCATE` embeds long texts by their beginning, in every dialect, and counts them."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from tests.harness.database import DIMENSIONS, Database
from tests.integration.workshop import add_chunks, counts, drain, failures, settings_of
from tests.standin import StandIn, vectors_of
from tests.standin.faults import Dialect
from wikiembed.config import Provider

LIMIT = 100
LONG = " ".join(f"word{i}" for i in range(60))
MARKS = "select key, chars, chars_kept from wikiembed.truncated_chunks order by key::int"


def _add_long(database: Database) -> None:
    """100 short chunks, and keys 101 and 102 that are longer than the server takes."""
    add_chunks(database, 100)
    database.execute("insert into public.docs (body) values (%s), (%s)", [LONG, f"other {LONG}"])


def _vector(database: Database, key: int) -> list[float]:
    return [
        float(x) for x in database.one(f"select vec::float4[] from public.docs where id = {key}")
    ]


@pytest.mark.parametrize("dialect", ["ollama", "tei"])
async def test_server_that_cuts_is_told_to(docs_table: Database, dialect: Dialect) -> None:
    """Only the long texts are cut and marked; how much the server kept it does not say."""
    _add_long(docs_table)
    with StandIn(dialect=dialect, dimensions=DIMENSIONS, max_chars=LIMIT) as server:
        await drain(settings_of(docs_table, server.url, embedder=dialect, truncate=True))
    assert counts(docs_table) == (102, 0, 0, 0)
    assert docs_table.rows(MARKS) == [("101", len(LONG), None), ("102", len(LONG) + 6, None)]
    expected = vectors_of([LONG[:LIMIT]], DIMENSIONS)[0]
    assert np.allclose(_vector(docs_table, 101), expected, atol=1e-6)
    docs_table.check_invariants()


async def test_openai_dialect_is_cut_by_the_client(
    docs_table: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """By the server's own limit; the vector is that of the characters that are recorded."""
    _add_long(docs_table)
    caplog.set_level(logging.WARNING, logger="wikiembed")
    with StandIn(dialect="openai", dimensions=DIMENSIONS, max_chars=LIMIT) as server:
        await drain(settings_of(docs_table, server.url, truncate=True))
    assert counts(docs_table) == (102, 0, 0, 0)
    rows = docs_table.rows(MARKS)
    assert [row[:2] for row in rows] == [("101", len(LONG)), ("102", len(LONG) + 6)]
    for key, text in ((101, LONG), (102, f"other {LONG}")):
        kept = rows[key - 101][2]
        assert 80 <= kept <= LIMIT
        expected = vectors_of([text[:kept]], DIMENSIONS)[0]
        assert np.allclose(_vector(docs_table, key), expected, atol=1e-6)
    assert [r.message for r in caplog.records].count("truncating") == 1
    docs_table.check_invariants()


async def test_vllm_is_sent_its_field(docs_table: Database) -> None:
    """The server that lists itself as vLLM cuts by itself."""
    _add_long(docs_table)
    with StandIn(
        dialect="openai",
        dimensions=DIMENSIONS,
        max_chars=LIMIT,
        owned_by="vllm",
        truncation_field="truncate_prompt_tokens",
        strict=True,
    ) as server:
        await drain(settings_of(docs_table, server.url, truncate=True))
    assert [row[2] for row in docs_table.rows(MARKS)] == [None, None]
    assert counts(docs_table) == (102, 0, 0, 0)


@pytest.mark.parametrize("dialect", ["ollama", "openai", "tei"])
async def test_without_the_setting_long_texts_fail(docs_table: Database, dialect: Dialect) -> None:
    """And with it, later, a retry embeds them: what the policy says of text_too_long."""
    _add_long(docs_table)
    with StandIn(dialect=dialect, dimensions=DIMENSIONS, max_chars=LIMIT) as server:
        await drain(settings_of(docs_table, server.url, embedder=Provider(dialect)))
        assert [row[2] for row in failures(docs_table)] == ["text_too_long"] * 2
        docs_table.execute("select wikiembed.retry_failures('docs')")
        await drain(settings_of(docs_table, server.url, embedder=Provider(dialect), truncate=True))
    assert counts(docs_table) == (102, 0, 0, 0)
    assert len(docs_table.rows(MARKS)) == 2


async def test_a_shorter_text_ends_the_mark(docs_table: Database) -> None:
    """It is embedded again, and whole."""
    _add_long(docs_table)
    with StandIn(dialect="openai", dimensions=DIMENSIONS, max_chars=LIMIT) as server:
        settings = settings_of(docs_table, server.url, truncate=True)
        await drain(settings)
        docs_table.execute("update public.docs set body = 'short' where id = 101")
        await drain(settings)
    assert [row[0] for row in docs_table.rows(MARKS)] == ["102"]
    docs_table.check_invariants()
