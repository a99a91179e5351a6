"""The model of a wiki is changed by the how-to's commands while clients search it.

The long form (WIKIEMBED_FAULTS=long) takes a real export; the short one the sample. Both models
have 256 dimensions, so that a question of one could be compared with vectors of the other: each
hit's similarity says which vectors were compared.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from tests.support import export
from tests.support.cli import Call, Result
from tests.support.commands import assert_done, json_lines, served
from tests.support.database import Database, create_database
from tests.support.eventually import eventually
from tests.support.long_form import LONG
from tests.support.server import TestServer
from tests.support.standin import StandIn, vectors_of
from wikiembed import Client, Hit
from wikiembed.config import LOCAL_DIMENSIONS, Settings
from wikiembed.embedders.local_model import load_wordllama
from wikiembed.sample import sample_path
from wikiembed.vectors import Matrix

CLIENTS = 4
QUERY_PREFIX = "query: "
SAME = 1e-4
LOCAL = {"WIKIEMBED_EMBEDDER": "local", "WIKIEMBED_DIMENSIONS": str(LOCAL_DIMENSIONS)}
TABLES = {"wiki": "public.wiki_chunks", "wiki_new": "public.wiki_new"}
"""The chunk table of each source."""


@pytest.fixture
def database(postgres: TestServer) -> Iterator[Database]:
    """An empty database: the wiki's table takes the dimensions of the local model."""
    with create_database(postgres, "template0") as made:
        yield made


class Searches:
    """Threads that search for ``wiki`` without a pause; a failure ends its thread."""

    def __init__(self, client: Client, questions: list[str]) -> None:
        self.found: list[tuple[str, Hit]] = []
        self._client, self._questions = client, questions
        self._done = [0] * CLIENTS
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(CLIENTS)
        self._threads: list[Future[None]] = [
            self._pool.submit(self._search, number) for number in range(CLIENTS)
        ]

    def _search(self, number: int) -> None:
        for turn in count(number, CLIENTS):
            if self._over.is_set():
                return
            question = self._questions[turn % len(self._questions)]
            hits = self._client.search(question, source="wiki", limit=3)
            assert hits, question
            self.found += [(question, hit) for hit in hits]
            self._done[number] += 1

    @property
    def number(self) -> int:
        """How many searches have succeeded."""
        return sum(self._done)

    def advance(self) -> None:
        """Wait until each client has found twice more, or one has failed."""
        seen = list(self._done)
        eventually(
            lambda: (
                all(now >= was + 2 for now, was in zip(self._done, seen, strict=True))
                or any(thread.done() for thread in self._threads)
            ),
            within_s=120,
        )

    def end(self) -> None:
        """End all clients, and raise the error of one that failed."""
        self._over.set()
        self._pool.shutdown()
        for thread in self._threads:
            thread.result()


def unit_vectors(database: Database, source: str) -> Mapping[str, Matrix]:
    """The stored vectors of a source by key, `(256,) float32` of length 1."""
    rows = database.rows(f"select id::text, embedding::text from {TABLES[source]}")
    return {key: unit(np.array(json.loads(vector), np.float32)) for key, vector in rows}


def unit(vector: Matrix) -> Matrix:
    """The vector at length 1."""
    scaled: Matrix = vector / np.linalg.norm(vector)
    return scaled


def test_a_model_is_changed_while_clients_search(
    call: Call, database: Database, standin: StandIn, tmp_path: Path
) -> None:
    """No search fails, and none compares a question of one model with vectors of the other."""
    standin.controls.dimensions = LOCAL_DIMENSIONS
    old, new = LOCAL, served(standin)
    articles = export.EXPORT if LONG and export.missing() is None else sample_path()

    def run(*command: str, env: Mapping[str, str] = old) -> Result:
        result = call(*command, env={**env})
        assert_done(result)
        return result

    run("migrate")
    run("load", str(articles))
    run("worker", "--drain")
    run("index", "--source", "wiki")
    run("index", "--text", "--source", "wiki")
    questions = [title for (title,) in database.rows("select title from public.wiki_pages")]
    asked = tmp_path / "questions.txt"
    asked.write_text("\n".join(questions[:20]))
    settings = Settings.model_validate(
        {"database_url": database.url, "embedder": "local", "embedder_url": standin.url}
    )
    steps: Counter[str] = Counter()
    with Client(settings=settings, cached_questions=0) as client:
        searches = Searches(client, questions)

        def step(*command: str, env: Mapping[str, str] = old) -> Result:
            before = searches.number
            result = run(*command, env=env)
            searches.advance()
            steps[command[0]] += searches.number - before
            return result

        try:
            step(
                *("attach", "public.wiki_pages", "--documents", "--key", "id"),
                *("--text", "content", "--title", "title", "--name", "wiki_new"),
                *("--chunks", "public.wiki_new", "--provider", "openai", "--model", "new"),
                *("--dimensions", str(LOCAL_DIMENSIONS), "--query-prefix", QUERY_PREFIX),
                "--enqueue",
                env=new,
            )
            step("worker", "--drain", env=new)
            step("index", "--source", "wiki_new")
            step("index", "--text", "--source", "wiki_new")
            step("recall", "wiki_new", "--sample", "100", "--json")
            compared = step(
                *("compare", "wiki", "wiki_new", "--queries", str(asked), "--json"), env=new
            )
            step("switch", "wiki", "--to", "wiki_new")
            step("switch", "wiki", "--to", "wiki")
            step("switch", "wiki", "--to", "wiki_new")
            stored = {source: unit_vectors(database, source) for source in TABLES}
            step("detach", "wiki")
            database.execute("drop table public.wiki_chunks")
            searches.advance()
        finally:
            searches.end()
    assert json_lines(compared)[0]["questions"]
    local = load_wordllama()
    models = {
        "wiki": {one: unit(local.embed([one])[0]) for one in questions},
        "wiki_new": {
            one: unit(vectors_of([QUERY_PREFIX + one], LOCAL_DIMENSIONS)[0]) for one in questions
        },
    }
    off = [
        abs(hit.similarity - float(models[hit.source][asked] @ stored[hit.source][hit.key]))
        for asked, hit in searches.found
        if hit.similarity is not None
    ]
    by_source = Counter(hit.source for _, hit in searches.found)
    print(f"{len(stored['wiki']):,} chunks; {searches.number:,} searches, none failed: {steps}")
    print(f"hits by source: {by_source}; similarities off by at most {max(off):.1e}")
    assert len(off) == len(searches.found)
    assert max(off) < SAME
    assert set(by_source) == set(TABLES)
    assert {hit.source for _, hit in searches.found[: 3 * CLIENTS]} == {"wiki"}
    assert {hit.source for _, hit in searches.found[-3 * CLIENTS :]} == {"wiki_new"}
    database.check_invariants()
