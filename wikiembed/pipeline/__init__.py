"""Embed the chunks of a job: write vectors, or record failures."""

from wikiembed.pipeline.batch import BatchJob, process
from wikiembed.pipeline.runtime import Runtime
from wikiembed.pipeline.stats import FailedChunk, Stats

__all__ = ["BatchJob", "FailedChunk", "Runtime", "Stats", "process"]
