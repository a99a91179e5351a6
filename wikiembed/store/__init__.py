"""What is asked of Postgres: calls of wikiembed's functions and views, and nothing else."""

from wikiembed.store.chunks import Backlog, Chunk, ChunkStore, Outcome
from wikiembed.store.coverage import COVERAGE, Coverage
from wikiembed.store.source import Source

__all__ = ["COVERAGE", "Backlog", "Chunk", "ChunkStore", "Coverage", "Outcome", "Source"]
