"""Pools and connections of applications, and a Postgres that is out of reach."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from tests.integration.search_client.conftest import TEXTS
from tests.support.database import DIMENSIONS, Database
from tests.support.refused import NO_SERVER, no_database
from tests.support.standin import StandIn
from wikiembed import AsyncClient, Client
from wikiembed.config import Settings
from wikiembed.errors import (
    ConfigurationError,
    DatabaseError,
    DatabaseUnreachable,
    EmbedderError,
    SchemaMismatch,
    SearchRefused,
    WrongUsage,
)
from wikiembed.search.client import OneConnection


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


def test_client_says_what_is_out_of_reach(settings: Settings) -> None:
    """Postgres or the server; and nothing is left running."""
    lost = settings.model_copy(update={"database_url": no_database()})
    with Client(settings=lost) as client, pytest.raises(DatabaseUnreachable):
        client.search("honey")
    closed = settings.model_copy(update={"embedder_url": NO_SERVER})
    with Client(settings=closed) as client, pytest.raises(EmbedderError):
        client.search("honey")


def test_question_is_embedded_by_the_first_server_that_answers(
    settings: Settings, standin: StandIn
) -> None:
    """One that is away, refuses the key or answers other dimensions is passed over."""
    with (
        StandIn(dimensions=2 * DIMENSIONS) as others,
        StandIn(dimensions=DIMENSIONS, api_key="another") as locked,
    ):
        urls = f"http://127.0.0.1:1 {others.url} {locked.url} {standin.url}"
        several = settings.model_copy(update={"embedder_url": urls})
        with Client(settings=several) as client:
            assert client.search(TEXTS[0], limit=1)[0].key == "1"
            client.search("a second question")
        assert (others.stats.requests, locked.stats.requests) == (1, 1)
    standin.controls.down = True
    with Client(settings=several) as client, pytest.raises(EmbedderError, match=r"127\.0\.0\.1:1 "):
        client.search("honey")


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
