"""A question that is too long is truncated where the server can do it, and refused elsewhere."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from tests.support.pipeline_fakes import FakeEmbedder
from tests.support.standin import StandIn, vectors_of
from wikiembed.config import Settings
from wikiembed.embedders.base import Cut, Role
from wikiembed.errors import TextTooLong
from wikiembed.search.question import Questions, embed_question
from wikiembed.store.source import Source
from wikiembed.vectors import Matrix

QUESTION = "what does a very long question ask"
SOURCE = Source(
    version="1", name="docs", provider=None, model="m", dimensions=768, document_prefix=None,
    query_prefix=None, pinned=True, prefix_pinned=True,
)  # fmt: skip


def embed(source: Source, settings: Settings, text: str) -> Matrix:
    """The vector of a question."""

    async def once() -> Matrix:
        questions = Questions(settings)
        try:
            return await questions.vector(source, text)
        finally:
            await questions.aclose()

    return asyncio.run(once())


def _settings(server: StandIn, embedder: str, *, truncate: bool) -> Settings:
    return Settings.model_validate(
        {"embedder": embedder, "embedder_url": server.url, "model": "m", "truncate": truncate}
    )


@pytest.mark.parametrize("embedder", ["ollama", "tei"])
def test_question_is_truncated_where_the_server_can_do_it(embedder: str) -> None:
    """And only if the setting allows it."""
    with StandIn(max_chars=10) as server:
        vector = embed(SOURCE, _settings(server, embedder, truncate=True), QUESTION)
        assert np.array_equal(vector, vectors_of([QUESTION[:10]], 768))
        with pytest.raises(TextTooLong):
            embed(SOURCE, _settings(server, embedder, truncate=False), QUESTION)


def test_question_is_refused_where_the_server_cannot_truncate() -> None:
    """In the OpenAI dialect, for a server without a field for it."""
    with StandIn(max_chars=10) as server, pytest.raises(TextTooLong):
        embed(SOURCE, _settings(server, "openai", truncate=True), QUESTION)


async def test_question_is_embedded_as_a_query() -> None:
    """Whole, and cut."""
    embedder = FakeEmbedder()
    await embed_question(embedder, "short", truncate=True)
    embedder.script = [TextTooLong("A text is too long.", http_status=400)]
    embedder.cuts = lambda text: Cut(matrix=np.ones((1, 4), np.float32), chars_kept=None)
    await embed_question(embedder, QUESTION, truncate=True)
    assert embedder.roles == [(text, Role.QUERY) for text in ("short", QUESTION, QUESTION)]
