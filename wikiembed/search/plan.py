"""The steps of a search, the same for every client: statements for Postgres, questions for a model.

A plan is a generator: it yields a `Statement`, a `Question` or a `Reranking`, is sent rows, a
vector or scores, and returns the result. So the client of threads and that of an event loop have
one home.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from wikiembed.config import Provider, Settings
from wikiembed.errors import ConditionNotMet, ConfigurationError, InvalidArgument, SourceNotFound
from wikiembed.search.hit import SEARCH, Hit, Mode, SearchOptions, hits_of, parameters
from wikiembed.store.resolution import for_queries
from wikiembed.store.source import SOURCES, Source
from wikiembed.vectors import Matrix

Result = TypeVar("Result")
TRIES = 3
_NAMED = SOURCES + " where name = any(%s) order by name"
_EMBEDDED = SOURCES + (  # noqa: S608 - constants alone
    " where name in (select c.source from wikiembed.coverage as c where c.embedded > 0)"
    " order by name"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement to run; its rows, as tuples, are sent to the plan."""

    sql: str
    parameters: Sequence[object] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A question to embed; its vector, `(1, dim) float32`, is sent to the plan."""

    source: Source
    text: str
    prefixed: bool = True
    """False: without the source's prefix for questions."""


@dataclass(frozen=True, slots=True)
class Reranking:
    """Texts to rerank; a score for each is sent to the plan, or None in an outage."""

    query: str
    texts: Sequence[str]


Plan = Generator[Statement | Question | Reranking, Any, Result]


def find(names: Sequence[str] | None) -> Plan[list[Source]]:
    """The sources of these names; None: all that have vectors.

    Raises: SourceNotFound, ConditionNotMet when there is none.
    """
    if names is None:
        found = [Source.from_row(row) for row in (yield Statement(_EMBEDDED))]
        if not found:
            raise ConditionNotMet("Nothing is embedded yet: run `wikiembed backfill`.")
        return found
    found = [Source.from_row(row) for row in (yield Statement(_NAMED, (list(names),)))]
    unknown = sorted(set(names) - {source.name for source in found})
    if unknown:
        raise SourceNotFound(
            f"No source is named {unknown[0]!r}: list them with `wikiembed sources`."
        )
    return found


def search(
    text: str, *, names: Sequence[str] | None, options: SearchOptions, settings: Settings
) -> Plan[list[Hit]]:
    """The best hits of all sources together, best first.

    Several sources must have the same model: otherwise distances cannot be compared. A source that
    was changed while the question was embedded (another model, another prefix) is searched again.
    In an outage of the reranker the hits stay in the order in which they were found.

    Raises: InvalidArgument, SourceNotFound, ConditionNotMet, ConfigurationError.
    """
    if not text.strip():
        raise InvalidArgument("The question is empty: give a text to search for.")
    if not _reranks(options, settings):
        return (yield from _search(text, names, options, settings))
    limit = options.limit
    if limit > 0:  # else it is refused as it is
        options = replace(options, limit=max(limit, settings.reranker_candidates))
    hits = yield from _search(text, names, options, settings)
    return (yield from _rerank(text, hits))[:limit]


def _reranks(options: SearchOptions, settings: Settings) -> bool:
    if options.rerank and settings.reranker_url is None:
        raise ConfigurationError(
            "No reranker is set: set WIKIEMBED_RERANKER_URL to http://host:port."
        )
    return settings.reranker_url is not None and options.rerank is not False


def _rerank(text: str, hits: list[Hit]) -> Plan[list[Hit]]:
    if not hits:
        return hits
    scores = yield Reranking(text, [hit.whole_text for hit in hits])
    if scores is None:
        return hits
    scored = [replace(hit, rerank_score=score) for hit, score in zip(hits, scores, strict=True)]
    return sorted(scored, key=lambda hit: -(hit.rerank_score or 0.0))


def _search(
    text: str, names: Sequence[str] | None, options: SearchOptions, settings: Settings
) -> Plan[list[Hit]]:
    """The best hits of all sources together, as they are found."""
    sources = yield from find(names)
    _require_one_model(sources, settings)
    hits: list[Hit] = []
    for source in sources:
        hits += yield from _search_source(text, source, options)
    if len(sources) == 1:
        return hits
    if any(hit.text_rank for hit in hits):
        return sorted(hits, key=lambda hit: -hit.score)[: options.limit]
    return sorted(hits, key=lambda hit: hit.distance or 0.0)[: options.limit]


def embed_query(text: str, *, name: str) -> Plan[Matrix]:
    """The vector of `text` as a question to source `name`, `(1, dim) float32`."""
    (source,) = yield from find([name])
    vector: Matrix = yield Question(source, text)
    return vector


def nearest(text: str, *, name: str, limit: int) -> Plan[list[Hit]]:
    """The `limit` chunks of source `name` nearest to `text`, which is embedded as it is."""
    (source,) = yield from find([name])
    vector = yield Question(source, text, prefixed=False)
    options = SearchOptions(limit=limit, mode=Mode.VECTOR)
    rows = yield Statement(SEARCH, parameters(name, options, vector=vector, text=None))
    return hits_of(name, rows)


def _search_source(text: str, source: Source, options: SearchOptions) -> Plan[list[Hit]]:
    for _ in range(TRIES):
        mode = options.mode
        if mode is Mode.AUTO:
            mode = Mode.VECTOR if source.text_config is None else Mode.HYBRID
        vector = None if mode is Mode.TEXT else (yield Question(source, text))
        words = None if mode is Mode.VECTOR else text
        asked = parameters(source.name, options, vector=vector, text=words)
        rows = yield Statement(SEARCH, asked)
        if rows and rows[0][0] == source.version:
            return hits_of(source.name, rows)
        (source,) = yield from find([source.name])
    raise ConditionNotMet(
        f"Source {source.name!r} was changed {TRIES} times while it was searched: try again."
    )


def _require_one_model(sources: Sequence[Source], settings: Settings) -> None:
    models: dict[tuple[Provider, str | None], list[str]] = {}
    for source in sources:
        models.setdefault(for_queries(source, settings).server_key, []).append(source.name)
    if len(models) > 1:
        (provider, model), names = next(iter(models.items()))
        raise InvalidArgument(
            f"The sources have vectors of {len(models)} different models, whose similarities cannot"
            f" be compared: choose a source with --source, such as --source {names[0]}"
            f" ({' '.join(filter(None, (provider.value, model)))})."
        )
