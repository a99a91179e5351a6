"""The work that a backfill has to do in this database, and how long it takes at a known rate."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql

from wikiembed.config import Settings
from wikiembed.control.actions import Enqueued
from wikiembed.control.measure import LEAST_SAMPLED, Rate, measure, together
from wikiembed.control.usage import Price, price_of
from wikiembed.db.connect import translate_errors
from wikiembed.embedders.tokens import BYTES_PER_TOKEN
from wikiembed.errors import ConfigurationError, EmbedderError
from wikiembed.store.coverage import Coverage
from wikiembed.store.resolution import for_documents
from wikiembed.store.source import SOURCE, Source
from wikiembed.words import count

SAMPLE_BATCHES = 16
MOST_SAMPLED = 1024
PROBES_AT_ONCE = 4
BUSY_MINUTES = 3
BUSY_BATCHES = 4
"""A minute with fewer batches may have had no more to do: it is left out of the rate."""
MANY_SPLIT = 1000
"""From so many documents that are split on, their mean says more than a sample."""

Connection = psycopg.Connection[Any]
_TABLE = """
select n.nspname, c.relname, wikiembed_private.key_expression(s, 't'),
       wikiembed_private.text_expression(s, 't'), s.embedding_column
  from wikiembed.sources as s
  join pg_class as c on c.oid = s.relation
  join pg_namespace as n on n.oid = c.relnamespace
 where s.name = %s
