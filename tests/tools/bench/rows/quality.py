"""What search by vector, by text and by both find in a real export, with the local model."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import compress
from statistics import fmean

from pgvector import Vector
from pgvector.psycopg import register_vector

from tests.support import export
from tests.tools.bench.edits import documents
from tests.tools.bench.place import Place
from tests.tools.bench.result import Form, Measured
from wikiembed.config import LOCAL_DIMENSIONS
from wikiembed.documents.split import SplitOptions, split
from wikiembed.embedders.local import StaticModel
from wikiembed.embedders.local_model import load_wordllama

_HEADING = re.compile(r"^=+ .*? =+\s*$", re.MULTILINE)
_FOUND = "select key::bigint from wikiembed.search('parts', %s, %s, 10)"
_WAYS = ("vector", "text", "hybrid")
MOST_QUESTIONS = 2_000
"""Bounds the time: they are taken evenly."""


@dataclass(frozen=True, slots=True)
class Part:
    """A chunk without headings, and the question that it answers."""

    question: str
    content: str
    article: int


def parts() -> Iterator[Part]:
    """The chunks of the export's articles that have a heading."""
    options = SplitOptions()
    for number, (title, text) in enumerate(documents()):
        for piece in split(text, options=options):
            content = _HEADING.sub("", text[piece.start : piece.end]).strip()
            if piece.heading and content:
                heading = piece.heading.rpartition(" / ")[2]
                yield Part(f"{title} {heading}", content, number)


def quality(place: Place, form: Form) -> Iterator[Measured]:
    """Mean reciprocal rank of the first right chunk among ten."""
    if why := export.missing():
        print(f"quality: left out, {why}", file=sys.stderr)
        return
    model: StaticModel = load_wordllama()
    found = list(parts())
    by_question: dict[str, set[int]] = {}
    for number, part in enumerate(found, 1):
        by_question.setdefault(part.question, set()).add(number)
    every = max(1, len(by_question) // form.of(600, MOST_QUESTIONS))
    questions = dict(list(by_question.items())[::every])
    with place.base() as base:
        register_vector(base.connection)
        base.execute(
            "create table public.parts (id bigint primary key, body text,"
            f" vec vector({LOCAL_DIMENSIONS}));"
            " select wikiembed.attach('public.parts', 'id', 'body', 'vec', 'parts')"
        )
        vectors = model.embed([part.content for part in found])
        with base.connection.cursor() as cursor:
            cursor.executemany(
                "insert into public.parts values (%s, %s, %s)",
                [
                    (number, part.content, Vector(vector))
                    for number, (part, vector) in enumerate(zip(found, vectors, strict=True), 1)
                ],
            )
        using = base.one("select wikiembed.text_index('parts', 'english')")
        base.execute(f"create index on public.parts {using}")
        base.execute("create index on public.parts using hnsw (vec vector_cosine_ops)")
        base.execute("select wikiembed.set_text_config('parts', 'english')")
        base.settle()
        found_at: dict[str, list[float]] = {way: [] for way in _WAYS}
        asked = model.embed(list(questions))
        for (question, right), row in zip(questions.items(), asked, strict=True):
            vector = Vector(row)
            for way, values in zip(
                _WAYS, ((vector, None), (None, question), (vector, question)), strict=True
            ):
                keys = [key for (key,) in base.execute(_FOUND, *values).fetchall()]
                ranks = [rank for rank, key in enumerate(keys, 1) if key in right]
                found_at[way].append(1 / ranks[0] if ranks else 0.0)
    mrr = {way: fmean(each) for way, each in found_at.items()}
    held_out = [found[min(right) - 1].article % 2 == 1 for right in questions.values()]
    yield Measured(
        row="search quality",
        what=f"MRR@10 of hybrid search ÷ the better of vector and text alone, {len(questions):,}"
        f" questions, {len(found):,} chunks of a real export",
        value=mrr["hybrid"] / max(mrr["vector"], mrr["text"]),
        unit="ratio",
        better="more",
        goal=1.05,
        detail={
            "mrr": mrr,
            # Ways of fusion were compared on the other articles.
            "held_out": {way: fmean(compress(each, held_out)) for way, each in found_at.items()},
        },
    )
