"""What a search returns, and the statement that it sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from pgvector import Vector
from psycopg.types.json import Jsonb

from wikiembed.vectors import Matrix

Filter = Mapping[str, object]
"""Conditions on columns of a chunk or its document: ``{"tenant": 3, "language": ["en", "de"],
"year": {"gte": 2000, "lt": 2010}}``. All of them must hold."""

# A source that was changed while the question was embedded has another version, and so has one
# that the name was switched to: then there is no row, and nothing was compared. The name is
# resolved twice, in one snapshot.
SEARCH = """
with asked as (select %s::text as name, %s::boolean as switched)
select s.name, h.key, h.document_key, h.title, h.heading, h.content, h.position,
       h.starts_at, h.ends_at, h.score, h.distance, h.vector_rank, h.text_rank, h.is_current
  from asked as a
  join wikiembed.sources as s on s.name = coalesce(
         (select n.source from wikiembed.search_names as n where n.name = a.name and a.switched),
         a.name)
  left join lateral wikiembed.search(
         a.name, %s, %s, %s, %s, p_vector_weight => %s, p_text_weight => %s, p_per_document => %s,
         p_switched => a.switched
       ) as h on true
 where s.xmin || ' ' || s.ctid = %s
 order by h.score desc, h.vector_rank, h.text_rank
"""


class Mode(StrEnum):
    """By what a search ranks; ``auto``: both where the source has an index of text."""

    AUTO = "auto"
    VECTOR = "vector"
    TEXT = "text"
    HYBRID = "hybrid"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """How to search: `limit` from 1 to 1,000 hits, weights from 0 to 1,000."""

    limit: int = 10
    filter: Filter | None = None
    mode: Mode = Mode.AUTO
    vector_weight: float = 1.0
    text_weight: float = 1.0
    per_document: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A chunk that was found.

    `source`: the one that was searched, also where the name that was given is switched to it. Of a
    document: its key (a JSON array of several columns), title, the path of headings, the
    chunk's number from 0, and where its content is in the text (characters, end exclusive); else
    None. `score` is the sum of weight / (60 + rank) over the two ranks, from 1 each; `distance` the
    cosine distance from 0 to 2, None without a vector. `is_current`: whether it has the vector of
    its text; if not, it is found by text alone.
    """

    source: str
    key: str
    document_key: str | None
    title: str | None
    heading: str | None
    content: str
    position: int | None
    starts_at: int | None
    ends_at: int | None
    score: float
    distance: float | None
    vector_rank: int | None
    text_rank: int | None
    is_current: bool

    @property
    def similarity(self) -> float | None:
        """The cosine similarity, from -1 to 1: 1 - distance."""
        return None if self.distance is None else 1 - self.distance

    def as_json(self) -> dict[str, object]:
        """Its fields by name, and the similarity."""
        return {**asdict(self), "similarity": self.similarity}


def parameters(
    name: str,
    options: SearchOptions,
    *,
    vector: Matrix | None,
    text: str | None,
    version: str,
    switched: bool = True,
) -> Sequence[object]:
    """The parameters of `SEARCH`; `vector`, `(1, dim) float32`, as text, which needs no adapter.

    `version`: that of the source whose model made the vector. `switched` False: in the source of
    that very name, whatever the name was switched to.
    """
    return (
        name,
        switched,
        None if vector is None else Vector(vector[0]).to_text(),
        text,
        options.limit,
        None if options.filter is None else Jsonb(dict(options.filter)),
        options.vector_weight,
        options.text_weight,
        options.per_document,
        version,
    )


def hits_of(rows: Sequence[Sequence[Any]]) -> list[Hit]:
    """The hits of the rows of `SEARCH`, best first."""
    names = (
        *("key", "document_key", "title", "heading", "content", "position", "starts_at"),
        *("ends_at", "score", "distance", "vector_rank", "text_rank", "is_current"),
    )
    return [
        Hit(source=row[0], **dict(zip(names, row[1:], strict=True)))
        for row in rows
        if row[1] is not None
    ]
