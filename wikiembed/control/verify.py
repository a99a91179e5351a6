"""Check the model of a source: embed a sample of its chunks again, and compare the vectors."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg

from wikiembed.config import Settings
from wikiembed.db.connect import translate_errors
from wikiembed.embedders.base import Embedder, EmbedderOptions, ModelInfo
from wikiembed.embedders.open import open_first
from wikiembed.embedders.probe import of_probe
from wikiembed.errors import ConditionNotMet, ConfigurationError, EmbedderError, SourceNotFound
from wikiembed.search.verify import PREFIXES, Comparison, Outcome, compare
from wikiembed.store.model_checks import RECORD, SAMPLE, Sampled, sampled
from wikiembed.store.resolution import own_model
from wikiembed.store.source import SOURCE, Source
from wikiembed.vectors import Distances
from wikiembed.words import count, verb

Connection = psycopg.Connection[Any]
TRIES = 3
ENDS = 10
"""Long texts that are embedded with another end."""
MOST_KEYS = 5
BANDS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
"""Cosine distances, in which chunks are counted."""
_BATCH_SIZE = "select batch_size from wikiembed.sources where name = %s"
_MEANT = {
    Outcome.SHIFTED: "nearly every vector is slightly off, as with other weights, another"
    " quantisation or precision of the model, or a short prefix",
    Outcome.DIFFERENT: "the vectors are of another model, another pooling or another prefix",
    Outcome.MIXED: "the other vectors are this model's, so these were made by another one, or"
    " their text was changed behind the triggers",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The comparison of one source, and how its chunks were embedded again.

    `found` None: no embedded chunk was found. `truncates`: the settings allow it.
    """

    source: str
    provider: str
    model: str
    prefix: str
    found: Comparison | None
    truncates: bool = False

    @property
    def passed(self) -> bool:
        """Whether the vectors are this model's, of whole texts."""
        found = self.found
        if found is None or found.outcome is not Outcome.SAME:
            return False
        return self.truncates or not (found.cut or found.refused)

    def sentences(self) -> list[str]:
        """What was found, the outcome first."""
        found = self.found
        if found is None:
            return [f"{self.source}: no chunk with a vector was found in the pages that were read."]
        return [self._of_vectors(found), *self._of_ends(found)]

    def _of_vectors(self, found: Comparison) -> str:
        n, off = len(found.keys), len(found.off)
        label = f"{self.provider} {self.model}".strip()
        if found.outcome is Outcome.SAME:
            return f"{self.source}: same model: {label} makes the vectors that are stored."
        clause = _MEANT[found.outcome]
        if found.prefix is not None:
            clause = f"they were made with prefix {found.prefix!r}, not {self.prefix!r}"
        elif found.noise is not None and found.noise > found.threshold:
            clause = (
                "the server gives one text other vectors each time, up to"
                f" {found.noise:.2g} apart, so nothing can be said of its model"
            )
        keys = f" (keys {_listed(found.off)})" if found.outcome is Outcome.MIXED else ""
        return (
            f"{self.source}: not verified, {off:,} of {count(n, 'chunk')} {verb(off)} off{keys}:"
            f" {clause}."
        )

    def _of_ends(self, found: Comparison) -> list[str]:
        said = []
        if found.cut:
            n = len(found.cut)
            said.append(
                f"{self.source}: another end of the text does not change the vector of"
                f" {n:,} of {count(found.ends, 'long chunk')}, which the server truncates"
                f" silently: keys {_listed(found.cut)}."
            )
        if found.refused:
            n = len(found.refused)
            said.append(
                f"{self.source}: the server refuses {count(n, 'text')} that"
                f" {verb(n, 'has', 'have')} a vector: keys {_listed(found.refused)}."
            )
        return said

    def as_json(self) -> dict[str, object]:
        """Its parts by name."""
        found = self.found
        row: dict[str, object] = {
            "source": self.source,
            "provider": self.provider,
            "model": self.model,
            "prefix": self.prefix,
            "passed": self.passed,
            "sample": 0 if found is None else len(found.keys),
            "outcome": None if found is None else found.outcome.value,
            "sentences": self.sentences(),
        }
        if found is None:
            return row
        return row | {
            "distances": quantiles(found.distances),
            "bands": [{"up_to": up_to, "chunks": chunks} for up_to, chunks in bands(found)],
            "threshold": found.threshold,
            "noise": found.noise,
            "off": found.off,
            "prefix_of_vectors": found.prefix,
            "refused": list(found.refused),
            "ends_replaced": found.ends,
            "ends_ignored": list(found.cut),
        }


