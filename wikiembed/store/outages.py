"""Outages of embedding servers: reports of workers, and the open outages."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from wikiembed.error_class import ErrorClass
from wikiembed.store.calls import fetch_all

if TYPE_CHECKING:
    from wikiembed.db.pool import Pool

OPEN_OUTAGES = (
    "select server, since, last_seen_at, error_class, http_status, reason, times,"
    " extract(epoch from clock_timestamp() - since)::float8,"
    " extract(epoch from clock_timestamp() - last_seen_at)::float8,"
    " exists (select from wikiembed.workers as w,"
    " jsonb_array_elements(w.requests) as away, jsonb_array_elements(w.requests) as other"
    " where w.alive and away ->> 'server' = o.server and other ->> 'server' <> o.server"
    " and away ->> 'model' is not distinct from other ->> 'model' and other ->> 'out' is null)"
    " from wikiembed.outages as o where ended_at is null order by since, server"
)
STALE_AFTER_S = 90.0
"""Three reports missed: no worker sends requests to the server any more."""


@dataclass(frozen=True, slots=True)
class Outage:
    """An open row of wikiembed.outages; `lasted_s` and `unseen_s` by the clock of Postgres.

    `partial`: another server of its model answered a worker at its latest heartbeat.
    """

    server: str
    since: dt.datetime
    last_seen_at: dt.datetime
    error_class: str
    http_status: int | None
    reason: str
    times: int
    lasted_s: float
    unseen_s: float
    partial: bool = False

    @property
    def stale(self) -> bool:
        """True when no worker has reported it recently: it may have ended."""
        return self.unseen_s > STALE_AFTER_S

    @property
    def is_refused(self) -> bool:
        """True when workers leave the server out for its settings or its model."""
        return self.error_class == ErrorClass.REFUSED

    def as_json(self) -> dict[str, object]:
        """The fields by name, and whether it is stale."""
        return {**asdict(self), "stale": self.stale}


class OutageStore:
    """The calls by which a worker records outages.

    Every method raises WikiembedError or psycopg.Error.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def report(
        self, server: str, *, since_s: float, error_class: str, http_status: int | None, reason: str
    ) -> None:
        """`server` has been out of reach for `since_s` seconds; see wikiembed.report_outage."""
        await fetch_all(
            self._pool,
            "select wikiembed.report_outage(%s, %s::float8, %s, %s::int, %s)",
            (server, since_s, error_class, http_status, reason),
        )

    async def end(self, server: str, *, ended_s: float, unseen_s: float) -> None:
        """`server` answered `ended_s` seconds ago; see wikiembed.end_outage."""
        await fetch_all(
            self._pool,
            "select wikiembed.end_outage(%s, %s::float8, %s::float8)",
            (server, ended_s, unseen_s),
        )
