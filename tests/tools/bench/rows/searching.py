"""What wikiembed.search costs beside bare SQL, and what it finds under a filter.

Vectors are of clusters, as those of texts are; words follow Zipf's law.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import psycopg
from pgvector import Vector
from pgvector.psycopg import register_vector

from tests.tools.bench.place import DIMENSIONS, Base, Place
from tests.tools.bench.result import Form, Measured, middle, percentile
from wikiembed.search.recall import measure, sampled, set_ef_search
from wikiembed.vectors import Matrix

QUESTIONS = 300
WORD_QUESTIONS = 10
"""By words: the bare query reads all rows with any of them, 20 s of 200,000."""
CLUSTERS = 2_000
WORDS = 30_000
TENANTS = 100
"""Each has 1 % of the rows."""
BATCH = 5_000
BARE_VECTOR = (
    "select id, body, vec <=> %b as distance from public.docs order by vec <=> %b limit 10"
)
BARE_TEXT = (
    "select id, body from public.docs where to_tsvector('english', body) @@ %s::tsquery"
    " order by ts_rank_cd(to_tsvector('english', body), %s::tsquery) desc limit 10"
)
BY_VECTOR = "select key, content, distance from wikiembed.search('docs', %b)"
BY_BOTH = "select key, content, score from wikiembed.search('docs', %b, %s)"
FILTERED = (
    """select key::bigint from wikiembed.search('docs', %b, p_filter => '{{"tenant": {}}}')"""
)
ALL = "select id::text from public.docs order by (vec <=> %b) + 0 limit 10"
RECALL = 0.95
EXACT = (
    "select id from public.docs where tenant = {} and vec is not null"
    " order by (vec <=> %b) + 0 limit 10"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: its vector, and its words."""

    vector: Vector
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        """Its words in one line, as a user types them."""
        return " ".join(self.words)

    @property
    def any_word(self) -> str:
        """A tsquery of any of its words."""
        return " | ".join(self.words)


