"""The steps of a search, the same for every client: statements for Postgres, questions for a model.

A plan is a generator: it yields a `Statement`, a `Question` or a `Reranking`, is sent rows, a
vector or scores, and returns the result. So the client of threads and that of an event loop have
one home.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from wikiembed.config import Provider, Settings
from wikiembed.errors import ConditionNotMet, ConfigurationError, InvalidArgument, SourceNotFound
from wikiembed.search.hit import SEARCH, Hit, SearchOptions, hits_of, parameters
from wikiembed.search.mode import Mode
from wikiembed.store.resolution import for_queries
from wikiembed.store.source import SOURCES, Source
from wikiembed.vectors import Matrix

Result = TypeVar("Result")
TRIES = 10
_NAMED = f"""
select a.asked, s.* from unnest(%s::text[]) as a (asked)
 cross join lateral ({SOURCES} where name = coalesce(
   (select n.source from wikiembed.search_names as n where n.name = a.asked and %s), a.asked)) as s
 order by a.asked
"""  # noqa: S608 - constants alone
_EMBEDDED = f"""
select s.name, s.* from ({SOURCES}) as s
 where s.name in (select c.source from wikiembed.coverage as c where c.embedded > 0)
   and s.name not in (select n.name from wikiembed.search_names as n)
 order by s.name
"""  # noqa: S608 - constants alone


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


def find(names: Sequence[str] | None, *, switched: bool = True) -> Plan[dict[str, Source]]:
    """The sources that searches for these names use, by name, each source once.

    None: all that have vectors, but for those whose name was switched to another. `switched` False:
    the sources of these very names.

    Raises: SourceNotFound, ConditionNotMet when there is none.
    """
    if names is None:
        rows = yield Statement(_EMBEDDED)
        if not rows:
            raise ConditionNotMet("Nothing is embedded yet: run `wikiembed backfill`.")
    else:
        rows = yield Statement(_NAMED, (list(names), switched))
    found = {str(row[0]): Source.from_row(row[1:]) for row in rows}
    unknown = sorted(set(names or ()) - set(found))
    if unknown:
        raise SourceNotFound(
            f"No source is named {unknown[0]!r}: list them with `wikiembed sources`."
        )
    once = {source.name: name for name, source in reversed(found.items())}
    return {name: source for name, source in found.items() if once[source.name] == name}


def search(
    text: str,
    *,
    names: Sequence[str] | None,
    options: SearchOptions,
    settings: Settings,
    switched: bool = True,
) -> Plan[list[Hit]]:
    """The best hits of all sources together, best first.

    Several sources must have the same model: otherwise distances cannot be compared. If a source
    was changed while the question was embedded (another model, another prefix), or a name was
    switched to another source, all is searched again, up to `TRIES` times. `switched`: see `find`.
    In an outage of the reranker the hits stay in the order in which they were found.

    Raises: InvalidArgument, SourceNotFound, ConditionNotMet, ConfigurationError.
    """
    if not text.strip():
        raise InvalidArgument("The question is empty: give a text to search for.")
    if not _reranks(options, settings):
        return (yield from _search(text, names, options, settings, switched=switched))
    limit = options.limit
    if limit > 0:  # else it is refused as it is
        options = replace(options, limit=max(limit, settings.reranker_candidates))
    hits = yield from _search(text, names, options, settings, switched=switched)
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
    text: str,
    names: Sequence[str] | None,
    options: SearchOptions,
    settings: Settings,
    *,
    switched: bool,
) -> Plan[list[Hit]]:
    """The best hits of all sources together, as they are found."""
    for _ in range(TRIES):
        sources = yield from find(names, switched=switched)
        _require_one_model(list(sources.values()), settings)
        hits = yield from _search_sources(text, sources, options, switched=switched)
        if hits is not None:
            return hits if len(sources) == 1 else _best(hits, options)
    raise ConditionNotMet(
        f"Source {min(sources)!r} was changed {TRIES} times while it was searched: try again."
    )


def _best(hits: list[Hit], options: SearchOptions) -> list[Hit]:
    """The best of several sources."""
    if any(hit.text_rank for hit in hits):
        return sorted(hits, key=lambda hit: -hit.score)[: options.limit]
    return sorted(hits, key=lambda hit: hit.distance or 0.0)[: options.limit]


def embed_query(text: str, *, name: str, switched: bool = True) -> Plan[Matrix]:
    """The vector of `text` as a question to source `name`, `(1, dim) float32`.

    `switched` false: to the source of that very name.
    """
    (source,) = (yield from find([name], switched=switched)).values()
    vector: Matrix = yield Question(source, text)
    return vector


def nearest(text: str, *, name: str, limit: int) -> Plan[list[Hit]]:
    """The `limit` chunks of source `name` nearest to `text`, which is embedded as it is."""
    (source,) = (yield from find([name], switched=False)).values()
    vector = yield Question(source, text, prefixed=False)
    options = SearchOptions(limit=limit, mode=Mode.VECTOR)
    asked = parameters(
        name, options, vector=vector, text=None, version=source.version, switched=False
    )
    return hits_of((yield Statement(SEARCH, asked)))


def _search_sources(
    text: str, sources: Mapping[str, Source], options: SearchOptions, *, switched: bool
) -> Plan[list[Hit] | None]:
    """The hits of sources by name; None: one was changed meanwhile, or a name was switched."""
    hits: list[Hit] = []
    for name, source in sources.items():
        mode = options.mode
        if mode is Mode.AUTO:
            mode = Mode.VECTOR if source.text_config is None else Mode.HYBRID
        vector = None if mode is Mode.TEXT else (yield Question(source, text))
        words = None if mode is Mode.VECTOR else text
        rows = yield Statement(
            SEARCH,
            parameters(
                name, options, vector=vector, text=words, version=source.version, switched=switched
            ),
        )
        if not rows:
            return None
        hits += hits_of(rows)
    return hits


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
