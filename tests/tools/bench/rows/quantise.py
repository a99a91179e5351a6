"""What a quantised index of vectors costs and finds, beside the plain one of the same vectors."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from pgvector import Vector
from pgvector.psycopg import register_vector

from tests.support import export
from tests.tools.bench.edits import documents
from tests.tools.bench.place import DIMENSIONS, Base, Place
from tests.tools.bench.result import Form, Measured
from tests.tools.bench.rows.searching import BATCH, Corpus
from wikiembed.config import LOCAL_DIMENSIONS
from wikiembed.control.index import Quantise
from wikiembed.documents.split import SplitOptions, split
from wikiembed.embedders.local_model import load_wordllama
from wikiembed.search.recall import Measurement, measure, sampled
from wikiembed.vectors import Matrix

QUESTIONS = 50


def quantise(place: Place, form: Form) -> Iterator[Measured]:
    """Of vectors in clusters, and of those of a real export by the local model."""
    n = form.sizes[0] if form.sizes else form.of(20_000, 50_000)
    corpus = Corpus()
    yield from _kinds(place, "clusters", n, DIMENSIONS, corpus.vectors)
    if why := export.missing():
        print(f"quantise: {why}", file=sys.stderr)
        return
    vectors = _of_export(n)
    rows = iter(range(0, len(vectors), BATCH))

    def following(size: int) -> Matrix:
        start = next(rows)
        return vectors[start : start + size]

    yield from _kinds(place, "real export", len(vectors), LOCAL_DIMENSIONS, following)


def _of_export(most: int) -> Matrix:
    """The vectors of the export's first chunks, `(≤ most, LOCAL_DIMENSIONS) float32`."""
    options = SplitOptions()
    texts: list[str] = []
    for _, text in documents():
        texts += [text[piece.start : piece.end] for piece in split(text, options=options)]
        if len(texts) >= most:
            break
    return load_wordllama().embed(texts[:most])


def _kinds(
    place: Place, what: str, n: int, dimensions: int, vectors: Callable[[int], Matrix]
) -> Iterator[Measured]:
    with place.base() as base:
        base.execute(
            "create table public.near (id bigint primary key, body text,"
            f" vec vector({dimensions}));"
            " select wikiembed.attach('public.near', 'id', 'body', 'vec', 'near',"
            f" p_dimensions => {dimensions})"
        )
        _fill(base, n, vectors)
        base.execute("set maintenance_work_mem = '2GB'")
        plain_size, plain_s = 0, 0.0
        asked = sampled(base.connection, "near", QUESTIONS)
        about = f"{n:,} vectors of {dimensions} dimensions"
        for kind in Quantise:
            using = base.one("select wikiembed.vector_index('near', %s)", kind)
            seconds = base.seconds(f"create index near_{kind} on public.near {using}")
            size = base.one("select pg_relation_size(%s::regclass)", f"public.near_{kind}")
            base.execute("select wikiembed.set_quantise('near', %s)", kind)
            found = measure(base.connection, "near", questions=asked, limit=10)
            detail = {"bytes": size, "build_s": seconds, "recall": _recalls(found)}
            of = f"{kind}, {what}"
            if kind is Quantise.NONE:
                plain_size, plain_s = size, seconds
            else:
                yield _ratio(
                    f"index size, {of}", f"{kind} HNSW ÷ plain HNSW, bytes, {about}",
                    size / plain_size, detail,
                )  # fmt: skip
                yield _ratio(
                    f"index build, {of}", f"{kind} HNSW ÷ plain HNSW, seconds, {about}",
                    seconds / plain_s, detail,
                )  # fmt: skip
            for used in (40, 160, 640):
                one = next(s for s in found.settings if s.ef_search >= used)
                yield Measured(
                    row=f"recall@10, {of}, {one.ef_search}",
                    what=f"recall@10 at ef_search {one.ef_search},"
                    f" {one.latency.median_ms:.2f} ms median",
                    value=(one.recall + one.chosen_on) / 2,
                    unit="ratio",
                    better="more",
                    goal=None,
                    detail=detail,
                )


def _fill(base: Base, n: int, vectors: Callable[[int], Matrix]) -> None:
    register_vector(base.connection)
    for start in range(0, n, BATCH):
        found = vectors(min(BATCH, n - start))
        with base.connection.cursor().copy(
            "copy public.near from stdin with (format binary)"
        ) as copy:
            copy.set_types(["int8", "text", "vector"])
            for at, vector in enumerate(found, start):
                copy.write_row((at, "text", Vector(vector)))
    base.settle()


def _recalls(found: Measurement) -> dict[int, tuple[float, float]]:
    """Recall of all questions and median ms, by ef_search."""
    return {
        one.ef_search: ((one.recall + one.chosen_on) / 2, one.latency.median_ms)
        for one in found.settings
    }


def _ratio(row: str, what: str, value: float, detail: dict[str, object]) -> Measured:
    return Measured(
        row=row, what=what, value=value, unit="ratio", better="less", goal=None, detail=detail
    )