class Corpus:
    """Vectors and texts by a fixed seed."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(7)
        self._centres = self._random.standard_normal((CLUSTERS, DIMENSIONS), np.float32)
        shares = 1 / np.arange(1, WORDS + 1)
        self._shares = shares / shares.sum()

    def vectors(self, n: int) -> Matrix:
        """`n` unit vectors, `(n, DIMENSIONS) float32`."""
        near = self._centres[self._random.integers(0, CLUSTERS, n)]
        found = near + self._random.standard_normal((n, DIMENSIONS), np.float32)
        unit: Matrix = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit

    def texts(self, n: int, *, words: int) -> list[str]:
        """`n` texts of `words` words each."""
        chosen = self._random.choice(WORDS, (n, words), p=self._shares)
        return [" ".join(f"word{one}" for one in row) for row in chosen]

    def questions(self, n: int) -> list[Asked]:
        """`n` questions of four words, none of the thirty most frequent."""
        words = self._random.integers(30, 3_000, (n, 4))
        return [
            Asked(Vector(vector), tuple(f"word{one}" for one in row))
            for vector, row in zip(self.vectors(n), words, strict=True)
        ]


def fill(base: Base, corpus: Corpus, n: int) -> None:
    """`n` embedded chunks of source ``docs``, with both indexes."""
    base.execute("alter table public.docs add column tenant integer")
    register_vector(base.connection)
    for start in range(0, n, BATCH):
        size = min(BATCH, n - start)
        with base.connection.cursor().copy(
            "copy public.docs (body, vec, tenant) from stdin with (format binary)"
        ) as copy:
            copy.set_types(["text", "vector", "int4"])
            rows = zip(corpus.texts(size, words=100), corpus.vectors(size), strict=True)
            for at, (text, vector) in enumerate(rows, start):
                copy.write_row((text, Vector(vector), at % TENANTS))
    base.execute("set maintenance_work_mem = '4GB'")
    base.execute("create index on public.docs using hnsw (vec vector_cosine_ops)")
    base.execute(f"create index on public.docs {base.one(USING)}")
    base.execute("select wikiembed.set_text_config('docs', 'english')")
    base.settle()


USING = "select wikiembed.text_index('docs', 'english')"


def timed(ways: Sequence[Callable[[Asked], object]], asked: list[Asked]) -> list[list[float]]:
    """The seconds of each way for each question, one way after the other."""
    found: list[list[float]] = [[] for _ in ways]
    for question in asked:
        for seconds, way in zip(found, ways, strict=True):
            began = time.perf_counter()
            way(question)
            seconds.append(time.perf_counter() - began)
    return found


def search(place: Place, form: Form) -> Iterator[Measured]:
    """By vector, by both, and filtered."""
    n = form.sizes[0] if form.sizes else form.of(200_000, 1_000_000)
    corpus = Corpus()
    with place.base() as base:
        fill(base, corpus, n)
        connection = base.connection

        def run(statement: str) -> Callable[..., list[tuple[object, ...]]]:
            return lambda *values: connection.execute(statement.encode(), values).fetchall()

        bare_vector, bare_text = run(BARE_VECTOR), run(BARE_TEXT)
        by_vector, by_both = run(BY_VECTOR), run(BY_BOTH)
        vector_ways: list[Callable[[Asked], object]] = [
            lambda q: bare_vector(q.vector, q.vector),
            lambda q: by_vector(q.vector),
        ]
        word_ways: list[Callable[[Asked], object]] = [
            lambda q: bare_vector(q.vector, q.vector),
            lambda q: bare_text(q.any_word, q.any_word),
            lambda q: by_both(q.vector, q.text),
        ]
        timed(vector_ways, corpus.questions(20))
        vector, ours = timed(vector_ways, corpus.questions(QUESTIONS))
        timed(word_ways, corpus.questions(1))
        again, text, both = timed(word_ways, corpus.questions(WORD_QUESTIONS))
        named = {"bare": vector, "search": ours, "bare text": text, "hybrid": both}
        detail = {
            name: {"median_ms": 1000 * middle(one), "p99_ms": 1000 * percentile(one, 0.99)}
            for name, one in named.items()
        }
        for word, share in (("median", 0.5), ("99th percentile", 0.99)):
            yield Measured(
                row=f"search by vector, {word}",
                what=f"wikiembed.search by vector ÷ bare SQL with the same index, {n:,} chunks,"
                f" {word}",
                value=percentile(ours, share) / percentile(vector, share),
                unit="ratio",
                better="less",
                goal=1.1,
                detail=detail,
            )
        yield Measured(
            row="hybrid search",
            what="hybrid search ÷ the two bare queries one after another, median",
            value=middle(both) / middle([a + b for a, b in zip(again, text, strict=True)]),
            unit="ratio",
            better="less",
            goal=1.1,
            detail=detail,
        )
        yield from _filtered(connection, corpus)
        yield from _proposed(connection, corpus)


def _proposed(connection: psycopg.Connection, corpus: Corpus) -> Iterator[Measured]:
    """At the setting that ``wikiembed recall`` proposes, of questions that it has not seen."""
    found = measure(
        connection, "docs", questions=sampled(connection, "docs", 200), limit=10, targets=(RECALL,)
    )
    setting = found.best(RECALL)
    recalls = []
    if setting is not None:
        set_ef_search(connection, "docs", setting.ef_search)
        for question in corpus.questions(200):
            keys = connection.execute(BY_VECTOR.encode(), (question.vector,)).fetchall()
            exact = connection.execute(ALL.encode(), (question.vector,)).fetchall()
            recalls.append(len({key for key, *_ in keys} & {key for (key,) in exact}) / len(exact))
    yield Measured(
        row="search, proposed setting",
        what=f"recall@10 of new questions at the setting that `recall` proposes for {RECALL}",
        value=fmean(recalls) if recalls else math.nan,
        unit="ratio",
        better="more",
        goal=RECALL,
        detail={
            "ef_search": setting and setting.ef_search,
            "settings": [(one.ef_search, one.recall) for one in found.settings],
        },
    )


def _filtered(connection: psycopg.Connection, corpus: Corpus) -> Iterator[Measured]:
    hits, recall, seconds = [], [], []
    for number, question in enumerate(corpus.questions(100)):
        tenant = number % TENANTS
        began = time.perf_counter()
        found = connection.execute(FILTERED.format(tenant).encode(), (question.vector,)).fetchall()
        seconds.append(time.perf_counter() - began)
        exact = connection.execute(EXACT.format(tenant).encode(), (question.vector,)).fetchall()
        hits.append(len(found))
        recall.append(len(set(found) & set(exact)) / len(exact))
    detail = {"median_ms": 1000 * middle(seconds), "p99_ms": 1000 * percentile(seconds, 0.99)}
    yield Measured(
        row="filtered search, hits",
        what="fewest hits of 10 when 1 % of the rows fit the filter",
        value=min(hits),
        unit="hits",
        better="more",
        goal=10,
        detail=detail,
    )
    yield Measured(
        row="filtered search, recall",
        what="recall@10 under that filter",
        value=sum(recall) / len(recall),
        unit="ratio",
        better="more",
        goal=0.95,
        detail=detail,
    )
