"""Pages of the wiki: loaded, and split as a worker does."""

from __future__ import annotations

import asyncio
import json

from tests.support.database import Database
from tests.support.refused import NO_SERVER
from tests.support.workers import opened
from wikiembed.documents.work import SplitJob, process

_WAITING = "select key from wikiembed_private.documents_wiki where version is null order by key"


def load(database: Database, *pages: tuple[str, str]) -> tuple[int, int, int]:
    """Load pages of title and text; returns how many were added, changed and unchanged."""
    given = [{"title": title, "content": content} for title, content in pages]
    (row,) = database.rows("select * from wikiembed.load_pages(%s::jsonb)", [json.dumps(given)])
    added, changed, unchanged = row
    return added, changed, unchanged


def split_pages(database: Database) -> None:
    """Split all pages that wait, and remove their jobs: what workers do, but for embedding."""
    keys = [row[0] for row in database.rows(_WAITING)]
    asyncio.run(_split(database, keys))
    database.execute(
        "delete from wikiembed_queue.procrastinate_jobs where task_name = 'wikiembed.split'"
    )


async def _split(database: Database, keys: list[str]) -> None:
    async with opened(database, NO_SERVER) as runtime:
        await process(SplitJob(source="wiki", documents=keys), runtime)


def chunk(database: Database, title: str) -> str:
    """The key of a page's first chunk."""
    return str(
        database.one(
            "select c.id from public.wiki_chunks as c join public.wiki_pages as p"
            " on p.id = c.document_id where p.title = %s and c.position = 0",
            [title],
        )
    )
