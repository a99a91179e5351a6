"""Searches while their name is switched: none fails, none compares vectors of two models."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.chunks import add, make_source
from tests.support.database import Database
from tests.support.eventually import eventually_async
from tests.support.standin import StandIn, vectors_of
from tests.support.switch import ATTACH_NEW, NEW, OLD, embed_all, two_sources
from tests.support.workers import drain, settings_of
from wikiembed import AsyncClient, Client
from wikiembed.config import Settings
from wikiembed.errors import ConditionNotMet, InvalidArgument, SourceNotFound
from wikiembed.search.hit import Hit
from wikiembed.search.plan import TRIES
from wikiembed.vectors import Matrix

TEXTS = [f"text number {n}" for n in range(20)]
LATENCY_S = 0.05
SWITCHES = 12
SAME = 1e-5


@pytest.fixture
def settings(database: Database, standin: StandIn) -> Settings:
    """Sources ``docs`` and ``docs_new``, embedded with different prefixes."""
    two_sources(database)
    add(database, *TEXTS)
    found = settings_of(database, standin.url)
    embed_all(found)
    return found


@pytest.fixture
def client(settings: Settings) -> Iterator[Client]:
    """A client with connections of its own."""
    with Client(settings=settings) as made:
        yield made


def wide_or_not(texts: Sequence[str], dimensions: int, salt: str) -> Matrix:
    """Vectors of a server of two models."""
    return vectors_of(texts, 8 if texts[0].startswith("wide: ") else dimensions, salt)


def switch(database: Database, name: str, to: str) -> None:
    """As the command does."""
    database.execute("select wikiembed.switch(%s, %s)", [name, to])


class Searches:
    """Tasks that search for their own texts without a pause until the end."""

    def __init__(self, client: AsyncClient, number: int) -> None:
        self.found: list[Hit] = []
        self._per_task = [0] * number
        self._over = asyncio.Event()
        self._tasks = [asyncio.create_task(self._search(client, n)) for n in range(number)]

    async def _search(self, client: AsyncClient, number: int) -> None:
        text = TEXTS[number % len(TEXTS)]
        while not self._over.is_set():
            (hit,) = await client.search(text, source="docs", limit=1)
            assert hit.content == text
            self.found.append(hit)
            self._per_task[number] += 1

    async def advance(self) -> None:
        """Wait until each task has found twice more, or one has failed.

        So a search sees one change at most, however slow the machine is.
        """
        seen = list(self._per_task)
        await eventually_async(
            lambda: (
                all(now >= was + 2 for now, was in zip(self._per_task, seen, strict=True))
                or any(task.done() for task in self._tasks)
            )
        )

    async def end(self) -> list[Hit]:
        """End the tasks, and return all hits in the order in which they were found."""
        self._over.set()
        await asyncio.gather(*self._tasks)
        return self.found


def test_client_searches_the_source_that_a_name_was_switched_to(
    client: Client, database: Database
) -> None:
    """With its model and prefix; hits name it."""
    assert client.search(TEXTS[0], source="docs", limit=1)[0].source == "docs"
    switch(database, "docs", "docs_new")
    (hit,) = client.search(TEXTS[0], source="docs", limit=1)
    assert (hit.source, hit.content) == ("docs_new", TEXTS[0])
    assert hit.similarity == pytest.approx(1, abs=SAME)
    vector = client.embed_query("what", source="docs")
    assert vector == pytest.approx(vectors_of([f"{NEW}what"], len(vector))[0])
    switch(database, "docs", "docs")
    assert client.search(TEXTS[0], source="docs", limit=1)[0].source == "docs"
    vector = client.embed_query("what", source="docs")
    assert vector == pytest.approx(vectors_of([f"{OLD}what"], len(vector))[0])


def test_client_takes_a_name_that_no_source_has(client: Client, database: Database) -> None:
    """From the switch on, and after the old source is gone."""
    with pytest.raises(SourceNotFound, match="No source is named 'live'"):
        client.search(TEXTS[0], source="live")
    switch(database, "live", "docs_new")
    assert client.search(TEXTS[0], source="live", limit=1)[0].source == "docs_new"
    switch(database, "docs", "docs_new")
    database.execute("select wikiembed.detach('docs')")
    assert client.search(TEXTS[0], source="docs", limit=1)[0].source == "docs_new"


def test_a_source_is_searched_once_by_whatever_names(client: Client, database: Database) -> None:
    """Also without a name: the former source of a switched name is left out."""
    database.execute("update wikiembed.sources set model = 'another' where name = 'docs_new'")
    with pytest.raises(InvalidArgument, match="vectors of 2 different models"):
        client.search(TEXTS[0])
    switch(database, "docs", "docs_new")
    for source in (["docs", "docs_new"], None):
        hits = client.search(TEXTS[0], source=source, limit=5)
        assert {hit.source for hit in hits} == {"docs_new"}
        assert len({hit.key for hit in hits}) == 5


def test_a_search_starts_again_when_its_name_is_switched(
    client: Client, database: Database, standin: StandIn
) -> None:
    """The question was embedded with the other model meanwhile."""
    standin.controls.latency_s = 0.5
    before = standin.stats.texts
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(client.search, TEXTS[3], source="docs", limit=1)
        while standin.stats.concurrent == 0 and not found.done():
            pass
        switch(database, "docs", "docs_new")
        (hit,) = found.result(30)
    assert standin.stats.texts == before + 2
    assert hit.source == "docs_new"
    assert hit.similarity == pytest.approx(1, abs=SAME)


def test_a_search_starts_again_with_a_model_of_other_dimensions(
    client: Client, database: Database, standin: StandIn
) -> None:
    """A vector that does not fit the column is never compared with it."""
    database.execute("alter table public.docs add column wide vector(8)")
    database.execute(
        "select wikiembed.attach('public.docs', 'id', 'body', 'wide', 'docs_wide',"
        " p_provider => 'openai', p_model => 'wide', p_query_prefix => 'wide: ')"
    )
    database.execute("update public.docs set wide = '[1,0,0,0,0,0,0,0]'")
    standin.controls.latency_s = 0.5
    standin.controls.vectors = wide_or_not
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(client.search, TEXTS[3], source="docs", limit=1)
        while standin.stats.concurrent == 0 and not found.done():
            pass
        switch(database, "docs", "docs_wide")
        (hit,) = found.result(30)
    assert hit.source == "docs_wide"


@pytest.mark.parametrize(("switches", "finds"), [(6, True), (TRIES, False)])
def test_a_search_is_repeated_while_its_name_is_switched(
    settings: Settings, database: Database, standin: StandIn, *, switches: int, finds: bool
) -> None:
    """Whenever its question is embedded; in the end it is given up with a sentence."""
    left = [("docs_new", "docs")[number % 2] for number in range(switches)]

    def switch_meanwhile(texts: Sequence[str], dimensions: int, salt: str) -> Matrix:
        if left:
            switch(database, "docs", left.pop(0))
        return vectors_of(texts, dimensions, salt)

    standin.controls.vectors = switch_meanwhile
    with Client(settings=settings, cached_questions=0) as client:
        if finds:
            assert client.search(TEXTS[3], source="docs", limit=1)[0].content == TEXTS[3]
        else:
            with pytest.raises(ConditionNotMet, match=f"was changed {TRIES} times"):
                client.search(TEXTS[3], source="docs", limit=1)
    assert not left


async def test_many_searches_while_a_name_is_switched_to_and_fro(
    settings: Settings, database: Database, standin: StandIn
) -> None:
    """Each finds its own text at distance 0: question and vectors are of one model."""
    standin.controls.latency_s = LATENCY_S
    # No vector is kept: every search waits for the server, in which time the name is switched.
    async with AsyncClient(settings=settings, cached_questions=0) as client:
        searches = Searches(client, 16)
        for number in range(SWITCHES):
            await searches.advance()
            to = ("docs_new", "docs")[number % 2]
            await asyncio.to_thread(switch, database, "docs", to)
        found = await searches.end()
    assert {hit.source for hit in found} == {"docs", "docs_new"}
    assert max(abs(1 - (hit.similarity or 0.0)) for hit in found) < SAME
    assert database.one(
        "select count(*) from wikiembed.action_log where action = 'switch'"
    ) == SWITCHES  # fmt: skip


async def test_a_model_is_changed_while_searches_go_on(
    database: Database, standin: StandIn
) -> None:
    """From the second column to the end of the first: none fails, none mixes models."""
    make_source(database)
    add(database, *TEXTS)
    settings = settings_of(database, standin.url)
    await drain(settings)
    index = "create index concurrently on public.docs using hnsw ({} vector_cosine_ops)"
    database.execute(index.format("vec"))
    standin.controls.latency_s = LATENCY_S

    async def step(statement: str) -> None:
        await asyncio.to_thread(database.execute, statement)
        await searches.advance()

    async with AsyncClient(settings=settings, cached_questions=0) as client:
        searches = Searches(client, 8)
        await step("alter table public.docs add column vec_new vector(4)")
        await step(ATTACH_NEW.format(NEW))
        await drain(settings)
        await step(index.format("vec_new"))
        await step("select wikiembed.switch('docs', 'docs_new')")
        await step("select wikiembed.switch('docs', 'docs')")
        await step("select wikiembed.switch('docs', 'docs_new')")
        await step("select wikiembed.detach('docs')")
        await step("alter table public.docs drop column vec")
        found = await searches.end()
    assert [hit.source for hit in found[:8]] == ["docs"] * 8
    assert [hit.source for hit in found[-8:]] == ["docs_new"] * 8
    assert max(abs(1 - (hit.similarity or 0.0)) for hit in found) < SAME
    database.check_invariants()


def test_a_search_whose_name_is_forgotten_meanwhile_says_so(
    client: Client, database: Database, standin: StandIn
) -> None:
    """In the sentence of a name that does not exist."""
    switch(database, "live", "docs")
    standin.controls.latency_s = 0.5
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(client.search, TEXTS[3], source="live", limit=1)
        while standin.stats.concurrent == 0 and not found.done():
            pass
        database.execute("select wikiembed.switch('live', null)")
        with pytest.raises(SourceNotFound, match="No source is named 'live'"):
            found.result(30)


def test_without_vectors_nothing_is_searched(client: Client, database: Database) -> None:
    """Also where the name of the only source with vectors is switched away from it."""
    database.execute("update public.docs set vec_new = null")
    database.execute("select wikiembed.switch('docs', 'docs_new', true)")
    with pytest.raises(ConditionNotMet, match="Nothing is embedded yet"):
        client.search(TEXTS[0])
