"""Results of checks for silent truncation, per source, server and model."""

from __future__ import annotations

from dataclasses import dataclass

from wikiembed.db.pool import Pool
from wikiembed.store.calls import fetch_all

RECORD = "select wikiembed.record_truncation_check(%s, %s, %s, %s, %s::int, %s::int)"
TRUNCATION_CHECKS = (
    "select source, server, model, outcome, from_chars, checked_chars,"
    " extract(epoch from clock_timestamp() - checked_at)::float8 from wikiembed.truncation_checks"
    " order by used_at desc"
)


@dataclass(frozen=True, slots=True)
class Known:
    """A row of wikiembed.truncation_checks; `age_s` by the clock of Postgres."""

    outcome: str
    from_chars: int | None
    checked_chars: int
    age_s: float = 0.0

    def as_row(self) -> tuple[str, int | None, int]:
        """The values to record; Postgres sets the time."""
        return self.outcome, self.from_chars, self.checked_chars


class TruncationStore:
    """The calls by which a worker records the results of its canaries.

    Every method raises WikiembedError or psycopg.Error.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find(self, source: str, server: str, model: str) -> Known | None:
        """The result known from any source; see wikiembed.find_truncation_check."""
        rows = await fetch_all(
            self._pool,
            "select outcome, from_chars, checked_chars, age_s"
            " from wikiembed.find_truncation_check(%s, %s, %s)",
            (source, server, model),
        )
        return Known(*rows[0]) if rows else None

    async def record(self, source: str, server: str, model: str, found: Known) -> None:
        """Record a canary's result; see wikiembed.record_truncation_check."""
        await fetch_all(self._pool, RECORD, (source, server, model, *found.as_row()))
