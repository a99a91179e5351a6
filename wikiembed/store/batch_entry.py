"""What is recorded of a batch in the transaction of its write."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

RECORD = (
    "wikiembed.record_batch(%(source)s, %(entry)s::bigint, %(usage)s::bigint[], %(again)s,"
    " %(since)s::timestamptz[], %(fresh)s::boolean[], %(chunks)s::int[], %(keys)s::text[],"
    " %(places)s::int[], array(select o.key from outcomes as o where o.outcome = 'written'),"
    " %(reservation)s::bigint)"
)
RECORD_ALONE = (
    "select wikiembed.record_batch(%(source)s, %(entry)s::bigint, %(usage)s::bigint[], %(again)s,"
    " p_reservation => %(reservation)s::bigint)"
)


@dataclass(slots=True, kw_only=True)
class BatchEntry:
    """What the requests of a batch cost, and since when the chunks of one write wait.

    `usage`: requests, failed ones, texts, tokens, estimated tokens. `chunks[i]` of the write's
    chunks wait since `since[i]`, and `fresh[i]` says whether a user's transaction wrote them;
    `places` has for each key its place in these, from 1, or 0 where that is not known; it is empty
    where all wait since the same time.
    `reservation`: what it has reserved of the source's budget, which the record releases.
    """

    usage: Sequence[int]
    since: Sequence[dt.datetime] = ()
    fresh: Sequence[bool] = ()
    chunks: Sequence[int] = ()
    places: Sequence[int] = ()
    reservation: int | None = None
    id: int = field(default_factory=lambda: secrets.randbits(63))
    _sent: bool = False

    def parameters(self, source: str) -> dict[str, object]:
        """Those of `RECORD`, but its keys; a second call is for a repeated write."""
        again, self._sent = self._sent, True
        return {
            "source": source,
            "entry": self.id,
            "usage": list(self.usage),
            "again": again,
            "since": list(self.since),
            "fresh": list(self.fresh),
            "chunks": list(self.chunks),
            "places": list(self.places),
            "reservation": self.reservation,
        }
