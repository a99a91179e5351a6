"""What the client finds, and what it refuses."""

from __future__ import annotations

import asyncio
import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from enum import IntEnum
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from psycopg_pool import AsyncConnectionPool

from tests.integration.search_client.conftest import TEXTS
from tests.support.chunks import add, attach_sql, make_source, make_table
from tests.support.database import DIMENSIONS, Database
from tests.support.standin import StandIn, vectors_of
from tests.support.workers import drain, settings_of
from wikiembed import AsyncClient, Client
from wikiembed.config import Settings
from wikiembed.errors import (
    ConditionNotMet,
    EmbedderError,
    InvalidArgument,
    SearchRefused,
    SourceNotFound,
)


def index_text(database: Database) -> None:
    """Build the index of search by text, as the command does."""
    using = database.one("select wikiembed.text_index('docs', 'english')")
    database.execute(f"create index on public.docs {using}")
    database.execute("select wikiembed.set_text_config('docs', 'english')")


def test_client_finds_a_chunk_by_its_own_text(client: Client) -> None:
    """The question is embedded by the model that made the vectors."""
    hits = client.search(TEXTS[1], source="docs", limit=2)
    assert (hits[0].key, hits[0].content, hits[0].is_current) == ("2", TEXTS[1], True)
    assert hits[0].similarity == pytest.approx(1, abs=1e-5)
    assert len(hits) == 2


def test_client_searches_by_both_once_there_is_an_index_of_text(
    client: Client, database: Database
) -> None:
    """Without another word of the application."""
    assert client.search("honey")[0].text_rank is None
    index_text(database)
    by_text = [hit.key for hit in client.search("honey") if hit.text_rank]
    assert by_text == ["1"]
    assert [hit.key for hit in client.search("queens", mode="text")] == ["3"]
    assert client.search("honey", mode="vector")[0].text_rank is None


def test_client_filters(client: Client) -> None:
    """By a column, as SQL does."""
    assert [hit.key for hit in client.search("honey", filter={"tenant": [2, 9]})] == ["2"]
    with pytest.raises(SearchRefused, match='no column "none" to filter by: columns: body,'):
        client.search("honey", filter={"none": 1})


def test_client_embeds_a_question_once(client: Client, standin: StandIn) -> None:
    """Vectors of questions are kept."""
    before = standin.stats.texts
    vector = client.embed_query("what is honey", source="docs")
    assert client.embed_query("what is honey", source="docs") is not None
    client.search("what is honey")
    assert standin.stats.texts == before + 1
    assert vector.shape == (DIMENSIONS,)
    assert vector == pytest.approx(vectors_of(["what is honey"], DIMENSIONS)[0])


def test_client_takes_prefix_and_model_from_the_database(
    client: Client, database: Database, standin: StandIn
) -> None:
    """With the next search, without a restart."""
    client.search("what is honey")
    database.execute("update wikiembed.sources set query_prefix = 'query: ' where name = 'docs'")
    vector = client.embed_query("what is honey", source="docs")
    assert vector == pytest.approx(vectors_of(["query: what is honey"], DIMENSIONS)[0])


def test_worker_pins_its_prefix_for_questions(database: Database, standin: StandIn) -> None:
    """An application without that setting asks with it."""
    make_source(database)
    add(database, *TEXTS)
    asyncio.run(drain(settings_of(database, standin.url, query_prefix="query: ")))
    with Client(settings=settings_of(database, standin.url)) as client:
        vector = client.embed_query("what is honey", source="docs")
    assert vector == pytest.approx(vectors_of(["query: what is honey"], DIMENSIONS)[0])


def test_client_searches_again_if_the_source_changed_meanwhile(
    client: Client, database: Database, standin: StandIn
) -> None:
    """A question is never compared with vectors of another model or prefix."""
    standin.controls.latency_s = 0.5
    before = standin.stats.texts
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(client.search, TEXTS[0], source="docs", limit=1)
        while standin.stats.concurrent == 0 and not found.done():
            pass
        database.execute("update wikiembed.sources set query_prefix = 'q: ' where name = 'docs'")
        found.result(30)
    assert standin.stats.texts == before + 2


async def test_async_client_finds_the_same(settings: Settings, database: Database) -> None:
    """Many at once, with connections of its own and with a pool."""
    async with AsyncClient(settings=settings) as client:
        found = await asyncio.gather(*(client.search(text, limit=1) for text in TEXTS * 5))
        assert [hits[0].content for hits in found] == list(TEXTS * 5)
        assert (await client.coverage("docs"))[0].embedded == 3
    async with AsyncConnectionPool(database.url, min_size=1, max_size=2) as pool:
        async with AsyncClient(pool=pool, settings=settings) as client:
            assert (await client.search(TEXTS[0], source="docs"))[0].key == "1"
            vector = await client.embed_query(TEXTS[0], source="docs")
        async with pool.connection() as connection:
            assert await (await connection.execute("select 1")).fetchone() == (1,)
    assert vector.shape == (DIMENSIONS,)