"""
_SAMPLE = sql.SQL(
    "select {text} from {table} as t where t.{embedding} is null and btrim({text}) <> ''"
    " and not exists (select from wikiembed.failures as f"
    '                  where f.source = %s and f.key = {key} collate "C") limit %s'
)
# Older rows are per hour. The current minute is not over.
_HISTORY = (
    "select t.chunks from wikiembed.throughput as t where t.source = %s and t.chunks >= %s"
    " and t.minute > now() - interval '23 hours' and t.minute < date_trunc('minute', now())"
    " order by t.chunks"
)
_WAITING = "select coalesce(sum(todo + doing + scheduled_later), 0) from wikiembed.queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Documents that wait to be split, and the chunks to embed that they will give.

    `chunks` are estimated by `sampled` documents, or by the mean of `split` ones if that is 0;
    None: not known. `texts`: some of them, as they will be embedded, without the model's prefix.
    """

    documents: int
    chunks: int | None
    sampled: int = 0
    split: int = 0
    texts: Sequence[str] = ()

    @property
    def tokens(self) -> int | None:
        """Tokens of those chunks."""
        return None if self.chunks is None else _tokens(self.texts, self.chunks)

    def as_json(self) -> dict[str, object]:
        """Its parts by name."""
        return {
            "documents_waiting": self.documents,
            "documents_sampled": self.sampled,
            "chunks_of_documents": self.chunks,
            "chunks_by": None if self.chunks is None else "sample" if self.sampled else "mean",
            "tokens_of_documents": self.tokens,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The work to do for one source. `rate` None: unknown, for the reason in `unknown`.

    `chunks` includes those of documents that wait, which `expected` estimates.
    """

    source: str
    chunks: int
    jobs: int
    characters: int | None
    tokens: int | None
    sampled: int
    rate: Rate | None
    unknown: str | None
    measured: Rate | None = None
    """The result of a probe, even if it is too small for a rate."""
    expected: Expected | None = None
    price: Price | None = None

    @property
    def cost(self) -> Decimal | None:
        """What the tokens cost, by their estimate; None: no price is set, or they are not known."""
        if self.price is None or self.tokens is None:
            return None
        return self.price.of(self.tokens)

    @property
    def seconds(self) -> float | None:
        """How long it takes at that rate."""
        if self.expected is not None and self.expected.chunks is None:
            return None
        if self.chunks == 0:
            return 0.0
        return None if self.rate is None else self.chunks / self.rate.chunks_per_s

    def as_json(self) -> dict[str, object]:
        """Its parts by name."""
        return {
            "source": self.source,
            "chunks": self.chunks,
            "jobs": self.jobs,
            "characters": self.characters,
            "tokens": self.tokens,
            "tokens_are": "estimated",
            "cost": self.cost,
            "currency": None if self.price is None else self.price.currency,
            "chunks_per_s": None if self.rate is None else round(self.rate.chunks_per_s, 1),
            "rate_from": None if self.rate is None else self.rate.known_from,
            "hours": None if self.seconds is None else round(self.seconds / 3600, 3),
            "measured": None if self.measured is None else self.measured.sampled,
            "measured_s": None if self.measured is None else round(self.measured.seconds, 3),
            "refused": None if self.measured is None else self.measured.refused,
            "unknown": self.unknown,
            **({} if self.expected is None else self.expected.as_json()),
        }


def estimate(
    connection: Connection,
    settings: Settings,
    row: Coverage,
    queueing: Enqueued,
    *,
    most_chunks: int | None,
    concurrency: int | None,
    expected: Expected | None = None,
) -> Estimate:
    """What a backfill of the source of `row` would do, of which `queueing` is not queued yet.

    `expected`: what its documents that wait will give. A sample of its texts is read. If the last
    day has no rate, the embedding server embeds that sample, for some seconds; nothing is written.
    Raises: SourceNotFound, psycopg.Error.
    """
    missing = row.missing - row.failed
    new = 0 if expected is None else expected.chunks or 0
    chunks = missing + new
    chunks = chunks if most_chunks is None else max(0, min(chunks, most_chunks))
    source, batch_size, waiting = _source(connection, row.source)
    texts, unknown = _sample(connection, row.source, batch_size)
    if expected is not None:
        # As many of both kinds as there are: their lengths may differ.
        some = expected.texts
        texts = [*texts[: _part(len(some), missing, new, len(texts))], *some] if new else texts
        texts = texts[:: 1 + (len(texts) - 1) // MOST_SAMPLED]
        unknown = unknown if expected.chunks is not None else "no document could be read"
    rate = history(connection, row.source, least=BUSY_BATCHES * batch_size) if chunks else None
    measured: Rate | None = None
    if rate is None and texts and chunks:
        prefix = for_documents(source, settings).prefix
        try:
            measured = asyncio.run(
                _probe(
                    settings,
                    source,
                    [prefix + text for text in texts],
                    batch_size=batch_size,
                    concurrency=concurrency or settings.concurrency or PROBES_AT_ONCE,
                )
            )
        except (EmbedderError, ConfigurationError) as error:
            unknown = str(error)
        else:
            rate = measured if measured.applies_to(chunks) else None
            unknown = f"{count(measured.sampled, 'chunk')} could be measured, too few for a rate"
    return Estimate(
        source=row.source,
        chunks=chunks,
        jobs=queueing.jobs - queueing.splits + waiting,
        characters=_scaled(sum(map(len, texts)), len(texts), chunks),
        tokens=_tokens(texts, chunks),
        sampled=len(texts),
        rate=rate,
        unknown=unknown if (chunks or expected) and rate is None else None,
        measured=measured,
        expected=expected,
        price=price_of(connection, row.source),
    )


def _part(sampled: int, missing: int, new: int, most: int) -> int:
    """How many missing chunks belong in a sample that has `sampled` of `new` others."""
    return most if not new else min(most, max(1, round(sampled * missing / new))) if missing else 0


def _tokens(texts: Sequence[str], chunks: int) -> int | None:
    return _scaled(sum(len(t.encode()) for t in texts) // BYTES_PER_TOKEN, len(texts), chunks)


def _scaled(amount: int, sampled: int, chunks: int) -> int | None:
    """The amount of `sampled` texts, extrapolated to `chunks`."""
    if chunks == 0:
        return 0
    return round(amount / sampled * chunks) if sampled else None


def _source(connection: Connection, name: str) -> tuple[Source, int, int]:
    """The source's row, its batch size, and the number of its jobs."""
    with translate_errors():
        row = connection.execute(
            SOURCE,
            (name,),
        ).fetchone()
        size = connection.execute(
            "select batch_size from wikiembed.sources where name = %s", (name,)
        ).fetchone()
        waiting = connection.execute(_WAITING + " where source = %s", (name,)).fetchone()
    # The source may have been detached meanwhile: then placeholders do.
    source = (
        Source.from_row(row)
        if row
        else Source.from_row(("", name, *[None] * 5, False, False, None, False))
    )
    return source, size[0] if size else 1, int(waiting[0]) if waiting else 0


def _sample(connection: Connection, source: str, batch_size: int) -> tuple[list[str], str | None]:
    """Texts of missing chunks, or why none can be read."""
    with translate_errors():
        named = connection.execute(_TABLE, (source,)).fetchone()
        if named is None:
            return [], "the table of the source was dropped"
        schema, table, key, text, embedding = named
        query = _SAMPLE.format(
            table=sql.Identifier(schema, table),
            key=sql.SQL(key),
            text=sql.SQL(text),
            embedding=sql.Identifier(embedding),
        )
        limit = min(MOST_SAMPLED, max(SAMPLE_BATCHES * batch_size, LEAST_SAMPLED))
        try:
            rows = connection.execute(query, (source, limit)).fetchall()
        except psycopg.errors.InsufficientPrivilege:
            return [], f"this role may not read {schema}.{table}"
    return [row[0] for row in rows], None if rows else "no text lacks its vector"


def history(connection: Connection, source: str, *, least: int) -> Rate | None:
    """The last day's median rate, weighted by chunks; None: too few minutes.

    A minute with less than `least` chunks is left out: it may have had no more to do.
    """
    with translate_errors():
        minutes = [int(row[0]) for row in connection.execute(_HISTORY, (source, least))]
    if len(minutes) < BUSY_MINUTES:
        return None
    half, so_far = sum(minutes) / 2, 0
    for chunks in minutes:
        so_far += chunks
        if so_far >= half:
            return Rate(chunks_per_s=chunks / 60, known_from="history")
    return None


async def _probe(
    settings: Settings, source: Source, texts: Sequence[str], *, batch_size: int, concurrency: int
) -> Rate:
    found = for_documents(source, settings)
    from wikiembed.embedders.base import EmbedderOptions
    from wikiembed.embedders.open import open_embedder

    each = EmbedderOptions.each(settings, found.provider, found.model)
    embedders = [open_embedder(options) for options in each]
    try:
        rates = await asyncio.gather(
            *(
                measure(
                    embedder,
                    texts[number :: len(embedders)],
                    batch_size=batch_size,
                    concurrency=concurrency,
                )
                for number, embedder in enumerate(embedders)
            ),
            return_exceptions=True,
        )
    finally:
        for embedder in embedders:
            await embedder.aclose()
    return together(rates)
