"""Embedding servers: what workers say of them, and what they answer from here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from wikiembed.config import Provider, Settings
from wikiembed.control.doctor.findings import Finding
from wikiembed.control.outages import advice, open_outages
from wikiembed.embedders import EmbedderOptions, ModelInfo, of_probe, open_embedder
from wikiembed.errors import ConfigurationError, EmbedderError

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pinned:
    """What a source holds; `pinned`: by the first write, from a worker's settings."""

    name: str
    provider: str | None
    model: str | None
    dimensions: int | None
    pinned: bool

    def ways(self, settings: Settings) -> tuple[Provider, str | None]:
        """The provider and the model that a worker of these settings would ask for it."""
        if self.pinned:
            return settings.embedder, settings.model_of(settings.embedder)
        provider = Provider(self.provider) if self.provider else settings.embedder
        return provider, self.model or settings.model_of(provider)


def outages(connection: Connection) -> Iterator[Finding]:
    """Servers that workers cannot reach."""
    for outage in open_outages(connection):
        yield Finding("outage", "warning" if outage.stale else "fault", advice(outage))


def embedders(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """Each model of a source, asked once, against what the sources hold."""
    rows = connection.execute(
        "select name, provider, model, dimensions, pinned_at is not null"
        " from wikiembed.sources order by name"
    ).fetchall()
    names = ("name", "provider", "model", "dimensions", "pinned")
    groups: dict[tuple[Provider, str | None], list[_Pinned]] = {}
    for row in rows:
        source = _Pinned(**dict(zip(names, row, strict=True)))
        groups.setdefault(source.ways(settings), []).append(source)
    if not groups:
        groups = {(settings.embedder, settings.model_of(settings.embedder)): []}
    for (provider, model), sources in groups.items():
        finding, info = ask(settings, provider, model)
        faults = [] if info is None else [f for s in sources for f in _compare(s, info)]
        if info is not None and info.served is not None:
            yield Finding(
                "served_model",
                "warning",
                f"The server serves {info.served} and answers to {model} all the same: set"
                " WIKIEMBED_MODEL to what it serves.",
            )
        # A server whose answer fits no source is not called ok.
        if info is None or not faults:
            yield finding
        yield from faults


def ask(
    settings: Settings, provider: Provider, model: str | None
) -> tuple[Finding, ModelInfo | None]:
    """Whether the server answers with a vector, and what it says of its model."""
    label = f"{provider.value} {model or ''}".strip()
    try:
        info = asyncio.run(_describe(settings, provider, model))
    except (EmbedderError, ConfigurationError) as error:
        return Finding("embedder", "fault", f"Embedder {label}: {error}"), None
    return Finding("embedder", "ok", f"Embedder {label}: {info.dimensions} dimensions."), info


def _compare(source: _Pinned, info: ModelInfo) -> Iterator[Finding]:
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


async def _describe(settings: Settings, provider: Provider, model: str | None) -> ModelInfo:
    embedder = open_embedder(EmbedderOptions.of(settings, provider, model))
    try:
        return await embedder.describe()
    except EmbedderError as error:
        raise of_probe(error) from None
    finally:
        await embedder.aclose()
