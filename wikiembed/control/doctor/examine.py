"""Ask everything, in the order in which it matters; what cannot be asked is a finding too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from wikiembed.config import Settings
from wikiembed.control.doctor import place, queue, servers, sources
from wikiembed.control.doctor.findings import Finding
from wikiembed.db import version
from wikiembed.db.connect import sentence_of, translate
from wikiembed.db.endpoint import endpoint
from wikiembed.errors import SchemaMismatch, WikiembedError

Connection = psycopg.Connection[Any]


class Examination:
    """One examination: findings as they come, then `error`, which kept the rest from being asked.

    `now` is this machine's clock, in seconds since 1970. `full`: tables of any size are read whole.
    """

    def __init__(
        self, settings: Settings, *, full: bool = False, now: Callable[[], float] = time.time
    ) -> None:
        self._settings = settings
        self._most_rows = None if full else queue.MOST_ROWS
        self._now = now
        self.error: WikiembedError | None = None

    def of(self, connection: Connection) -> Iterator[Finding]:
        """Examine database, sources, queue and embedding servers.

        The servers are asked while Postgres is. Raises: psycopg.Error when the connection is lost.
        """
        found = endpoint(self._settings, connection)
        yield Finding("database", "ok", f"{found.line}.", details={"database": found.as_json()})
        yield from self._ask(place.database(connection, self._now))
        yield from self._ask(place.pgvector(connection))
        try:
            version.require_head(version.current(connection))
        except SchemaMismatch as error:
            yield Finding("schema", "fault", str(error))
            yield self._of_settings()
            self.error = error
            return
        with servers.Questions(self._settings) as questions:
            questions.begin(connection)
            for section in (
                place.schema(connection),
                place.procrastinate(connection),
                sources.sources(connection),
                sources.search_indexes(connection),
                sources.states(connection),
                queue.queue(connection),
                queue.invariants(connection, most_rows=self._most_rows),
                servers.outages(connection),
                questions.answers(connection),
            ):
                yield from self._ask(section)

    def without(self, error: WikiembedError) -> Iterator[Finding]:
        """Examine what there is when Postgres cannot be asked because of `error`."""
        self.error = error
        yield Finding("database", "fault", str(error))
        yield self._of_settings()

    def _of_settings(self) -> Finding:
        """The embedding server of the settings alone: which sources there are is not known."""
        settings = self._settings
        return servers.ask(settings, settings.embedder, settings.model_of(settings.embedder))[0]

    def _ask(self, section: Iterator[Finding]) -> Iterator[Finding]:
        """The findings of a section; a question that Postgres refuses is one of them."""
        try:
            yield from section
        except psycopg.Error as error:
            ours = translate(error)
            if error.sqlstate is None or (ours is not None and ours.exit_code == 3):
                raise
            self.error = self.error or ours
            said = str(ours) if ours else f"Postgres refused: {sentence_of(error)}"
            yield Finding("unexamined", "fault", f"Not examined: {said}")
