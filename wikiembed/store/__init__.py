"""Calls of wikiembed's functions and views in Postgres."""

from wikiembed.store.chunks import Backlog, Chunk, ChunkStore, Outcome
from wikiembed.store.coverage import COVERAGE, Coverage, DocumentCounts
from wikiembed.store.documents import Document, DocumentOptions, DocumentStore, Split, StoredChunk
from wikiembed.store.outages import OPEN_OUTAGES, Outage, OutageStore
from wikiembed.store.source import Source

__all__ = [
    "COVERAGE",
    "OPEN_OUTAGES",
    "Backlog",
    "Chunk",
    "ChunkStore",
    "Coverage",
    "Document",
    "DocumentCounts",
    "DocumentOptions",
    "DocumentStore",
    "Outage",
    "OutageStore",
    "Outcome",
    "Source",
    "Split",
    "StoredChunk",
]
