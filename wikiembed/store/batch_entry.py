"""What is recorded of batches."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

RECORD = """
select wikiembed.record_batches(
  %(source)s, %(id)s::bigint, %(usage)s::bigint[], %(again)s, %(fresh)s::boolean[],
  %(buckets)s::smallint[], %(chunks)s::bigint[])
"""
SETTLE = (
    "select wikiembed.settle_budget(%(source)s, %(id)s::bigint, %(usage)s::bigint[], %(again)s)"
)


@dataclass(slots=True, kw_only=True)
class BatchEntry:
    """What the requests of batches of a source cost, and how long their chunks waited.

    `usage`: requests, failed ones, texts, tokens, estimated tokens. `chunks[i]` waited for a time
    of bucket `buckets[i]` of wikiembed.lag_histogram, and `fresh[i]` says whether they were edits.
    `id`: by which a repeated record is known; with `settles` that of the reservation that ends.
    """

    source: str
    usage: Sequence[int]
    fresh: Sequence[bool] = ()
    buckets: Sequence[int] = ()
    chunks: Sequence[int] = ()
    settles: bool = False
    id: int = field(default_factory=lambda: secrets.randbits(63))
    _sent: bool = False

    @property
    def statement(self) -> str:
        """The statement that records it."""
        return SETTLE if self.settles else RECORD

    def parameters(self) -> dict[str, object]:
        """Those of `statement`; a second call says that it is repeated."""
        again, self._sent = self._sent, True
        return {
            "source": self.source,
            "id": self.id,
            "usage": list(self.usage),
            "again": again,
            "fresh": list(self.fresh),
            "buckets": list(self.buckets),
            "chunks": list(self.chunks),
        }
