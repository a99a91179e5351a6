"""Two sources of one table, with models that differ by their prefix."""

from __future__ import annotations

import asyncio

from tests.support.chunks import add, make_source
from tests.support.cli import Call
from tests.support.commands import assert_done, served
from tests.support.database import DIMENSIONS, Database
from tests.support.standin import StandIn
from tests.support.workers import drain
from wikiembed.config import Settings

OLD, NEW = "old: ", "new: "
ATTACH_NEW = (
    "select wikiembed.attach('public.docs', 'id', 'body', 'vec_new', 'docs_new',"
    " p_document_prefix => '{0}', p_query_prefix => '{0}', p_enqueue => true)"
)


def two_sources(database: Database, *, dimensions: int = DIMENSIONS) -> None:
    """Source ``docs`` and, in a second column, ``docs_new``; a worker pins the model of both."""
    make_source(database)
    database.execute(
        f"update wikiembed.sources set document_prefix = '{OLD}', query_prefix = '{OLD}'"
        " where name = 'docs'"
    )
    database.execute(f"alter table public.docs add column vec_new vector({dimensions})")
    database.execute(ATTACH_NEW.format(NEW))


def embed_all(settings: Settings) -> None:
    """Embed what is queued of both."""
    asyncio.run(drain(settings))


def embedded_by_command(call: Call, database: Database, standin: StandIn, *texts: str) -> None:
    """Make `two_sources` with these texts, and embed them with ``wikiembed worker``."""
    two_sources(database)
    add(database, *texts)
    assert_done(call("worker", "--drain", env=served(standin)))
