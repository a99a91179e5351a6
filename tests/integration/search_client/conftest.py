"""Embedded chunks, and a client that searches them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.chunks import add, make_source
from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.workers import drain, settings_of
from wikiembed import Client
from wikiembed.config import Settings

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
