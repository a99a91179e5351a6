"""Whether a server makes the vectors that a source stores, before it says what the model is."""

from __future__ import annotations

from wikiembed.embedders.base import Embedder
from wikiembed.search.verify import Comparison, Outcome, compare
from wikiembed.servers.channel import Channel
from wikiembed.store.model_checks import ModelCheckStore
from wikiembed.store.source import Source


async def problem_with(
    channel: Channel, source: Source, store: ModelCheckStore, prefix: str, *, chunks: int
) -> str | None:
    """Why `channel` does not make the vectors of `source`, by a sample of `chunks`; None: it does.

    None too where nothing is stored or sampled.

    Raises: EmbedderError, Stopping, DatabaseError, psycopg.Error.
    """
    sample = await store.sample(source.name, chunks) if chunks else []
    sample = [chunk for chunk in sample if len(chunk.vector) == source.dimensions]
    if not sample:
        return None
    made_with = prefix if source.document_prefix is None else source.document_prefix

    async def work(embedder: Embedder) -> Comparison | None:
        return await compare(embedder, sample, prefix=made_with, batch_size=len(sample))

    found = await channel.beside(work)
    if found is None or found.outcome is not Outcome.DIFFERENT:
        return None
    return (
        f"Its vectors are another model's than those of source {source.name!r} (median cosine"
        f" distance {found.median:.2g}): serve the model that made them."
    )
