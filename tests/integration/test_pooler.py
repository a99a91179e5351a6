"""Postgres behind pgbouncer: writers and readers work in each mode, the rest says what it needs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.support.chunks import add, add_chunks, counts, make_source
from tests.support.cli import Call
from tests.support.commands import assert_done, assert_refused, served
from tests.support.database import Database
from tests.support.pgbouncer import Mode, PgBouncer, find_pgbouncer
from tests.support.standin import StandIn
from tests.support.workers import drain, settings_of
from wikiembed import AsyncClient, Client
from wikiembed.db import pooler
from wikiembed.db.connect import connect_options
from wikiembed.db.pooler import REFUSAL, shares_backends

COMMANDS = [
    ("status",), ("pause",), ("worker", "--drain"), ("backfill",), ("migrate",), ("serve",),
    ("uninstall", "--yes"), ("search", "bees", "--source", "docs"), ("doctor",),
]  # fmt: skip
ACTOR = "select current_setting('wikiembed.actor', true)"
ISOLATION = "show default_transaction_isolation"
Pool = Callable[..., PgBouncer]


@pytest.fixture(scope="module", autouse=True)
def _program() -> None:
    find_pgbouncer()


@pytest.fixture
def pool(database: Database) -> Iterator[Pool]:
    """Start a pooler of `database` in a mode."""
    with contextlib.ExitStack() as ending:

        def start(mode: Mode, *, size: int = 20, more: str = "") -> PgBouncer:
            made = PgBouncer(database.url, mode, size=size, more=more)
            ending.callback(made.end)
            return made

        yield start


def connect(made: PgBouncer, *, autocommit: bool = True) -> psycopg.Connection:
    """A client as behind a pooler: without prepared statements."""
    return psycopg.connect(made.url, autocommit=autocommit, prepare_threshold=None)


@pytest.mark.parametrize("mode", ["session", "transaction"])
async def test_pooler_serves_writers_and_readers(
    docs_table: Database, standin: StandIn, pool: Pool, mode: Mode
) -> None:
    """Inserts are queued, and a client searches and counts; it prepares nothing on a backend."""
    made = pool(mode)
    with connect(made) as one, connect(made) as two:
        for number in range(10):
            writer = (one, two)[number % 2]
            writer.execute("insert into public.docs (body) values (%s)", [f"bees {number}"])
    assert counts(docs_table).missing == 10
    settings = settings_of(docs_table, standin.url)
    await drain(settings)
    assert counts(docs_table).embedded == 10
    through = settings.model_copy(update={"database_url": made.url})
    with Client(settings=through) as client:
        for _ in range(8):
            assert len(client.search("bees", source="docs")) == 10
        with connect(made, autocommit=False) as other:
            other.execute("select 1")  # takes the backend that the client had
            assert len(client.search("bees", source="docs")) == 10
            assert client.coverage("docs")[0].embedded == 10
    async with AsyncClient(settings=through) as searcher:
        for _ in range(8):
            assert len(await searcher.search("bees", source="docs")) == 10
        with connect(made, autocommit=False) as other:
            other.execute("select 1")
            assert len(await searcher.search("bees", source="docs")) == 10
            assert (await searcher.coverage("docs"))[0].embedded == 10


async def test_client_leaves_no_setting_on_a_pooled_backend(
    docs_table: Database, standin: StandIn, pool: Pool
) -> None:
    """Another client of the backend keeps the isolation that its database has."""
    add(docs_table, "bees make honey")
    settings = settings_of(docs_table, standin.url)
    await drain(settings)
    docs_table.execute(
        f'alter database "{docs_table.name}" set default_transaction_isolation = serializable'
    )
    made = pool("transaction")
    through = settings.model_copy(update={"database_url": made.url})
    with Client(settings=through) as client:
        assert len(client.search("bees", source="docs")) == 1
        with connect(made) as other:
            assert other.execute(ISOLATION).fetchone() == ("serializable",)


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_commands_need_a_connection_of_their_own(
    docs_table: Database, standin: StandIn, call: Call, pool: Pool, mode: Mode
) -> None:
    """Each says so in one sentence with exit code 2, and sets nothing on the shared backend."""
    made = pool(mode)
    env = {**served(standin), "WIKIEMBED_DATABASE_URL": made.url}
    for command in COMMANDS:
        assert assert_refused(call(*command, env=env), 2) == REFUSAL, command
    with connect(made) as other:
        assert other.execute(ACTOR).fetchone() in [(None,), ("",)]
    assert docs_table.one("select count(*) from wikiembed.sources where paused_at is not null") == 0


def test_commands_refuse_a_pooler_that_deals_backends_in_turn(
    docs_table: Database, call: Call, pool: Pool
) -> None:
    """Two idle backends that take turns: a single connection sees both."""
    made = pool("transaction", more="server_round_robin = 1")
    with connect(made, autocommit=False) as one, connect(made, autocommit=False) as two:
        one.execute("select 1")
        two.execute("select 1")
    result = call("status", env={"WIKIEMBED_DATABASE_URL": made.url})
    assert assert_refused(result, 2) == REFUSAL


def test_worker_and_commands_work_through_a_pool_in_session_mode(
    database: Database, standin: StandIn, call: Call, pool: Pool
) -> None:
    """From the migration to the last vector."""
    make_source(database)
    add_chunks(database, 100)
    env = {**served(standin), "WIKIEMBED_DATABASE_URL": pool("session").url}
    for command in [("migrate",), ("worker", "--drain"), ("ready", "docs"), ("pause", "docs")]:
        assert_done(call(*command, env=env))
    assert counts(database).embedded == 100
    database.check_invariants()


def test_a_pool_of_one_backend_in_session_mode_is_not_refused(
    database: Database, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second connection waits for a backend in vain: the first has one of its own."""
    monkeypatch.setattr(pooler, "WAIT_S", 0.2)
    made = pool("session", size=1)
    assert not shares_backends(made.url, connect_options(made.url))
    assert not shares_backends(database.url, connect_options(database.url))
    shared = pool("transaction", size=1)
    assert shares_backends(shared.url, connect_options(shared.url))
