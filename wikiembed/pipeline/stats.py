"""Statistics of a process, over all its connections to Postgres."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from wikiembed.error_class import ErrorClass
from wikiembed.telemetry import emit


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedChunk:
    """A chunk recorded in wikiembed.failures; its message contains no part of its text."""

    source: str
    key: str
    error_class: ErrorClass
    message: str
    http_status: int | None
    attempts: int
    job_id: int | None


OnFailure = Callable[[FailedChunk], None]


def log_failure(failed: FailedChunk) -> None:
    """Emit the event for one chunk that failed, without its key."""
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

    `on_failure` receives each failed chunk once; by default it emits an event.
    """

    batches: int = 0
    chunks: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    on_failure: OnFailure = log_failure

    def fail(self, failed: FailedChunk) -> None:
        """Count a chunk recorded in wikiembed.failures, and call `on_failure`."""
        self.failed[failed.error_class] += 1
        self.on_failure(failed)
