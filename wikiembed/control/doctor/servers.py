"""Embedding servers: the outages that workers reported, and a probe of each from here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import psycopg

from wikiembed.config import Provider, Settings
from wikiembed.control.doctor import truncation
from wikiembed.control.doctor.findings import Finding
from wikiembed.control.outages import advice, open_outages
from wikiembed.embedders.base import EmbedderOptions, ModelInfo
from wikiembed.embedders.open import open_embedder
from wikiembed.embedders.probe import of_probe
from wikiembed.errors import ConfigurationError, EmbedderError
from wikiembed.store.resolution import for_documents
from wikiembed.store.source import SOURCES, Source
from wikiembed.times import local
from wikiembed.words import count

Connection = psycopg.Connection[Any]
ServerKey = tuple[Provider, str | None]
_CHECKS = """
select s.name, m.model, m.at, m.sample, m.median_distance, m.outcome
  from wikiembed.sources as s,
       lateral (select * from wikiembed.model_checks as c
                 where c.source = s.name and (s.model is null or c.model = s.model)
                 order by c.at desc limit 1) as m
 order by s.name
"""
MOST_AT_ONCE = 16
"""Models that are probed concurrently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """The result of a probe; `info` None: it failed."""

    finding: Finding
    info: ModelInfo | None = None
    check: truncation.Check | None = None


def outages(connection: Connection) -> Iterator[Finding]:
    """Servers that workers cannot reach."""
    for outage in open_outages(connection):
        yield Finding("outage", "warning" if outage.stale else "fault", advice(outage))


def models(connection: Connection) -> Iterator[Finding]:
    """The last check of each source's model, by a worker or by `verify`."""
    for name, model, at, sample, median, outcome in connection.execute(_CHECKS):
        if outcome == "same":
            yield Finding(
                "model_drift", "ok",
                f"Source {name}: {model} makes the vectors that are stored, by a check of"
                f" {local(at)}.",
            )  # fmt: skip
            continue
        how = {
            "mixed": "a part of its chunks is off",
            "shifted": "other weights or another quantisation",
            "different": "another model, pooling or prefix",
        }[outcome]
        yield Finding(
            "model_drift",
            "warning" if outcome == "shifted" else "fault",
            f"Source {name}: the server's vectors of {model} are not those that are stored"
            f" ({how}; median cosine distance {median:.2g} of {count(sample, 'chunk')},"
            f" {local(at)}): serve the model that made them, then run `wikiembed verify {name}`.",
        )


class Probes:
    """Probes each model of the sources once, and compares the result with the sources.

    Models are probed concurrently in threads, from `begin` on; `findings` waits for them.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="doctor")
        self._groups: dict[ServerKey, list[Source]] | None = None
        self._results: dict[ServerKey, Future[_Result]] = {}

    def __enter__(self) -> Probes:
        return self

    def __exit__(self, *raised: object) -> None:
        """Start no further probe; do not wait for those in progress."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def begin(self, connection: Connection) -> None:
        """Start the probes; if Postgres refuses to list the sources, `findings` reports it."""
        with contextlib.suppress(psycopg.Error):
            self._begin(connection)

    def _begin(self, connection: Connection) -> dict[ServerKey, list[Source]]:
        if self._groups is None:
            groups = _groups(connection, self._settings)
            rows: truncation.Rows = {}
            if self._settings.check_truncation:
                with contextlib.suppress(psycopg.Error):
                    rows = truncation.known_checks(connection)
            for key, sources in groups.items():
                pinned = [source.model for source in sources if source.model]
                self._results[key] = self._threads.submit(
                    _probe, self._settings, *key, rows=rows, pinned=pinned
                )
            self._groups = groups
        return self._groups

    def findings(self, connection: Connection) -> Iterator[Finding]:
        """The findings of each server, in the order of the sources."""
        for key, sources in self._begin(connection).items():
            result = self._results[key].result()
            info = result.info
            faults = [] if info is None else [f for s in sources for f in _compare(s, info)]
            if info is not None and info.served is not None:
                yield Finding(
                    "served_model",
                    "warning",
                    f"The server serves {info.served} but accepts requests for {key[1]}: set"
                    " WIKIEMBED_MODEL to what it serves.",
                )
            # A server whose answer matches no source is not called ok.
            if info is None or not faults:
                yield result.finding
            yield from faults
            if info is not None and result.check is not None:
                yield from self._of_truncation(connection, key, sources, info, result.check)

    def _of_truncation(
        self,
        connection: Connection,
        key: ServerKey,
        sources: list[Source],
        info: ModelInfo,
        check: truncation.Check,
    ) -> Iterator[Finding]:
        """What is known of long texts there; a new result is recorded."""
        server = self._settings.server_of(key[0])
        models = {source.name: info.pins_as(source.model) for source in sources}
        truncation.record(connection, check, server=server, models=models)
        yield from truncation.finding_of(
            check, server=server, sources=list(models), wanted=self._settings.truncate
        )


