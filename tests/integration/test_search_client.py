"""The client of applications, for threads and for an event loop, against Postgres and a server."""

from __future__ import annotations

import asyncio
import datetime as dt
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from enum import IntEnum
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
import pytest
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from tests.support.chunks import add, attach_sql, make_source, make_table
from tests.support.database import DIMENSIONS, Database
from tests.support.standin import StandIn, vectors_of
from tests.support.workers import drain, environment_of, settings_of
from wikiembed import AsyncClient, Client
from wikiembed.config import Settings
from wikiembed.errors import (
    ConditionNotMet,
    ConfigurationError,
    DatabaseError,
    DatabaseUnreachable,
    EmbedderError,
    InvalidArgument,
    SchemaMismatch,
    SearchRefused,
    SourceNotFound,
    WrongUsage,
)
from wikiembed.search.client import OneConnection

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


def test_closed_client_says_so(settings: Settings) -> None:
    """It opens nothing again; closing twice is harmless."""
    client = Client(settings=settings)
    client.search("honey")
    client.close()
    client.close()
    for call in (client.search, client.coverage, lambda t: client.embed_query(t, source="docs")):
        with pytest.raises(WrongUsage, match="This client is closed"):
            call("honey")
    assert "wikiembed" not in {thread.name for thread in threading.enumerate()}


async def test_closed_async_client_says_so(settings: Settings) -> None:
    """As the other does."""
    client = AsyncClient(settings=settings)
    await client.search("honey")
    await client.aclose()
    await client.aclose()
    with pytest.raises(WrongUsage, match="This client is closed"):
        await client.search("honey")


def test_closing_ends_a_search_of_another_thread(settings: Settings, standin: StandIn) -> None:
    """Its thread does not wait for ever."""
    standin.controls.latency_s = 60
    client = Client(settings=settings)
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(client.search, "honey")
        while standin.stats.concurrent == 0 and not found.done():
            pass
        client.close()
        with pytest.raises(WrongUsage, match="This client is closed"):
            found.result(30)


def test_async_client_is_of_one_event_loop(settings: Settings) -> None:
    """A second loop is refused in a sentence, not by a wait without end."""
    client = AsyncClient(settings=settings)

    async def search() -> str:
        return (await client.search(TEXTS[0], limit=1))[0].key

    async def both() -> None:
        assert await search() == "1"
        with pytest.raises(WrongUsage, match="belongs to another event loop"):
            await asyncio.to_thread(lambda: asyncio.run(search()))
        assert await search() == "1"
        await client.aclose()

    asyncio.run(both())


def test_client_works_within_an_event_loop(client: Client) -> None:
    """It blocks it, as threads' functions do."""

    async def search() -> str:
        return client.search(TEXTS[2], limit=1)[0].key

    assert asyncio.run(search()) == "3"


FORKED = """
import os, sys, warnings
from wikiembed import Client
client = Client()
def key(text):
    return client.search(text, source="docs", limit=1)[0].key
assert key("bees make honey") == "1"
children = []
for n in range(3):
    child = os.fork()
    if child == 0:
        found = [key("steam drives trains"), key("a queen rules the hive")]
        if n:
            client.close()
        sys.exit(0 if found == ["2", "3"] else 9)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
print(codes, key("bees make honey"), key("a queen rules the hive"))
"""


def run_script(script: str, settings: Settings, **options: Any) -> subprocess.Popen[str]:
    """Start a script of an application, with the settings in its environment."""
    env = environment_of(settings)
    return subprocess.Popen(
        [sys.executable, "-c", script],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_forked_children_search_with_connections_of_their_own(settings: Settings) -> None:
    """As under a server that loads the application before it forks; closed or not."""
    with run_script(FORKED, settings) as process:
        out, err = process.communicate(timeout=60)
    assert (out, err) == ("[0, 0, 0] 1 3\n", "")


def test_client_that_was_not_closed_leaves_quietly(settings: Settings) -> None:
    """A script that ends has neither a warning nor a thread that keeps it."""
    script = "from wikiembed import Client; print(Client().search('bees make honey')[0].key)"
    with run_script(script, settings) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "1\n", "")


INTERRUPTED = """
from wikiembed import Client
with Client() as client:
    try:
        client.search("honey")
    except KeyboardInterrupt:
        print("interrupted")
    print(client.search("bees make honey", limit=1)[0].key)
"""


def test_interrupted_search_leaves_a_client_that_works(
    settings: Settings, standin: StandIn
) -> None:
    """Ctrl-C ends the wait for the server."""
    standin.controls.latency_s = 600
    with run_script(INTERRUPTED, settings) as process:
        while standin.stats.concurrent == 0 and process.poll() is None:
            pass
        standin.controls.latency_s = 0
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "interrupted\n1\n", "")


