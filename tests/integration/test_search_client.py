"""The client of applications, for threads and for an event loop, against Postgres and a server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from tests.support.chunks import add, make_source
from tests.support.database import DIMENSIONS, Database
from tests.support.standin import StandIn, vectors_of
from tests.support.workers import drain, settings_of
from wikiembed import AsyncClient, Client
from wikiembed.config import Settings
from wikiembed.errors import (
    ConditionNotMet,
    DatabaseUnreachable,
    EmbedderError,
    InvalidArgument,
    SearchRefused,
    SourceNotFound,
)

TEXTS = ("bees make honey", "steam drives trains", "a queen rules the hive")


@pytest.fixture
def settings(database: Database, standin: StandIn) -> Settings:
    """Three embedded chunks of source ``docs``, with an index of text."""
    make_source(database)
    add(database, *TEXTS)
    database.execute("alter table public.docs add column tenant integer not null default 1")
    database.execute("update public.docs set tenant = id")
    found = settings_of(database, standin.url)
    asyncio.run(drain(found))
    return found


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    """A client with connections of its own."""
    with Client(settings=settings) as made:
        yield made


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


def test_client_uses_a_pool_of_the_application(settings: Settings, database: Database) -> None:
    """With rows as dictionaries, inside transactions; it stays open."""
    with ConnectionPool(
        database.url, min_size=1, max_size=2, kwargs={"row_factory": dict_row}
    ) as pool:
        with Client(pool=pool, settings=settings) as client:
            assert client.search(TEXTS[0], source="docs")[0].key == "1"
            assert [row.source for row in client.coverage("docs")] == ["docs"]
        with pool.connection() as connection:
            row: object = connection.execute("select 1 as one").fetchone()
            assert row == {"one": 1}


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


def test_client_is_used_by_several_threads(client: Client) -> None:
    """Each gets its own answer."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: client.search(text, limit=1)[0].content, TEXTS * 8))
    assert found == list(TEXTS * 8)


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
    with pytest.raises(ValueError, match="'nope' is not a valid Mode"):
        client.search("honey", mode="nope")


def test_client_says_what_is_out_of_reach(settings: Settings) -> None:
    """Postgres or the server; and nothing is left running."""
    lost = settings.model_copy(update={"database_url": "postgresql://127.0.0.1:1/none"})
    with Client(settings=lost) as client, pytest.raises(DatabaseUnreachable):
        client.search("honey")
    closed = settings.model_copy(update={"embedder_url": "http://127.0.0.1:1"})
    with Client(settings=closed) as client, pytest.raises(EmbedderError):
        client.search("honey")


def test_client_of_an_empty_database(database: Database) -> None:
    """No source has vectors."""
    with (
        Client(database.url) as client,
        pytest.raises(ConditionNotMet, match="Nothing is embedded yet"),
    ):
        client.search("honey")
