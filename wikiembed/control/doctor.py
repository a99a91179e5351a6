"""Examine an installation; every line says ok, warning or fault, and what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import psycopg

from wikiembed.config import Provider, Settings
from wikiembed.control.outages import advice, open_outages
from wikiembed.db import version
from wikiembed.db.connect import translate_errors
from wikiembed.embedders import EmbedderOptions, ModelInfo, open_embedder
from wikiembed.errors import ConfigurationError, EmbedderError

OLDEST_POSTGRES = 140000
OLD_JOB_S = 600

Level = Literal["ok", "warning", "fault"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One examined thing."""

    name: str
    level: Level
    sentence: str

    def as_json(self) -> dict[str, str]:
        """Its parts by name."""
        return {"name": self.name, "level": self.level, "sentence": self.sentence}


Connection = psycopg.Connection[Any]


def examine(connection: Connection, settings: Settings) -> list[Finding]:
    """Everything, in the order in which it matters."""
    with translate_errors():
        return [
            *_versions(connection),
            *_sources(connection),
            *_queue(connection),
            *_invariants(connection),
            *_outages(connection),
            *_embedder(connection, settings),
        ]


def _value(connection: Connection, query: str) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None


def _versions(connection: Connection) -> Iterator[Finding]:
    number = connection.info.server_version
    level: Level = "ok" if number >= OLDEST_POSTGRES else "fault"
    advice = "" if level == "ok" else " is too old: 14 is the oldest that works"
    yield Finding("postgres", level, f"Postgres {number // 10000}.{number % 10000}{advice}.")
    vector = _value(connection, "select extversion from pg_extension where extname = 'vector'")
    yield Finding("pgvector", "ok", f"pgvector {vector}.")
    yield Finding(
        "schema",
        "ok",
        f"Schema version {version.current(connection)}.",
    )


def _sources(connection: Connection) -> Iterator[Finding]:
    rows = connection.execute(
        "select s.name, wikiembed_private.qualified(s.relation),"
        " case when wikiembed_private.qualified(s.relation) is not null then"
        "   wikiembed_private.triggers_current(s) end,"
        " case when wikiembed_private.qualified(s.relation) is not null then"
        "   wikiembed_private.missing_index(s) is not null end,"
        " s.model, s.document_prefix,"
        " case when wikiembed_private.qualified(s.relation) is not null then"
        "   wikiembed_private.owner_warning(s.relation) end"
        " from wikiembed.sources as s order by s.name"
    ).fetchall()
    if not rows:
        yield Finding("sources", "warning", "No source is attached: run `wikiembed attach`.")
    for name, relation, current, indexed, model, prefix, warning in rows:
        repair = f"run `wikiembed reconcile {name}`"
        if relation is None:
            yield Finding("relation", "fault", f"The table of source {name} is gone: {repair}.")
            continue
        if not current:
            yield Finding(
                "triggers", "fault", f"Triggers of source {name} are missing or old: {repair}."
            )
        if not indexed:
            yield Finding(
                "index",
                "warning",
                f"Source {name} has no valid index on missing rows: detach and attach it again.",
            )
        if current and indexed:
            yield Finding("source", "ok", f"Source {name} on {relation}: triggers and index.")
        if warning:
            yield Finding(
                "owner",
                "warning",
                f"Source {name}: {warning}; trust them as much as that role, or let one with fewer"
                " rights own wikiembed.",
            )
        if model and "nomic-embed-text" in model and not prefix:
            yield Finding(
                "prefix",
                "warning",
                f"Source {name}: {model} expects the prefixes 'search_document: ' and"
                " 'search_query: '; set WIKIEMBED_DOCUMENT_PREFIX and WIKIEMBED_QUERY_PREFIX.",
            )


def _queue(connection: Connection) -> Iterator[Finding]:
    alive = _value(connection, "select count(*) from wikiembed.workers where alive")
    waiting, oldest, stuck = connection.execute(
        "select coalesce(sum(todo), 0), max(oldest_todo_s),"
        " (select count(*) from wikiembed_queue.procrastinate_jobs as j where j.status = 'doing'"
        "  and not exists (select from wikiembed.workers as w where w.worker_id = j.worker_id"
        "                  and w.alive))"
        " from wikiembed.queue"
    ).fetchone() or (0, None, 0)
    if alive:
        yield Finding("workers", "ok", f"Workers alive: {alive}.")
    else:
        level: Level = "warning" if not waiting else "fault"
        yield Finding("workers", level, "No worker is alive: run `wikiembed worker`.")
    if stuck:
        yield Finding(
            "stuck_jobs",
            "warning",
            f"Jobs of dead workers: {stuck}; a worker frees them within 90 s.",
        )
    if oldest is not None and oldest > OLD_JOB_S and alive:
        yield Finding(
            "oldest_job",
            "warning",
            f"The oldest job waits for {oldest:.0f} s: see `wikiembed status` for a pause, or add"
            " workers.",
        )


def _invariants(connection: Connection) -> Iterator[Finding]:
    rows = connection.execute("select name, violations from wikiembed.check_invariants()")
    broken = [(name, count) for name, count in rows if count]
    for name, count in broken:
        yield Finding(
            "invariant", "fault", f"Not so: {name} ({count:,} rows); run `wikiembed reconcile`."
        )
    if not broken:
        yield Finding("invariants", "ok", "All five invariants hold.")


def _outages(connection: Connection) -> Iterator[Finding]:
    for outage in open_outages(connection):
        yield Finding("outage", "warning" if outage.stale else "fault", advice(outage))


def _embedder(connection: Connection, settings: Settings) -> Iterator[Finding]:
    rows = connection.execute(
        "select distinct coalesce(provider, %s), coalesce(model, ''), dimensions"
        " from wikiembed.sources order by 1, 2, 3",
        (settings.embedder.value,),
    ).fetchall()
    for name, model, dimensions in rows:
        provider = Provider(name)
        wanted = model or settings.model_of(provider)
        label = f"{provider.value} {wanted or ''}".strip()
        try:
            info = asyncio.run(_describe(settings, provider, wanted))
        except (EmbedderError, ConfigurationError) as error:
            yield Finding("embedder", "fault", f"Embedder {label}: {error}")
            continue
        if dimensions is not None and info.dimensions != dimensions:
            yield Finding(
                "embedder",
                "fault",
                f"Embedder {label} gives {info.dimensions} dimensions, a source holds {dimensions}:"
                " choose another model.",
            )
        else:
            yield Finding("embedder", "ok", f"Embedder {label}: {info.dimensions} dimensions.")


async def _describe(settings: Settings, provider: Provider, model: str | None) -> ModelInfo:
    embedder = open_embedder(EmbedderOptions.of(settings, provider, model))
    try:
        return await embedder.describe()
    finally:
        await embedder.aclose()