def _groups(connection: Connection, settings: Settings) -> dict[ServerKey, list[Source]]:
    """The sources by provider and model; without sources, those of the settings."""
    rows = connection.execute(f"{SOURCES} order by name")
    groups: dict[ServerKey, list[Source]] = {}
    for row in rows:
        source = Source.from_row(row)
        groups.setdefault(for_documents(source, settings).server_key, []).append(source)
    return groups or {(settings.embedder, settings.model_of(settings.embedder)): []}


def probe(
    settings: Settings, provider: Provider, model: str | None
) -> tuple[Finding, ModelInfo | None]:
    """Whether the server returns a vector, and what it reports of its model."""
    result = _probe(settings, provider, model, rows=None, pinned=())
    return result.finding, result.info


def _probe(
    settings: Settings,
    provider: Provider,
    model: str | None,
    *,
    rows: truncation.Rows | None,
    pinned: Sequence[str],
) -> _Result:
    """Like `probe`, and check whether the server truncates silently, unless `rows` is None."""
    label = f"{provider.value} {model or ''}".strip()
    wanted = rows if settings.check_truncation and not provider.in_process else None
    try:
        info, check = asyncio.run(_describe(settings, provider, model, wanted, pinned))
    except (EmbedderError, ConfigurationError) as error:
        return _Result(finding=Finding("embedder", "fault", f"Embedder {label}: {error}"))
    ok = Finding("embedder", "ok", f"Embedder {label}: {info.dimensions} dimensions.")
    return _Result(finding=ok, info=info, check=check)


def _compare(source: Source, info: ModelInfo) -> Iterator[Finding]:
    label = f"{info.provider.value} {info.model}".strip()
    if source.pinned and (source.provider or info.provider, source.model) != (
        info.provider,
        info.pins_as(source.model),
    ):
        yield Finding(
            "model",
            "fault",
            f"Source {source.name} is pinned to {source.provider} {source.model}, these settings"
            f" select {label}: set WIKIEMBED_EMBEDDER and WIKIEMBED_MODEL to the source's, or"
            " change its model.",
        )
    elif source.dimensions is not None and info.dimensions != source.dimensions:
        yield Finding(
            "dimensions",
            "fault",
            f"Embedder {label} returns {info.dimensions} dimensions, source {source.name} has"
            f" {source.dimensions}: choose another model.",
        )


async def _describe(
    settings: Settings,
    provider: Provider,
    model: str | None,
    rows: truncation.Rows | None,
    pinned: Sequence[str],
) -> tuple[ModelInfo, truncation.Check | None]:
    embedder = open_embedder(EmbedderOptions.of(settings, provider, model))
    try:
        info = await embedder.describe()
        if rows is None:
            return info, None
        names = (*pinned, info.pins_as(None), info.model)
        server = settings.server_of(provider)
        return info, await truncation.check(embedder, rows, server=server, models=names)
    except EmbedderError as error:
        raise of_probe(error) from None
    finally:
        await embedder.aclose()
