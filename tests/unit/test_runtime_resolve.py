"""Which provider, model and prefix a source gets from itself and from the settings."""

from __future__ import annotations

import pytest

from wikiembed.config import Provider, Settings
from wikiembed.pipeline.runtime import resolve
from wikiembed.store import Source


def source(
    *,
    provider: str | None = None,
    model: str | None = None,
    document_prefix: str | None = None,
    pinned: bool = False,
) -> Source:
    return Source(
        name="docs",
        provider=provider,
        model=model,
        dimensions=None,
        document_prefix=document_prefix,
        query_prefix=None,
        pinned=pinned,
    )


def test_bare_source_takes_the_settings() -> None:
    """All that it leaves null."""
    settings = Settings(embedder=Provider.OPENAI, model="m", document_prefix="doc: ")
    assert resolve(source(), settings) == (Provider.OPENAI, "m", "doc: ")


def test_source_of_its_own_keeps_what_it_fixed() -> None:
    """Provider, model and prefix fixed at attach go before the settings."""
    settings = Settings(embedder=Provider.OPENAI, model="m", document_prefix="doc: ")
    fixed = source(provider="ollama", model="nomic", document_prefix="")
    assert resolve(fixed, settings) == (Provider.OLLAMA, "nomic", "")


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        (Provider.OLLAMA, "nomic-embed-text"),
        (Provider.OPENAI, "text-embedding-3-small"),
        (Provider.TEI, None),
        (Provider.LOCAL, "wordllama-l2-supercat-256"),
    ],
)
def test_unset_model_is_the_providers_usual_one(provider: Provider, model: str | None) -> None:
    """A source that fixes its provider only gets that provider's model."""
    settings = Settings(embedder=Provider.LOCAL)
    assert resolve(source(provider=provider.value), settings) == (provider, model, "")


def test_rule_10_pinned_source_is_resolved_from_the_settings_again() -> None:
    """So that a worker with other settings is found out by comparing, never obeyed."""
    pinned = source(provider="ollama", model="nomic", document_prefix="", pinned=True)
    settings = Settings(embedder=Provider.OPENAI, model="m", document_prefix="doc: ")
    assert resolve(pinned, settings) == (Provider.OPENAI, "m", "doc: ")


def test_prefix_fixed_at_attach_survives_the_pin() -> None:
    """A worker without a prefix of its own goes on with the source's after the first batch."""
    pinned = source(provider="ollama", model="m", document_prefix="search_document: ", pinned=True)
    settings = Settings(embedder=Provider.OLLAMA, model="m")
    assert resolve(pinned, settings) == (Provider.OLLAMA, "m", "search_document: ")
