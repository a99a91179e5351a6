"""From keys of a job to vectors in the table, or to a reason in failures."""

from wikiembed.pipeline.batch import BatchJob, process
from wikiembed.pipeline.runtime import Runtime
from wikiembed.pipeline.stats import FailedChunk, Stats

__all__ = ["BatchJob", "FailedChunk", "Runtime", "Stats", "process"]
