"""What changes for searches when a source takes the place of another: hits and their ranks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

import psycopg

from wikiembed.config import Settings
from wikiembed.db.connect import translate_errors
from wikiembed.errors import InvalidArgument
from wikiembed.search import plan
from wikiembed.search.client import Client
from wikiembed.search.hit import Hit, SearchOptions

Connection = psycopg.Connection[Any]

LONGEST_QUESTION = 200
_SENTENCE = re.compile(r"(?<=[.!?])\s|(?<=[。！？])|\n")

# The chunk itself is nearest to its own vector: so its text and title are read with the rights of
# the caller, by the functions that readers may call.
_SAMPLE = """
select h.title, h.content
  from wikiembed.sample_vectors(%s, %s) as v
 cross join lateral wikiembed.search(%s, v.embedding, p_limit => 1, p_switched => false) as h
"""
_TABLES = """
select s.name, s.relation::oid, s.key_columns::text[], d.relation::oid, d.key_columns::text[]
  from wikiembed.sources as s left join wikiembed.document_sources as d on d.source = s.name
 where s.name = any(%s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The hits of one question, best first, from both sources.

    `shared`: ranks, from 1, in the old and the new source of the hits that both find.
    """

    question: str
    old: Sequence[Hit]
    new: Sequence[Hit]
    shared: Sequence[tuple[int, int]]

    @property
    def overlap(self) -> float:
        """The share of the hits that both find, 0 to 1."""
        most = max(len(self.old), len(self.new))
        return len(self.shared) / most if most else 1.0

    @property
    def first_changed(self) -> bool:
        """Whether the first hit is another one."""
        return bool(self.old or self.new) and (1, 1) not in self.shared

    @property
    def rank_change(self) -> float | None:
        """The mean change of the ranks of hits that both find; None: there is none."""
        return fmean(abs(old - new) for old, new in self.shared) if self.shared else None

    def as_json(self) -> dict[str, object]:
        """The measures and the keys of the hits."""
        return {
            "question": self.question,
            "overlap": self.overlap,
            "first_changed": self.first_changed,
            "rank_change": self.rank_change,
            "old": [hit.key for hit in self.old],
            "new": [hit.key for hit in self.new],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two sources by the same questions, at most `limit` hits each."""

    old: str
    new: str
    limit: int
    questions: Sequence[Compared]

    @property
    def overlap(self) -> float:
        """The mean overlap."""
        return fmean(one.overlap for one in self.questions)

    @property
    def first_changed(self) -> int:
        """The number of questions whose first hit is another one."""
        return sum(one.first_changed for one in self.questions)

    @property
    def rank_change(self) -> float | None:
        """The mean of the questions' rank changes."""
        changes = [one.rank_change for one in self.questions if one.rank_change is not None]
        return fmean(changes) if changes else None

    @property
    def most_different(self) -> list[Compared]:
        """The questions, those that differ most first."""
        return sorted(
            self.questions,
            key=lambda one: (one.overlap, not one.first_changed, -(one.rank_change or 0.0)),
        )

    def as_json(self) -> dict[str, object]:
        """The measures, and each question, those that differ most first."""
        return {
            "old": self.old,
            "new": self.new,
            "limit": self.limit,
            "questions": len(self.questions),
            "overlap": self.overlap,
            "least_overlap": min(one.overlap for one in self.questions),
            "first_changed": self.first_changed,
            "rank_change": self.rank_change,
            "by_question": [one.as_json() for one in self.most_different],
        }


def identity(connection: Connection, old: str, new: str) -> Callable[[Hit], object]:
    """By what a hit of one source is recognised in the other.

    By its key, or for two chunk tables of the same documents by document and text.
    Raises: InvalidArgument for sources that have no chunk in common.
    """
    if old == new:
        raise InvalidArgument(f"Source {old!r} is compared with itself: name two.")
    with translate_errors():
        rows = connection.execute(_TABLES, ([old, new],)).fetchall()
    chunks = {(relation, tuple(key)) for _, relation, key, _, _ in rows}
    documents = {(relation, tuple(key or ())) for *_, relation, key in rows}
    if len(chunks) == 1:
        return lambda hit: hit.key
    if len(documents) == 1 and documents != {(None, ())}:
        return lambda hit: (hit.document_key, hit.content)
    raise InvalidArgument(
        f"Sources {old!r} and {new!r} are of different tables or keys: their hits cannot be"
        " compared."
    )


def sample_questions(connection: Connection, source: str, sample: int) -> list[str]:
    """Titles of the documents of random chunks, or the first sentences of chunks; each once.

    Few, when there are few documents.
    """
    with translate_errors():
        rows = connection.execute(_SAMPLE, (source, 2 * sample, source)).fetchall()
    found = dict.fromkeys(_question(title, content) for title, content in rows)
    return [question for question in found if question][:sample]


def _question(title: str | None, content: str) -> str:
    if title and title.strip():
        return " ".join(title.split())
    sentence = next((one for one in _SENTENCE.split(content.strip()) if one.strip()), "")
    return " ".join(sentence.split())[:LONGEST_QUESTION]


def compare(
    client: Client,
    questions: Sequence[str],
    *,
    old: str,
    new: str,
    options: SearchOptions,
    settings: Settings,
    same: Callable[[Hit], object],
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Comparison:
    """Search both sources, of these very names, for each question.

    No reranker is asked: it would hide what the models differ in. `same`: see `identity`.
    Raises: what a search raises.
    """
    options = replace(options, rerank=False)
    compared = []
    for number, question in enumerate(questions, 1):
        found = [
            client.take(
                plan.search(
                    question,
                    names=[source],
                    options=options,
                    settings=settings,
                    switched=False,
                )
            )
            for source in (old, new)
        ]
        compared.append(_compared(question, *found, same=same))
        on_progress(number, len(questions))
    return Comparison(old=old, new=new, limit=options.limit, questions=compared)


def _compared(
    question: str, old: Sequence[Hit], new: Sequence[Hit], *, same: Callable[[Hit], object]
) -> Compared:
    ranks = {same(hit): rank for rank, hit in reversed(list(enumerate(new, 1)))}
    shared = []
    for rank, hit in enumerate(old, 1):
        other = ranks.pop(same(hit), None)
        if other is not None:
            shared.append((rank, other))
    return Compared(question=question, old=old, new=new, shared=shared)
