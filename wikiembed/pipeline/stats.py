"""Statistics of a process, over all its connections to Postgres."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from wikiembed.error_class import ErrorClass
from wikiembed.telemetry import emit


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedChunk:
    """A chunk recorded in wikiembed.failures; its message contains no part of its text.

    `document`: a document recorded in wikiembed.document_failures instead.
    """

    source: str
    key: str
    error_class: ErrorClass
    message: str
    http_status: int | None
    attempts: int
    job_id: int | None
    document: bool = False


OnFailure = Callable[[FailedChunk], None]


def log_failure(failed: FailedChunk) -> None:
    """Emit the event for one chunk or document that failed, without its key."""
    if failed.document:
        emit(
            "document_failed",
            level=30,
            source=failed.source,
            error_class=failed.error_class,
            job_id=failed.job_id,
        )
        return
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

    `documents` were split, `documents_failed` could not be. `on_failure` receives each failed chunk
    and document once; by default it emits an event.
    """

    batches: int = 0
    chunks: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    documents: int = 0
    documents_failed: Counter[str] = field(default_factory=Counter)
    on_failure: OnFailure = log_failure

    def fail(self, failed: FailedChunk) -> None:
        """Count a recorded chunk or document, and call `on_failure`."""
        counter = self.documents_failed if failed.document else self.failed
        counter[failed.error_class] += 1
        self.on_failure(failed)

    def split(self, documents: int = 1) -> None:
        """Count documents whose chunks were written."""
        self.documents += documents

    def fail_document(
        self, *, source: str, key: str, error_class: ErrorClass, message: str, job_id: int | None
    ) -> None:
        """`fail` with a document."""
        self.fail(
            FailedChunk(
                source=source,
                key=key,
                error_class=error_class,
                message=message,
                http_status=None,
                attempts=1,
                job_id=job_id,
                document=True,
            )
        )
