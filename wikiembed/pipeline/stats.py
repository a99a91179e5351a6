"""What a process has done, counted over all its connections to Postgres."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from wikiembed.error_class import ErrorClass
from wikiembed.telemetry import emit


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedChunk:
    """A chunk that went into wikiembed.failures; its message holds no part of its text."""

    source: str
    key: str
    error_class: ErrorClass
    message: str
    http_status: int | None
    attempts: int
    job_id: int | None


OnFailure = Callable[[FailedChunk], None]


def log_failure(failed: FailedChunk) -> None:
    """The event for one chunk that failed, without its key: the log of a worker."""
    emit(
        "chunk_failed",
        level=30,
        source=failed.source,
        error_class=failed.error_class,
        http_status=failed.http_status,
        job_id=failed.job_id,
    )


@dataclass(slots=True)
class Stats:
    """Batches that ended, chunks that were embedded, and those that failed, by error class.

    `on_failure` is told of each failed chunk, once: a log of events unless somebody else prints it.
    """

    batches: int = 0
    chunks: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    on_failure: OnFailure = log_failure

    def fail(self, failed: FailedChunk) -> None:
        """Count a chunk that went into wikiembed.failures, and tell of it."""
        self.failed[failed.error_class] += 1
        self.on_failure(failed)
