"""`WIKIEMBED_TRUNCATE` embeds the beginning of long texts, in every dialect, and counts them."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

from tests.support.chunks import add_chunks, counts, failures, make_source
from tests.support.database import DIMENSIONS, Database
from tests.support.refused import NO_SERVER
from tests.support.standin import BadText, StandIn, vectors_of
from tests.support.standin.dialects import Dialect
from tests.support.standin.profiles import INFINITY
from tests.support.workers import drain, settings_of
from wikiembed.config import Provider
from wikiembed.embedders.canary import LENGTHS, MOST_REQUESTS

LIMIT = 100
LONG = " ".join(f"word{i}" for i in range(60))
FOUND = "select outcome, from_chars, checked_chars from wikiembed.truncation where source = 'docs'"
MARKS = "select key, chars, chars_kept from wikiembed.truncated_chunks order by key::int"


def _add_long(database: Database) -> None:
    """Add 100 short chunks, and keys 101 and 102 beyond the server's limit."""
    add_chunks(database, 100)
    database.execute("insert into public.docs (body) values (%s), (%s)", [LONG, f"other {LONG}"])


def _silent(limit: int) -> StandIn:
    """A server like infinity: it truncates silently after so many characters."""
    return StandIn(dialect="openai", dimensions=DIMENSIONS, max_chars=limit, profile=INFINITY)


def _vector(database: Database, key: int) -> list[float]:
    return [
        float(x) for x in database.one(f"select vec::float4[] from public.docs where id = {key}")
    ]


@pytest.mark.parametrize("dialect", ["ollama", "tei"])
async def test_server_with_a_truncation_field_gets_it(
    docs_table: Database, dialect: Dialect
) -> None:
    """Only the long texts are truncated and marked; the server does not report the kept length."""
    _add_long(docs_table)
    with StandIn(dialect=dialect, dimensions=DIMENSIONS, max_chars=LIMIT) as server:
        await drain(settings_of(docs_table, server.url, embedder=dialect, truncate=True))
    assert counts(docs_table) == (102, 0, 0, 0)
    assert docs_table.rows(MARKS) == [("101", len(LONG), None), ("102", len(LONG) + 6, None)]
    expected = vectors_of([LONG[:LIMIT]], DIMENSIONS)[0]
    assert np.allclose(_vector(docs_table, 101), expected, atol=1e-6)
    docs_table.check_invariants()


async def test_openai_dialect_is_truncated_by_the_client(
    docs_table: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """At the server's limit; the vector is that of the recorded characters."""
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
    """A server that lists itself as vLLM truncates by itself."""
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
    """With it, a later retry embeds them: the policy's remedy for text_too_long."""
    _add_long(docs_table)
    with StandIn(dialect=dialect, dimensions=DIMENSIONS, max_chars=LIMIT) as server:
        await drain(settings_of(docs_table, server.url, embedder=Provider(dialect)))
        assert [row[2] for row in failures(docs_table)] == ["text_too_long"] * 2
        docs_table.execute("select wikiembed.retry_failures('docs')")
        await drain(settings_of(docs_table, server.url, embedder=Provider(dialect), truncate=True))
    assert counts(docs_table) == (102, 0, 0, 0)
    assert len(docs_table.rows(MARKS)) == 2


async def test_a_shorter_text_removes_the_mark(docs_table: Database) -> None:
    """It is embedded again, in full."""
    _add_long(docs_table)
    with StandIn(dialect="openai", dimensions=DIMENSIONS, max_chars=LIMIT) as server:
        settings = settings_of(docs_table, server.url, truncate=True)
        await drain(settings)
        docs_table.execute("update public.docs set body = 'short' where id = 101")
        await drain(settings)
    assert [row[0] for row in docs_table.rows(MARKS)] == ["102"]
    docs_table.check_invariants()


async def test_server_that_truncates_silently_is_detected_once(
    docs_table: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Before anything is stored; the next worker warns without a request."""
    caplog.set_level(logging.WARNING, logger="wikiembed")
    add_chunks(docs_table, 10)
    with _silent(700) as server:
        settings = settings_of(docs_table, server.url, check_truncation=True)
        await drain(settings)
        asked = server.stats.texts - 10
        assert 2 < asked <= 2 * (1 + MOST_REQUESTS)
        server.reset_stats()
        add_chunks(docs_table, 10, begin=10)
        await drain(settings)
        assert server.stats.texts == 10
    ((outcome, number, checked),) = docs_table.rows(FOUND)
    assert (outcome, checked) == ("silent", LENGTHS[0])
    assert 700 <= number <= 760
    warned = [r for r in caplog.records if r.message == "truncates_silently"]
    assert [r.fields["from_chars"] for r in warned] == [number] * 2  # type: ignore[attr-defined]
    assert counts(docs_table) == (20, 0, 0, 0)


@pytest.mark.parametrize(
    ("controls", "outcome"),
    [
        ({"max_chars": 700}, "refused"),
        ({}, "whole"),
        ({"bad_texts": [BadText(contains="barley", effect="reset")]}, "unanswered"),
        ({"bad_texts": [BadText(contains="barley", status=500)]}, "unanswered"),
    ],
)
async def test_other_servers_cost_one_request(
    docs_table: Database, controls: dict[str, Any], outcome: str
) -> None:
    """Whether they refuse long texts, read them, or crash on them; without failures."""
    add_chunks(docs_table, 10)
    with StandIn(dialect="openai", dimensions=DIMENSIONS, **controls) as server:
        await drain(settings_of(docs_table, server.url, check_truncation=True))
        assert server.stats.texts == 12
    assert docs_table.rows(FOUND) == [(outcome, None, LENGTHS[0])]
    assert counts(docs_table) == (10, 0, 0, 0)


async def test_truncation_check_covers_longer_chunks(docs_table: Database) -> None:
    """A server that reads 4,000 characters may still truncate the table's texts."""
    add_chunks(docs_table, 1)
    with _silent(6000) as server:
        settings = settings_of(docs_table, server.url, check_truncation=True)
        await drain(settings)
        assert docs_table.rows(FOUND) == [("whole", None, LENGTHS[0])]
        docs_table.execute("insert into public.docs (body) values (repeat('long ', 1500))")
        await drain(settings)
    ((outcome, number, checked),) = docs_table.rows(FOUND)
    assert (outcome, checked) == ("silent", LENGTHS[1])
    assert 6000 <= number <= 6400


async def test_the_check_can_be_switched_off(docs_table: Database) -> None:
    """Only the chunks are sent."""
    add_chunks(docs_table, 10)
    with _silent(700) as server:
        await drain(settings_of(docs_table, server.url, check_truncation=False))
        assert server.stats.texts == 10
    assert docs_table.rows(FOUND) == [(None, None, None)]


async def test_the_local_model_is_not_checked(database: Database) -> None:
    """It refuses long texts itself."""
    make_source(database, key="int", vector="vector(256)")
    database.execute("insert into public.docs values (1, 'a page'), (2, repeat('word ', 50000))")
    settings = settings_of(database, NO_SERVER, embedder=Provider.LOCAL, model=None)
    settings = settings.model_copy(update={"check_truncation": True, "truncate": True})
    await drain(settings)
    assert counts(database) == (2, 0, 0, 0)
    assert database.rows(FOUND) == [(None, None, None)]
    assert database.rows(MARKS) == [("2", 250_000, 199_999)]
