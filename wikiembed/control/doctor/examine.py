"""Run every check, the most basic first; a check that cannot run is a finding too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from wikiembed.config import Settings
from wikiembed.control.doctor import budgets, documents, lag, limits, place, queue, servers, sources
from wikiembed.control.doctor.findings import Finding
from wikiembed.db import version
from wikiembed.db.connect import as_ours, translate
from wikiembed.db.endpoint import endpoint
from wikiembed.errors import SchemaMismatch, WikiembedError

Connection = psycopg.Connection[Any]


class Examination:
    """One examination: yields findings, then holds the `error` that prevented other checks.

    `now` is this machine's clock, in seconds since 1970. `full`: tables of any size are read whole.
    `max_lag_s`: seconds that fresh rows may wait; None: those of the settings.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        full: bool = False,
        max_lag_s: float | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._max_lag_s = settings.max_lag_s if max_lag_s is None else max_lag_s
        self._most_rows = None if full else queue.MOST_ROWS
        self._now = now
        self.error: WikiembedError | None = None

    def of(self, connection: Connection) -> Iterator[Finding]:
        """Examine database, sources, queue and embedding servers.

        Servers and Postgres are queried concurrently. Raises: psycopg.Error when the connection is
        lost.
        """
        found = endpoint(self._settings, connection)
        yield Finding("database", "ok", f"{found.line}.", details={"database": found.as_json()})
        yield from self._run(place.database(connection, self._now))
        yield from self._run(place.pgvector(connection))
        try:
            version.require_head(version.current(connection))
        except SchemaMismatch as error:
            yield Finding("schema", "fault", str(error))
            yield self._of_settings()
            self.error = error
            return
        with servers.Probes(self._settings) as probes:
            probes.begin(connection)
            for section in (
                place.schema(connection),
                place.procrastinate(connection),
                sources.sources(connection),
                sources.search_indexes(connection),
                sources.states(connection),
                budgets.used_up(connection),
                documents.documents(connection),
                queue.queue(connection),
                lag.lag(connection, most_s=self._max_lag_s),
                queue.invariants(connection, most_rows=self._most_rows),
                servers.outages(connection),
                servers.models(connection),
                limits.set_limits(connection),
                probes.findings(connection),
            ):
                yield from self._run(section)

    def without(self, error: WikiembedError) -> Iterator[Finding]:
        """Examine what does not need Postgres, which is not available because of `error`."""
        self.error = error
        yield Finding("database", "fault", str(error))
        yield self._of_settings()

    def _of_settings(self) -> Finding:
        """The embedding server of the settings alone: the sources are not known."""
        settings = self._settings
        return servers.probe(settings, settings.embedder, settings.model_of(settings.embedder))[0]

    def _run(self, section: Iterator[Finding]) -> Iterator[Finding]:
        """The findings of a section; a query that Postgres refuses is one of them."""
        try:
            yield from section
        except psycopg.Error as error:
            ours = translate(error)
            if error.sqlstate is None or (ours is not None and ours.exit_code == 3):
                raise
            self.error = self.error or ours
            yield Finding("unexamined", "fault", f"Not examined: {as_ours(error)}")
