"""What a search returns, and the statement that it sends."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import Enum
from operator import index
from typing import Any
from uuid import UUID

import numpy as np
from pgvector import Vector
from psycopg.types.json import Jsonb

from wikiembed.errors import InvalidArgument
from wikiembed.search.mode import Mode
from wikiembed.vectors import Matrix

Filter = Mapping[str, object]
"""Conditions on columns of a chunk or its document: ``{"tenant": 3, "language": ["en", "de"],
"year": {"gte": 2000, "lt": 2010}}``. All of them must hold."""

MIN_INT, MAX_INT = -(2**31), 2**31 - 1

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


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """How to search."""

    limit: int = 10
    """The most hits to return, from 1 to 1,000; of all sources together."""
    filter: str | None = None
    """Conditions on columns of the chunk or its document, all of which must hold; as JSON."""
    mode: Mode = Mode.AUTO
    """Rank by `vector`, `text` or both (`hybrid`); `auto`: by both with an index of text."""
    vector_weight: float = 1.0
    """The weight of the rank by vector, from 0 to 1,000."""
    text_weight: float = 1.0
    """The weight of the rank by text, from 0 to 1,000."""
    per_document: bool = False
    """Return the best chunk of each document only."""
    rerank: bool | None = None
    """Put the hits in the order of the reranker; None: if WIKIEMBED_RERANKER_URL is set."""

    @classmethod
    def of(
        cls,
        *,
        limit: int,
        filter: Filter | None,  # noqa: A002 - the term of the field
        mode: Mode | str,
        vector_weight: float,
        text_weight: float,
        per_document: bool,
        rerank: bool | None = None,
    ) -> SearchOptions:
        """The options that an application gives; Postgres checks what depends on the source.

        Raises: InvalidArgument.
        """
        if mode not in set(Mode):
            raise InvalidArgument(f"mode must be one of {', '.join(Mode)}, not {mode!r}.")
        try:
            if not MIN_INT <= (number := index(limit)) <= MAX_INT:
                raise InvalidArgument(f"limit must be from 1 to 1,000, not {number}.")
            return cls(
                limit=number,
                filter=None if filter is None else filter_as_json(filter),
                mode=Mode(mode),
                vector_weight=float(vector_weight),
                text_weight=float(text_weight),
                per_document=bool(per_document),
                rerank=None if rerank is None else bool(rerank),
            )
        except (TypeError, ValueError):
            raise InvalidArgument(
                "limit must be a whole number and weights must be numbers, not"
                f" {limit!r}, {vector_weight!r} and {text_weight!r}."
            ) from None


def filter_as_json(conditions: Filter) -> str:
    """A filter as JSON: dates, times, UUIDs, enums, Decimals and numpy's values too.

    Raises: InvalidArgument.
    """
    if not isinstance(conditions, Mapping):
        raise InvalidArgument(f"filter must be a dict of columns and values, not {conditions!r}.")
    try:
        return json.dumps(dict(conditions), default=_plain, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgument(f"filter cannot be written as JSON: {error}.") from None


def _plain(value: object) -> object:
    match value:
        case dt.datetime() | dt.date() | dt.time() | UUID():
            return str(value)
        case Decimal():
            # A number, as a jsonb column may hold it; as text where a float would round it.
            if not value.is_finite():
                return str(value)
            number = int(value) if value == value.to_integral_value() else float(value)
            return number if Decimal(repr(number)) == value else str(value)
        case Enum():
            return value.value
        case Mapping():
            return dict(value)
        case np.generic() | np.ndarray():
            return value.tolist()
        case Set() | range():
            return list(value)
    raise TypeError(f"a value of type {type(value).__name__} has no form in it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A chunk that was found."""

    source: str
    """The name of its source: the one that was searched, where a name was switched to it."""
    key: str
    """Its key as text; a JSON array where that has several columns."""
    document_key: str | None
    """The key of its document, in the same form; None where a table of texts was attached."""
    title: str | None
    """The title of its document; None without one."""
    heading: str | None
    """The headings above it in its document, the highest first; None without one."""
    content: str
    """Its text."""
    position: int | None
    """Its number in its document, from 0; None without a document."""
    starts_at: int | None
    """Where it begins in its document, in characters from 0; None without a document."""
    ends_at: int | None
    """Where it ends, in characters, exclusive; None without a document."""
    score: float
    """How well it answers, comparable within one search. Where vectors and words both found
    something, the sum of weight / 61 * its share by each; else weight / (60 + rank)."""
    distance: float | None
    """The cosine distance from the question, from 0 to 2; None without a vector."""
    vector_rank: int | None
    """Its place by vector, from 1; None where it was found by text alone."""
    text_rank: int | None
    """Its place by text, from 1; None where it was found by vector alone."""
    rerank_score: float | None = None
    """The reranker's, higher for better; None where the hits are not reranked."""
    is_current: bool
    """Whether it has the vector of its text; if not, it waits for one."""

    @property
    def similarity(self) -> float | None:
        """The cosine similarity, from -1 to 1: 1 - distance."""
        return None if self.distance is None else 1 - self.distance

    @property
    def whole_text(self) -> str:
        """Title, headings and content, each on lines of its own: what a reranker is given."""
        return "\n".join(filter(None, (self.title, self.heading, self.content)))

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
        None if options.filter is None else Jsonb(options.filter, dumps=str),
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