def test_client_refuses_in_one_sentence(client: Client) -> None:
    """Wrong questions, and a source that does not exist."""
    with pytest.raises(InvalidArgument, match=r"The question is empty: give a text"):
        client.search("  ")
    with pytest.raises(SourceNotFound, match="No source is named 'nope'"):
        client.search("honey", source="nope")
    with pytest.raises(SearchRefused, match="P_limit must be from 1 to 1,000, not 0"):
        client.search("honey", limit=0)
    with pytest.raises(SearchRefused, match="has no index for search by text: build it"):
        client.search("honey", mode="text")
    with pytest.raises(InvalidArgument, match="mode must be one of auto, vector, text, hybrid"):
        client.search("honey", mode="nope")
    for limit in (2**40, 1.5, None):
        with pytest.raises(InvalidArgument, match="limit must be"):
            client.search("honey", limit=limit)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="weights must be numbers"):
        client.search("honey", vector_weight="heavy")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="cannot contain NUL"):
        client.search("honey\0", source="docs\0")
    with pytest.raises(EmbedderError, match="not valid Unicode"):
        client.search("honey \ud800")


def test_client_of_an_empty_database(database: Database) -> None:
    """No source has vectors."""
    with (
        Client(database.url) as client,
        pytest.raises(ConditionNotMet, match="Nothing is embedded yet"),
    ):
        client.search("honey")


FILTERS: list[tuple[str, object, list[str]]] = [
    ("tenant", Decimal(2), ["2"]),
    ("tenant", Decimal("1e0"), ["1"]),
    ("tenant", np.int64(3), ["3"]),
    ("tenant", np.array([1, 2], dtype=np.int32), ["1", "2"]),
    ("tenant", {3}, ["3"]),
    ("tenant", range(2, 4), ["2", "3"]),
    ("price", {"gte": Decimal("1.05"), "lte": np.float64(1.1)}, ["2"]),
    ("tenant", IntEnum("Tenant", {"SECOND": 2}).SECOND, ["2"]),  # type: ignore[attr-defined]
    ("at", dt.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=dt.UTC), ["2"]),
    ("at", {"gt": dt.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=dt.UTC)}, ["3"]),
    ("at", None, ["1"]),
    ("at", [None, dt.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=dt.UTC)], ["1", "2"]),
    ("day", dt.date(2026, 1, 3), ["3"]),
    ("uid", UUID(int=3), ["3"]),
    ("uid", (UUID(int=1), UUID(int=3)), ["1", "3"]),
    ("price", Decimal("1.10000000000000000000000001"), ["3"]),
    ("price", Decimal("NaN"), ["1"]),
    ("extra", {"price": Decimal("1.5")}, ["2"]),
    ("extra", {"seen": [UUID(int=3)]}, ["3"]),
]


def test_client_filters_by_values_of_python(client: Client, database: Database) -> None:
    """Dates, UUIDs, exact decimals, enums, sets and numpy's, as an application has them."""
    database.execute("""
        alter table public.docs add column at timestamptz, add column day date, add column uid uuid,
          add column price numeric, add column extra jsonb;
        update public.docs set uid = ('00000000-0000-0000-0000-00000000000' || id)::uuid,
          day = '2026-01-01'::date + (id - 1)::integer,
          at = case id when 2 then '2026-01-02 03:04:05.000678Z'
            when 3 then '2026-02-01Z' end::timestamptz,
          price = case id when 3 then 1.10000000000000000000000001 when 2 then 1.1 else 'NaN' end,
          extra = case id when 2 then '{"price": 1.5}'
            when 3 then '{"seen": ["00000000-0000-0000-0000-000000000003"]}' end::jsonb;
    """)
    for column, value, expected in FILTERS:
        found = client.search("honey", filter={column: value})
        assert sorted(hit.key for hit in found) == expected, (column, value)


@pytest.mark.parametrize(
    ("conditions", "sentence"),
    [
        ({"tenant": object()}, "a value of type object has no form in it"),
        ({"tenant": b"1"}, "a value of type bytes has no form in it"),
        ({"tenant": float("nan")}, "Out of range float"),
        ({("tenant",): 1}, "keys must be str"),
        (["tenant"], "must be a dict of columns and values"),
        ({"body": "a\0b"}, "Unsupported Unicode escape sequence"),
    ],
)
def test_client_refuses_filters_that_are_no_json(
    client: Client, conditions: Any, sentence: str
) -> None:
    """In one sentence of its own error."""
    with pytest.raises(InvalidArgument, match=sentence):
        client.search("honey", filter=conditions)


def test_vector_of_a_question_is_the_callers_own(client: Client) -> None:
    """Normalising it in place changes no later search."""
    before = client.embed_query("what is honey", source="docs").copy()
    changed = client.embed_query("what is honey", source="docs")
    changed *= 0
    assert client.embed_query("what is honey", source="docs") == pytest.approx(before)


def test_client_takes_a_source_with_capitals(database: Database, standin: StandIn) -> None:
    """Names are compared as they are."""
    make_table(database)
    database.execute(attach_sql().replace("'docs'", "'My-Docs'"))
    add(database, *TEXTS)
    settings = settings_of(database, standin.url)
    asyncio.run(drain(settings))
    with Client(settings=settings) as client:
        assert client.search(TEXTS[0], source="My-Docs")[0].key == "1"
        assert client.search(TEXTS[0], source={"My-Docs": 1}.keys())[0].source == "My-Docs"  # type: ignore[arg-type]
        assert client.search(TEXTS[0], source=[]) == []
        with pytest.raises(SourceNotFound, match="'my-docs'"):
            client.search(TEXTS[0], source="my-docs")