def until_asked(standin: StandIn) -> None:
    """Return when a question is with the server."""
    while standin.stats.concurrent == 0:
        pass


async def test_cancelled_search_leaves_a_client_that_works(
    settings: Settings, standin: StandIn
) -> None:
    """A request of an application that is given up."""
    async with AsyncClient(settings=settings) as client:
        standin.controls.latency_s = 600
        asked = asyncio.create_task(client.search("honey"))
        await asyncio.to_thread(until_asked, standin)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        standin.controls.latency_s = 0
        assert (await client.search(TEXTS[0], limit=1))[0].key == "1"


def test_pool_without_a_free_connection_is_named(settings: Settings, database: Database) -> None:
    """Neither a wrong URL nor a server that is down."""
    with (
        ConnectionPool(database.url, min_size=1, max_size=1, timeout=0.2) as pool,
        Client(pool=pool, settings=settings) as client,
    ):
        with (
            pool.connection(),
            pytest.raises(DatabaseUnreachable, match="No connection of the pool is free"),
        ):
            client.search("honey")
        assert client.search(TEXTS[0], limit=1)[0].key == "1"
        pool.close()
        with pytest.raises(WrongUsage, match="is already closed: open the pool before a search"):
            client.search("honey")


async def test_pool_that_is_not_open_is_named(settings: Settings, database: Database) -> None:
    """The usual mistake with a pool that is made at the import of an application."""
    pool = AsyncConnectionPool(database.url, open=False)
    async with AsyncClient(pool=pool, settings=settings) as client:
        with pytest.raises(WrongUsage, match="is not open yet: open the pool before a search"):
            await client.search("honey")


def test_refused_search_leaves_a_transaction_as_it_was(
    settings: Settings, database: Database
) -> None:
    """The application's other statements are neither lost nor committed."""
    with psycopg.connect(database.url) as connection:
        with Client(pool=OneConnection(connection), settings=settings) as client:
            client.search("honey")
            assert connection.info.transaction_status == TransactionStatus.IDLE
            connection.execute("update public.docs set tenant = 7 where id = 1")
            with pytest.raises(SearchRefused):
                client.search("honey", filter={"none": 1})
            assert [hit.key for hit in client.search("honey", filter={"tenant": 7})] == ["1"]
            with pytest.raises(psycopg.errors.DivisionByZero):
                connection.execute("select 1 / 0")
            with pytest.raises(DatabaseError, match="Current transaction is aborted"):
                client.search("honey")
        connection.rollback()
    assert database.one("select tenant from public.docs where id = 1") == 1


@pytest.mark.parametrize("cursor", [psycopg.ClientCursor, psycopg.RawCursor])
def test_client_takes_connections_with_other_cursors(
    settings: Settings, database: Database, cursor: type[psycopg.Cursor[Any]]
) -> None:
    """Client-side binding, other placeholders, a strict isolation, no prepared statements."""
    options = {"cursor_factory": cursor, "prepare_threshold": None}

    def configure(connection: psycopg.Connection[Any]) -> None:
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        connection.read_only = True

    with (
        ConnectionPool(database.url, min_size=1, kwargs=options, configure=configure) as pool,
        Client(pool=pool, settings=settings) as client,
    ):
        assert client.search(TEXTS[1], filter={"tenant": 2})[0].key == "2"


def test_own_pool_survives_a_restart_of_postgres(client: Client, database: Database) -> None:
    """Lost connections are replaced."""
    client.search("honey")
    database.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'wikiembed search'"
    )
    assert client.search(TEXTS[0], limit=1)[0].key == "1"


def test_client_of_a_database_without_wikiembed(settings: Settings, database: Database) -> None:
    """The sentence says what to run."""
    database.execute("drop schema wikiembed cascade")
    with (
        Client(settings=settings) as client,
        pytest.raises(SchemaMismatch, match="has no schema of wikiembed or another version"),
    ):
        client.search("honey")


def test_client_without_rights_or_time(settings: Settings, database: Database) -> None:
    """A role that was granted nothing, and a statement_timeout."""
    connection = database.connect(role=database.create_role("stranger"))
    with (
        Client(pool=OneConnection(connection), settings=settings) as client,
        pytest.raises(ConfigurationError, match="grant this role its rights"),
    ):
        client.search("honey")
    with (
        ConnectionPool(database.url, kwargs={"options": "-c statement_timeout=1"}) as pool,
        Client(pool=pool, settings=settings) as client,
        pytest.raises(DatabaseError, match="Canceling statement due to statement timeout"),
    ):
        client.search("honey", filter={"body": ["x" * 1000] * 100_000})
