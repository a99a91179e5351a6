"""Which provider, model and prefix a source gets from itself and from the settings."""

from __future__ import annotations

import pytest

from wikiembed.config import Provider, Settings
from wikiembed.store.resolution import for_documents, for_queries
from wikiembed.store.source import Source


def source(
    *,
    provider: str | None = None,
    model: str | None = None,
    document_prefix: str | None = None,
    pinned: bool = False,
    prefix_pinned: bool = False,
) -> Source:
    return Source(
        version="1",
        name="docs",
        provider=provider,
        model=model,
        dimensions=None,
        document_prefix=document_prefix,
        query_prefix=None,
        pinned=pinned,
        prefix_pinned=prefix_pinned,
    )


def resolve(source: Source, settings: Settings) -> tuple[Provider, str | None, str]:
    found = for_documents(source, settings)
    return found.provider, found.model, found.prefix


def test_source_without_values_uses_the_settings() -> None:
    """For every field that it leaves null."""
    settings = Settings(embedder=Provider.OPENAI, model="m", document_prefix="doc: ")
    assert resolve(source(), settings) == (Provider.OPENAI, "m", "doc: ")


def test_source_keeps_the_values_it_fixed() -> None:
    """Provider, model and prefix fixed at attach precede the settings."""
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
        (Provider.SENTENCE_TRANSFORMERS, None),
        (Provider.FASTEMBED, None),
    ],
)
def test_unset_model_is_the_default_of_the_provider(provider: Provider, model: str | None) -> None:
    """A source that fixes only its provider gets that provider's default model."""
    settings = Settings(embedder=Provider.LOCAL)
    assert resolve(source(provider=provider.value), settings) == (provider, model, "")


def test_resolve_of_a_pinned_source_reads_the_settings_again() -> None:
    """A worker with other settings is thereby detected by comparison, never followed."""
    pinned = source(
        provider="ollama", model="nomic", document_prefix="", pinned=True, prefix_pinned=True
    )
    settings = Settings(embedder=Provider.OPENAI, model="m", document_prefix="doc: ")
    assert resolve(pinned, settings) == (Provider.OPENAI, "m", "doc: ")


@pytest.mark.parametrize("setting", [{}, {"document_prefix": ""}, {"document_prefix": "doc: "}])
def test_prefix_fixed_at_attach_precedes_any_setting(setting: dict[str, str]) -> None:
    """Before the model is pinned and after."""
    settings = Settings.model_validate({"embedder": Provider.OLLAMA, "model": "m", **setting})
    for pinned in (False, True):
        fixed = source(
            provider="ollama", model="m", document_prefix="search_document: ", pinned=pinned
        )
        assert resolve(fixed, settings) == (Provider.OLLAMA, "m", "search_document: ")


def test_worker_without_a_prefix_uses_the_pinned_one() -> None:
    """One that sets another is compared, also where the source fixed its provider."""
    unset = Settings(embedder=Provider.OLLAMA, model="m")
    other = Settings(embedder=Provider.OLLAMA, model="m", document_prefix="passage: ")
    for pinned in (False, True):
        one = source(
            provider="ollama", model="m", document_prefix="doc: ", pinned=pinned, prefix_pinned=True
        )
        assert resolve(one, unset)[2] == "doc: "
        assert resolve(one, other)[2] == "passage: "


def test_question_is_embedded_by_the_model_of_the_vectors() -> None:
    """A pinned source keeps its model though the settings name another; its prefix is its own."""
    settings = Settings(embedder=Provider.LOCAL, query_prefix="query: ", document_prefix="doc: ")
    found = for_queries(source(provider="openai", model="m", pinned=True), settings)
    assert (found.server_key, found.prefix) == ((Provider.OPENAI, "m"), "query: ")
