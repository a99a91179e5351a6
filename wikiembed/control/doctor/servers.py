"""Embedding servers: the outages that workers reported, and a probe of each from here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from wikiembed.command_line import command_line
from wikiembed.config import Provider, Settings
from wikiembed.control.doctor import truncation
from wikiembed.control.doctor.findings import Finding
from wikiembed.control.outages import advice, open_outages
from wikiembed.embedders.base import PROBE_TEXT, EmbedderOptions, ModelInfo, Role
from wikiembed.embedders.open import open_embedder
from wikiembed.embedders.probe import of_probe
from wikiembed.errors import ConfigurationError, EmbedderError, EmbedderMisconfigured
from wikiembed.servers.identity import Identity
from wikiembed.store.dimensions import COLUMN_DIMENSIONS, changed_column
from wikiembed.store.resolution import for_documents
from wikiembed.store.source import SOURCES, Source
from wikiembed.times import local
from wikiembed.vectors import Matrix
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
    """The result of a probe of `server`; `info` None: it failed.

    `vector`: of the probe, `(1, dim) float32`; None unless the model has several servers.
    """

    server: str
    finding: Finding
    info: ModelInfo | None = None
    check: truncation.Check | None = None
    vector: Matrix | None = None


def outages(connection: Connection) -> Iterator[Finding]:
    """Servers that workers cannot reach."""
    for outage in open_outages(connection):
        goes_on = outage.stale or outage.partial
        yield Finding("outage", "warning" if goes_on else "fault", advice(outage))


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
            f" {local(at)}): serve the model that made them, then run"
            f" `{command_line('verify', name)}`.",
        )


class Probes:
    """Probes each server of the sources' models once, and compares the results with the sources.

    Servers are probed concurrently in threads, from `begin` on; `findings` waits for them.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="doctor")
        self._groups: dict[ServerKey, list[Source]] | None = None
        self._results: dict[ServerKey, list[Future[_Result]]] = {}

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
                self._results[key] = [
                    self._threads.submit(
                        _probe, self._settings, *key, number=number, rows=rows, pinned=pinned
                    )
                    for number in range(len(self._settings.urls_of(key[0])))
                ]
            self._groups = groups
        return self._groups

    def findings(self, connection: Connection) -> Iterator[Finding]:
        """The findings of each server, in the order of the sources."""
        for key, sources in self._begin(connection).items():
            results = [future.result() for future in self._results[key]]
            for result in _in_agreement(results, sources):
                yield from self._of_server(connection, key, sources, result)

    def _of_server(
        self, connection: Connection, key: ServerKey, sources: list[Source], result: _Result
    ) -> Iterator[Finding]:
        info = result.info
        faults = [] if info is None else [f for s in sources for f in _compare(connection, s, info)]
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
            yield from self._of_truncation(connection, result, sources, info, result.check)

    def _of_truncation(
        self,
        connection: Connection,
        result: _Result,
        sources: list[Source],
        info: ModelInfo,
        check: truncation.Check,
    ) -> Iterator[Finding]:
        """What is known of long texts there; a new result is recorded."""
        server = result.server
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
    """Whether a server returns a vector, the first that does, and what it reports of its model."""
    results = (
        _probe(settings, provider, model, number=number, rows=None, pinned=())
        for number in range(len(settings.urls_of(provider)))
    )
    first = next(results)
    result = first if first.info else next((one for one in results if one.info), first)
    return result.finding, result.info


def _probe(
    settings: Settings,
    provider: Provider,
    model: str | None,
    *,
    number: int,
    rows: truncation.Rows | None,
    pinned: Sequence[str],
) -> _Result:
    """Probe the server of that number, and whether it truncates silently, unless `rows` is None."""
    servers = settings.servers_of(provider)
    server = servers[number]
    label = f"{provider.value} {model or ''}".strip()
    if len(servers) > 1:
        label += f" at {server}"
    wanted = rows if settings.check_truncation and not provider.in_process else None
    try:
        options = EmbedderOptions.each(settings, provider, model)
        info, check, vector = asyncio.run(
            _describe(options[number], server, wanted, pinned, with_vector=len(options) > 1)
        )
    except (EmbedderError, ConfigurationError) as error:
        failed = Finding("embedder", "fault", f"Embedder {label}: {error}")
        return _Result(server=server, finding=failed)
    ok = Finding("embedder", "ok", f"Embedder {label}: {info.dimensions} dimensions.")
    return _Result(server=server, finding=ok, info=info, check=check, vector=vector)


def _in_agreement(results: Sequence[_Result], sources: Sequence[Source]) -> Iterator[_Result]:
    """The results; of several servers, those that fail or run another model as warnings.

    The first one whose dimensions are the sources' says what the model is.
    """
    wanted = {source.dimensions for source in sources} - {None}
    usable = [r for r in results if r.info is not None and r.vector is not None]
    fits = [r for r in usable if r.info is not None and r.info.dimensions in wanted]
    reference = next(iter(fits or usable), None)
    if reference is None or reference.vector is None:
        yield from results
        return
    identity = Identity()
    identity.set(reference.vector, server=reference.server)
    for result in results:
        if result.vector is None:
            yield replace(result, finding=replace(result.finding, level="warning"))
            continue
        try:
            identity.check(result.vector)
        except EmbedderMisconfigured as error:
            warning = Finding("embedder", "warning", f"Workers leave out {result.server}. {error}")
            yield _Result(server=result.server, finding=warning)
        else:
            yield result


def _compare(connection: Connection, source: Source, info: ModelInfo) -> Iterator[Finding]:
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
        return
    (column,) = connection.execute(COLUMN_DIMENSIONS, (source.name,)).fetchone() or (None,)
    changed = changed_column(source, column=column, model=info.model, returned=info.dimensions)
    if changed is not None:
        yield Finding("dimensions", "fault", changed)
    elif source.dimensions is not None and info.dimensions != source.dimensions:
        yield Finding(
            "dimensions",
            "fault",
            f"Embedder {label} returns {info.dimensions} dimensions, source {source.name} has"
            f" {source.dimensions}: choose another model.",
        )


async def _describe(
    options: EmbedderOptions,
    server: str,
    rows: truncation.Rows | None,
    pinned: Sequence[str],
    *,
    with_vector: bool,
) -> tuple[ModelInfo, truncation.Check | None, Matrix | None]:
    embedder = open_embedder(options)
    try:
        info = await embedder.describe()
        vector = await embedder.embed([PROBE_TEXT], role=Role.DOCUMENT) if with_vector else None
        if rows is None:
            return info, None, vector
        names = (*pinned, info.pins_as(None), info.model)
        check = await truncation.check(embedder, rows, server=server, models=names)
    except EmbedderError as error:
        raise of_probe(error) from None
    else:
        return info, check, vector
    finally:
        await embedder.aclose()