def quantiles(distances: Distances) -> dict[str, float]:
    """The distribution: least, median, 90th, 99th of a hundred, largest."""
    names = ("min", "median", "p90", "p99", "max")
    values = np.quantile(distances, (0.0, 0.5, 0.9, 0.99, 1.0))
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def bands(found: Comparison) -> list[tuple[float, int]]:
    """How many chunks are within each of `BANDS` and not in the one before; 2 is the last."""
    counts = np.histogram(found.distances, bins=[-1.0, *np.nextafter(BANDS, 3.0), 3.0])[0]
    return list(zip((*BANDS, 2.0), map(int, counts), strict=True))


def verify(connection: Connection, settings: Settings, name: str, *, sample: int) -> Verified:
    """Compare a sample of source `name`, and record the result if this role may write.

    Raises: SourceNotFound, ConfigurationError, ConditionNotMet, EmbedderError.
    """
    source, chunks = _read(connection, name, sample)
    provider, model = own_model(source, settings)
    prefix = settings.document_prefix if source.document_prefix is None else source.document_prefix
    if not chunks:
        return Verified(
            source=name, provider=provider.value, model=model or "", prefix=prefix, found=None
        )
    row = connection.execute(_BATCH_SIZE, (name,)).fetchone()
    info, found = asyncio.run(
        _compare(
            EmbedderOptions.each(settings, provider, model),
            source,
            chunks,
            prefix=prefix,
            batch_size=int(row[0]) if row else 1,
            prefixes=(settings.document_prefix, source.query_prefix or "", *PREFIXES),
        )
    )
    named = info.pins_as(source.model)
    if source.model is None or named == source.model:
        values = (len(found.keys), found.median, found.largest, found.outcome.value)
        with contextlib.suppress(psycopg.Error):
            connection.execute(RECORD, (name, named, *values))
    return Verified(
        source=name,
        provider=provider.value,
        model=named,
        prefix=prefix,
        found=found,
        truncates=settings.truncate,
    )


def _read(connection: Connection, name: str, sample: int) -> tuple[Source, list[Sampled]]:
    """The source, and some of its chunks from while it was as that says."""
    with translate_errors():
        for _ in range(TRIES):
            before, rows, after = (
                connection.execute(query, given).fetchall()
                for query, given in (
                    (SOURCE, (name,)),
                    (SAMPLE, (name, sample)),
                    (SOURCE, (name,)),
                )
            )
            if not after:
                raise SourceNotFound(f"Source {name!r} was detached.")
            if before == after:
                return Source.from_row(after[0]), sampled(rows)
    raise ConditionNotMet(f"Source {name!r} changes while it is read: try again.")


async def _compare(
    servers: Sequence[EmbedderOptions],
    source: Source,
    chunks: Sequence[Sampled],
    *,
    prefix: str,
    batch_size: int,
    prefixes: Sequence[str],
) -> tuple[ModelInfo, Comparison]:
    embedder: Embedder = open_first(servers)
    try:
        try:
            info = await embedder.describe()
        except EmbedderError as error:
            raise of_probe(error) from None
        stored = len(chunks[0].vector)
        if stored != info.dimensions:
            raise ConfigurationError(
                f"The vectors of source {source.name!r} have {stored} dimensions, this model"
                f" returns {info.dimensions}: set WIKIEMBED_EMBEDDER and WIKIEMBED_MODEL to the"
                " source's."
            )
        found = await compare(
            embedder,
            [chunk for chunk in chunks if len(chunk.vector) == stored],
            prefix=prefix,
            batch_size=min(batch_size, info.max_batch or batch_size),
            ends=ENDS,
            prefixes=prefixes,
        )
    finally:
        await embedder.aclose()
    if found is None:
        raise ConditionNotMet(
            f"Every sampled chunk of source {source.name!r} was cut by a server, and this one"
            " cuts none: nothing can be compared."
        )
    return info, found


def _listed(keys: Sequence[str]) -> str:
    shown = ", ".join(keys[:MOST_KEYS])
    rest = len(keys) - MOST_KEYS
    return f"{shown} and {rest:,} more" if rest > 0 else shown
