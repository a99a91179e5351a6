"""Embedding servers: what workers say of them, and what they answer from here."""

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
from wikiembed.embedders import EmbedderOptions, ModelInfo, of_probe, open_embedder
from wikiembed.errors import ConfigurationError, EmbedderError
from wikiembed.store.resolution import for_documents
from wikiembed.store.source import SOURCES, Source

Connection = psycopg.Connection[Any]
Way = tuple[Provider, str | None]
MOST_AT_ONCE = 16
"""Models that are asked at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What a server said; `info` none: it did not answer as it should."""

    finding: Finding
    info: ModelInfo | None = None
    check: truncation.Check | None = None


def outages(connection: Connection) -> Iterator[Finding]:
    """Servers that workers cannot reach."""
    for outage in open_outages(connection):
        yield Finding("outage", "warning" if outage.stale else "fault", advice(outage))


class Questions:
    """Each model of a source, asked once, against what the sources hold.

    Models are asked side by side, in threads, from `begin` on; `answers` waits for them.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="doctor")
        self._groups: dict[Way, list[Source]] | None = None
        self._asked: dict[Way, Future[_Answer]] = {}

    def __enter__(self) -> Questions:
        return self

    def __exit__(self, *raised: object) -> None:
        """Ask no more; who was asked is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def begin(self, connection: Connection) -> None:
        """Ask; where Postgres does not say whom, `answers` reports that."""
        with contextlib.suppress(psycopg.Error):
            self._begin(connection)

    def _begin(self, connection: Connection) -> dict[Way, list[Source]]:
        if self._groups is None:
            groups = _groups(connection, self._settings)
            rows: truncation.Rows = {}
            if self._settings.check_truncation:
                with contextlib.suppress(psycopg.Error):
                    rows = truncation.known_checks(connection)
            for way, sources in groups.items():
                pinned = [source.model for source in sources if source.model]
                self._asked[way] = self._threads.submit(
                    _ask, self._settings, *way, rows=rows, pinned=pinned
                )
            self._groups = groups
        return self._groups

    def answers(self, connection: Connection) -> Iterator[Finding]:
        """What each server says, in the order of the sources."""
        for way, sources in self._begin(connection).items():
            answer = self._asked[way].result()
            info = answer.info
            faults = [] if info is None else [f for s in sources for f in _compare(s, info)]
            if info is not None and info.served is not None:
                yield Finding(
                    "served_model",
                    "warning",
                    f"The server serves {info.served} and answers to {way[1]} all the same: set"
                    " WIKIEMBED_MODEL to what it serves.",
                )
            # A server whose answer fits no source is not called ok.
            if info is None or not faults:
                yield answer.finding
            yield from faults
            if info is not None and answer.check is not None:
                yield from self._of_truncation(connection, way, sources, info, answer.check)

    def _of_truncation(
        self,
        connection: Connection,
        way: Way,
        sources: list[Source],
        info: ModelInfo,
        check: truncation.Check,
    ) -> Iterator[Finding]:
        """What is known of long texts there, kept where it is new."""
        server = self._settings.server_of(way[0])
        models = {source.name: info.pins_as(source.model) for source in sources}
        truncation.record(connection, check, server=server, models=models)
        yield from truncation.finding_of(
            check, server=server, sources=list(models), wanted=self._settings.truncate
        )


def _groups(connection: Connection, settings: Settings) -> dict[Way, list[Source]]:
    """The sources by provider and model; the settings' own where there is no source."""
    rows = connection.execute(f"{SOURCES} order by name")
    groups: dict[Way, list[Source]] = {}
    for row in rows:
        source = Source.from_row(row)
        groups.setdefault(for_documents(source, settings).server_key, []).append(source)
    return groups or {(settings.embedder, settings.model_of(settings.embedder)): []}


def ask(
    settings: Settings, provider: Provider, model: str | None
) -> tuple[Finding, ModelInfo | None]:
    """Whether the server answers with a vector, and what it says of its model."""
    answer = _ask(settings, provider, model, rows=None, pinned=())
    return answer.finding, answer.info


def _ask(
    settings: Settings,
    provider: Provider,
    model: str | None,
    *,
    rows: truncation.Rows | None,
    pinned: Sequence[str],
) -> _Answer:
    """The same, and whether it truncates silently, unless `rows` is None."""
    label = f"{provider.value} {model or ''}".strip()
    wanted = rows if settings.check_truncation and provider is not Provider.LOCAL else None
    try:
        info, check = asyncio.run(_describe(settings, provider, model, wanted, pinned))
    except (EmbedderError, ConfigurationError) as error:
        return _Answer(finding=Finding("embedder", "fault", f"Embedder {label}: {error}"))
    ok = Finding("embedder", "ok", f"Embedder {label}: {info.dimensions} dimensions.")
    return _Answer(finding=ok, info=info, check=check)


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
            f" lead to {label}: set WIKIEMBED_EMBEDDER and WIKIEMBED_MODEL to the source's, or"
            " change its model.",
        )
    elif source.dimensions is not None and info.dimensions != source.dimensions:
        yield Finding(
            "dimensions",
            "fault",
            f"Embedder {label} gives {info.dimensions} dimensions, source {source.name} holds"
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
