"""Which provider, model and prefix a source resolves to: its own, else the settings'."""

from __future__ import annotations

from dataclasses import dataclass

from wikiembed.config import Provider, Settings
from wikiembed.store.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What a text is embedded with; `model` None: the one that the server serves."""

    provider: Provider
    model: str | None
    prefix: str

    @property
    def server_key(self) -> tuple[Provider, str | None]:
        """Sources with the same one share a channel."""
        return self.provider, self.model


def for_documents(source: Source, settings: Settings) -> Resolved:
    """What a worker with these settings embeds the source's chunks with.

    The pins that the first write left came from a worker's settings, so they are resolved from
    the settings again and then compared; a pinned prefix only with one that is set here. A prefix
    that the source itself sets overrides any setting.
    """
    prefix = source.document_prefix
    if prefix is None or (source.prefix_pinned and "document_prefix" in settings.model_fields_set):
        prefix = settings.document_prefix
    if source.pinned:
        return Resolved(
            provider=settings.embedder, model=settings.model_of(settings.embedder), prefix=prefix
        )
    provider, model = own_model(source, settings)
    return Resolved(provider=provider, model=model, prefix=prefix)


def for_queries(source: Source, settings: Settings) -> Resolved:
    """What a question is embedded with: the model that made the vectors, and the query prefix."""
    provider, model = own_model(source, settings)
    prefix = settings.query_prefix if source.query_prefix is None else source.query_prefix
    return Resolved(provider=provider, model=model, prefix=prefix)


def own_model(source: Source, settings: Settings) -> tuple[Provider, str | None]:
    """The source's own or pinned provider and model; where it has none, those of the settings."""
    provider = Provider(source.provider) if source.provider else settings.embedder
    return provider, source.model or settings.model_of(provider)
