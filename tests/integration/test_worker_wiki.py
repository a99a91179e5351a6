"""A page that anybody writes is split and embedded by a running worker, without any command."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.database import Database
from tests.support.standin import StandIn
from tests.support.wiki import load
from tests.support.workers import drain, prove, settings_of, working

SENTENCE = "The river flows north to the sea, past town number {}."
TEXT = "\n\n".join(
    f"== Part {part} ==\n\n" + " ".join(SENTENCE.format(100 * part + n) for n in range(15))
    for part in range(12)
)


@pytest.fixture
def wiki(database: Database) -> Iterator[Database]:
    """The wiki, whose vectors prove their texts; all invariants at the end."""
    prove(database, "wiki")
    yield database
    database.check_invariants()


def ready(database: Database) -> bool:
    return database.one("select wikiembed.is_ready('wiki')") is True


async def test_pages_written_by_hand_are_split_and_embedded(
    wiki: Database, standin: StandIn
) -> None:
    """Inserted, edited and deleted in SQL while a worker runs; an edit embeds what it changed."""
    async with working(settings_of(wiki, standin.url)) as worker:
        wiki.execute("insert into public.wiki_pages (title, content) values ('Nile', %s)", [TEXT])
        await worker.wait_for(lambda: ready(wiki))
        assert standin.stats.texts == wiki.one("select count(*) from public.wiki_chunks") == 12
        assert (
            wiki.one("select count(*) from public.wiki_chunks where context like 'Nile: P%'") == 12
        )
        standin.reset_stats()
        wiki.execute(
            "update public.wiki_pages set content = replace(content, 'number 507', 'no. 507')"
        )
        assert not ready(wiki)
        await worker.wait_for(lambda: ready(wiki))
        assert standin.stats.texts == 1
        wiki.execute("insert into public.wiki_pages (title, content) values ('Po', 'A river.')")
        wiki.execute("delete from public.wiki_pages where title = 'Nile'")
        await worker.wait_for(lambda: ready(wiki))
    assert wiki.rows("select context, content from public.wiki_chunks") == [("Po", "A river.")]


async def test_loaded_pages_wait_for_a_worker(wiki: Database, standin: StandIn) -> None:
    """Loaded while none runs; loading them again embeds nothing."""
    load(wiki, ("Nile", TEXT), ("Po", "A river."))
    settings = settings_of(wiki, standin.url)
    await drain(settings)
    assert ready(wiki)
    standin.reset_stats()
    assert load(wiki, ("Nile", TEXT), ("Po", "A river.")) == (0, 0, 2)
    await drain(settings)
    assert standin.stats.texts == 0
