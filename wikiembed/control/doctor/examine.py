"""Ask everything, in the order in which it matters; what cannot be asked is a finding too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from wikiembed.config import Provider, Settings
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

    `now` is this machine's clock, in seconds since 1970.
    """
    sections: list[Callable[[], Iterator[Finding]]] = [
        lambda: place.database(connection, now),
        lambda: place.pgvector(connection),
    ]
    try:
        version.require_head(version.current(connection))
    except SchemaMismatch as error:
        found = [finding for section in sections for finding in _asked(section)]
        found.append(Finding("schema", "fault", str(error)))
        return Examination([*found, *_of_settings(settings)], error)
    sections += [
        lambda: place.schema(connection),
        lambda: place.procrastinate(connection),
        lambda: sources.sources(connection),
        lambda: sources.states(connection),
        lambda: queue.queue(connection),
        lambda: queue.invariants(connection),
        lambda: servers.outages(connection),
        lambda: servers.embedders(connection, settings),
    ]
    return Examination([finding for section in sections for finding in _asked(section)])


def examine_without(error: WikiembedError, settings: Settings) -> Examination:
    """Examine what there is when Postgres cannot be asked because of `error`."""
    return Examination([Finding("database", "fault", str(error)), *_of_settings(settings)], error)


def _of_settings(settings: Settings) -> Iterator[Finding]:
    """The embedding server of the settings alone: which sources there are is not known."""
    provider: Provider = settings.embedder
    finding, _ = servers.ask(settings, provider, settings.model_of(provider))
    yield finding


def _asked(section: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """The findings of a section; a question that Postgres refuses is one of them.

    Raises: psycopg.Error when the connection is lost.
    """
    try:
        yield from section()
    except psycopg.Error as error:
        ours = translate(error)
        if error.sqlstate is None or (ours is not None and ours.exit_code == 3):
            raise
        said = str(ours) if ours else f"Postgres refused: {sentence_of(error)}"
        yield Finding("unexamined", "fault", f"Not examined: {said}")
