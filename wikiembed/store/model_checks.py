"""Chunks to embed again, and the results of checks whether a source's model is still the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wikiembed.db.pool import Pool
from wikiembed.store.calls import fetch_all
from wikiembed.vectors import Matrix

SAMPLE = (
    "select key, content, embedding::real[], truncated, chars_kept"
    " from wikiembed.sample_embedded(%s, %s::int)"
)
RECORD = "select wikiembed.record_model_check(%s, %s, %s::int, %s::float8, %s::float8, %s)"
_DUE = "select d from wikiembed.due_model_checks() as d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """An embedded chunk: its text without the prefix, and its vector, `(dim,) float32`.

    `truncated`: only a beginning is embedded, of `chars_kept` characters; None: not known.
    """

    key: str
    content: str
    vector: Matrix
    truncated: bool = False
    chars_kept: int | None = None


def sampled(rows: Sequence[Sequence[Any]]) -> list[Sampled]:
    """The chunks in rows of `SAMPLE`, but for those without text."""
    return [
        Sampled(
            key=key,
            content=content,
            vector=np.asarray(vector, dtype=np.float32),
            truncated=truncated,
            chars_kept=kept,
        )
        for key, content, vector, truncated, kept in rows
        if content is not None and content.strip()
    ]


class ModelCheckStore:
    """A worker's calls. Every method raises WikiembedError or psycopg.Error."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def due(self) -> list[str]:
        """The sources to check; see wikiembed.due_model_checks."""
        return [row[0] for row in await fetch_all(self._pool, _DUE, ())]

    async def sample(self, source: str, chunks: int) -> list[Sampled]:
        """Some embedded chunks; see wikiembed.sample_embedded."""
        return sampled(await fetch_all(self._pool, SAMPLE, (source, chunks)))

    async def record(self, source: str, row: Sequence[object]) -> None:
        """Record a result; see wikiembed.record_model_check."""
        await fetch_all(self._pool, RECORD, (source, *row))
