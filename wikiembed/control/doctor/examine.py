"""Ask everything, in the order in which it matters; what cannot be asked is a finding too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from wikiembed.config import Settings
from wikiembed.control.doctor import place, queue, servers, sources
from wikiembed.control.doctor.findings import Finding
from wikiembed.db import version
from wikiembed.db.connect import sentence_of, translate
from wikiembed.errors import SchemaMismatch, WikiembedError

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found, and the error that kept the rest from being asked."""

    findings: list[Finding]
    error: WikiembedError | None = None


def examine(
    connection: Connection, settings: Settings, *, now: Callable[[], float] = time.time
) -> Examination:
    """Examine database, sources, queue and embedding servers.

    `now` is this machine's clock, in seconds since 1970. Raises: psycopg.Error when the
    connection is lost.
    """
    found = _Found()
    found.ask(place.database(connection, now))
    found.ask(place.pgvector(connection))
    try:
        version.require_head(version.current(connection))
    except SchemaMismatch as error:
        found.findings += [Finding("schema", "fault", str(error)), _of_settings(settings)]
        return Examination(found.findings, error)
    for section in (
        place.schema(connection),
        place.procrastinate(connection),
        sources.sources(connection),
        sources.search_indexes(connection),
        sources.states(connection),
        queue.queue(connection),
        queue.invariants(connection),
        servers.outages(connection),
        servers.embedders(connection, settings),
    ):
        found.ask(section)
    return Examination(found.findings, found.refusal)


def examine_without(error: WikiembedError, settings: Settings) -> Examination:
    """Examine what there is when Postgres cannot be asked because of `error`."""
    return Examination([Finding("database", "fault", str(error)), _of_settings(settings)], error)


def _of_settings(settings: Settings) -> Finding:
    """The embedding server of the settings alone: which sources there are is not known."""
    return servers.ask(settings, settings.embedder, settings.model_of(settings.embedder))[0]


class _Found:
    """Findings so far, and the first right that was missing."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.refusal: WikiembedError | None = None

    def ask(self, section: Iterator[Finding]) -> None:
        """Add the findings of a section; a question that Postgres refuses is one of them."""
        try:
            self.findings.extend(section)
        except psycopg.Error as error:
            ours = translate(error)
            if error.sqlstate is None or (ours is not None and ours.exit_code == 3):
                raise
            self.refusal = self.refusal or ours
            said = str(ours) if ours else f"Postgres refused: {sentence_of(error)}"
            self.findings.append(Finding("unexamined", "fault", f"Not examined: {said}"))
